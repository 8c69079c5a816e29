"""``graphlearn statistics``"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from tdddft.cli.shell import out, progress


def statistics(folder: Annotated[Path, typer.Argument(help="folder made by 'tdddft generate'")]) -> None:
    """Compute the statistics of a set of trajectories and keep them in its folder, for training to use.

    Example: graphlearn statistics runs/small
    """
    from graphlearn.datasets.statistics import DEFINITION, FILE_NAME, DatasetStatistics, trajectory_sums
    from tdddft.folder import DatasetFolder

    with progress("reading", len(DatasetFolder(folder).finished())) as show:
        sums = trajectory_sums(folder, on_file=lambda number, _: show(number))
    for name, value in asdict(DatasetStatistics.pooled(sums.values())).items():
        out.print(f"{name:26} {value:.6g}" if isinstance(value, float) else f"{name:26} {value}")
    out.print(DEFINITION, markup=False)
    out.print(f"kept in {folder / FILE_NAME}", soft_wrap=True)
