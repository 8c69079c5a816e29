"""``graphlearn statistics``"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from graphlearn.base.cli.shell import out, progress, say_left_out


def statistics(folder: Annotated[Path, typer.Argument(help="folder made by 'tdddft generate'")]) -> None:
    """Compute the statistics of a set of trajectories and keep them in its folder, for training to use.

    Files that cannot be read are left out and named; the exit code is 1 then.

    Example: graphlearn statistics runs/small
    """
    from graphlearn.base.errors import InputError
    from graphlearn.orbitals.data.statistics import trajectory_sums
    from graphlearn.orbitals.data.statistics_file import DEFINITION, FILE_NAME, DatasetStatistics
    from tdddft.dataset.store import DatasetFolder

    with progress("reading", len(DatasetFolder(folder).finished())) as show:
        unreadable: list[str] = []
        sums = trajectory_sums(folder, on_file=lambda number, _: show(number), on_unreadable=unreadable.append)
    for reason in unreadable:
        say_left_out(reason)
    if not sums:
        raise InputError(f"no trajectory of {folder} can be read; see 'tdddft validate {folder}'")
    for name, value in asdict(DatasetStatistics.pooled(sums.values())).items():
        out.print(f"{name:26} {value:.6g}" if isinstance(value, float) else f"{name:26} {value}")
    out.print(DEFINITION, markup=False)
    out.print(f"kept in {folder / FILE_NAME}", markup=False, soft_wrap=True)
    if unreadable:
        raise typer.Exit(1)
