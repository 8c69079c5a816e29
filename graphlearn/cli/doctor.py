"""``graphlearn doctor``"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from graphlearn.base.cli.shell import out

STYLES = {"ok": "green", "missing": "yellow", "failed": "red"}


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="print the findings as JSON")] = False,
) -> None:
    """Look at the installation and try each part in about ten seconds; exit code 1 if something has to be done.

    Needs no network. Each line that is not ok says what to type.

    Example: graphlearn doctor
    """
    from graphlearn.hub.doctor.run import run_checks

    checks = []
    for check in run_checks():
        checks.append(check)
        if not as_json:
            if len(checks) == 1 or check.section != checks[-2].section:
                out.print(check.section, style="bold")
            out.print(f"  {check.status:8}", style=STYLES[check.status], end="")
            out.print(f"{check.part:22} {check.detail}", markup=False, soft_wrap=True)
            if check.advice:
                out.print(f"{'':10}type: {check.advice}", markup=False, soft_wrap=True)
    faults = [check for check in checks if check.is_fault]
    if as_json:
        print(json.dumps({"ok": not faults, "findings": [asdict(c) for c in checks]}, indent=2))
    else:
        out.print(f"{len(faults)} to repair" if faults else "everything that is needed works")
    if faults:
        raise typer.Exit(1)
