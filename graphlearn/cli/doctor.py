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
    from graphlearn.hub.doctor import examine

    findings = []
    for finding in examine():
        findings.append(finding)
        if not as_json:
            if len(findings) == 1 or finding.section != findings[-2].section:
                out.print(finding.section, style="bold")
            out.print(f"  {finding.status:8}", style=STYLES[finding.status], end="")
            out.print(f"{finding.part:22} {finding.detail}", markup=False, soft_wrap=True)
            if finding.advice:
                out.print(f"{'':10}type: {finding.advice}", markup=False, soft_wrap=True)
    faults = [finding for finding in findings if finding.is_fault]
    if as_json:
        print(json.dumps({"ok": not faults, "findings": [asdict(f) for f in findings]}, indent=2))
    else:
        out.print(f"{len(faults)} to repair" if faults else "everything that is needed works")
    if faults:
        raise typer.Exit(1)
