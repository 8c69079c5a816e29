"""``graphlearn fetch``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graphlearn.base.cli.shell import out, progress, say_left_out


def fetch(
    codes: Annotated[list[str], typer.Argument(help="codes of the PDB, as 1ABC")],
    out_dir: Annotated[Path, typer.Option("--out", "-o", help="folder for the mmCIF files")],
) -> None:
    """Fetch structures of the PDB, each once, with a checksum of what came.

    Files that are there and whole are kept. A code that cannot be had does not stop the rest; the exit code is then 1.

    Example: graphlearn fetch 1LYZ 4HHB --out structures
    """
    from graphlearn.base.cli.signals import stop_on_signals
    from graphlearn.proteins.structure.fetch import fetch_structures, pdb_codes

    wanted = pdb_codes(codes)
    failures: dict[str, str] = {}
    with stop_on_signals() as stop, progress("structures", len(wanted)) as show:
        for number, code in enumerate(wanted, start=1):
            if stop():
                break
            failures |= fetch_structures([code], out_dir).failures
            show(number)
    for reason in failures.values():
        say_left_out(reason)
    if stop():
        stop.exit()
    out.print(f"{len(wanted) - len(failures)} of {len(wanted)} structures in {out_dir}", markup=False, soft_wrap=True)
    if failures:
        raise typer.Exit(1)
