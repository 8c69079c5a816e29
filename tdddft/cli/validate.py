"""``tdddft validate``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tdddft.cli.shell import out
from tdddft.errors import ContractError, InputError
from tdddft.folder import DatasetFolder
from tdddft.trajectory import read_trajectory
from tdddft.validation import Verdict, validate as validate_trajectory

MARK = {True: "ok  ", False: "FAIL", None: "n/a "}


def validate(
    path: Annotated[Path, typer.Argument(help="a trajectory file or a data-set folder")],
) -> None:
    """Judge trajectories by every rule of the file contract; exit code 1 if one is broken.

    Example: tdddft validate runs/small
    """
    single = not path.is_dir()
    dataset = DatasetFolder(path)
    files = {path.name: path} if single else dataset.finished()
    records = {} if single else dataset.records()
    broken = 0
    for name, file in files.items():
        try:
            verdicts = validate_trajectory(read_trajectory(file))
            if not single:
                intact = dataset.intact(records[name])
                verdicts.append(Verdict("checksum", intact, "equal" if intact else "differs from the index"))
        except (ContractError, InputError) as error:
            if single:
                raise
            broken += 1
            out.print(f"FAIL {name}: {error}", markup=False, soft_wrap=True)
            continue
        bad = [v for v in verdicts if v.passed is False]
        broken += bool(bad)
        if single:
            for v in verdicts:
                out.print(f"{MARK[v.passed]} {v.rule:24} {v.detail}", markup=False, soft_wrap=True)
        else:
            text = "; ".join(f"{v.rule}: {v.detail}" for v in bad) or "valid"
            out.print(f"{'FAIL' if bad else 'ok  '} {name}: {text}", markup=False, soft_wrap=True)
    out.print(f"{len(files) - broken} of {len(files)} valid")
    if broken:
        if not single:
            out.print("run the same 'tdddft generate' again to replace files that are damaged or gone")
        raise typer.Exit(1)
