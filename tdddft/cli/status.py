"""``tdddft status``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tdddft.cli.shell import out
from tdddft.folder import DatasetFolder
from tdddft.generation import collect_molecules, trajectory_ids


def status(folder: Annotated[Path, typer.Argument(help="data-set folder")]) -> None:
    """Count finished, failed and missing trajectories of a data set.

    Example: tdddft status runs/small
    """
    dataset = DatasetFolder(folder)
    recipe = dataset.recipe()
    wanted = [i for m in collect_molecules(recipe) for i in trajectory_ids(m, recipe)]
    records = dataset.records()
    failed = {i: r for i, r in records.items() if r["status"] == "failed"}
    done = sum(r["status"] == "done" and (folder / r["file"]).is_file() for r in records.values())
    missing = len(wanted) - done - len(failed)
    out.print(f"{done} finished, {len(failed)} failed, {missing} missing of {len(wanted)}")
    for identifier, record in failed.items():
        out.print(f"  failed: {identifier}: {record['error']}", markup=False, soft_wrap=True)
