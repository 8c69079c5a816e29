"""``tdddft show``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graphlearn.base.cli.shell import out, say_left_out


def show(
    path: Annotated[Path, typer.Argument(help="a trajectory file or a data-set folder")],
    figure: Annotated[Path | None, typer.Option(help="where to write; default: overview.png or NAME.png here")] = None,
) -> None:
    """Draw an overview of a trajectory or of a whole data set; exit code 1 if files of the set cannot be read.

    Example: tdddft show runs/small/trajectories/H2O_d0.h5 --figure water.png
    """
    from graphlearn.base.plotting import save_figure
    from tdddft.analysis.figures import trajectory_figure
    from tdddft.dataset.figure import dataset_figure
    from tdddft.dataset.store import DatasetFolder
    from tdddft.trajectory import read_trajectory

    unreadable: list[str] = []
    if path.is_dir():
        target = figure or path / "overview.png"
        drawn = dataset_figure(DatasetFolder(path), unreadable.append)
    else:
        trajectory = read_trajectory(path)
        target = figure or Path(f"{path.stem}.png")
        drawn = trajectory_figure(trajectory)
        method = trajectory.method
        out.print(
            f"{trajectory.name}: {trajectory.kind}, {method.functional}/{method.basis or 'basis of a file'}, "
            f"{len(trajectory.times_fs)} frames to {trajectory.times_fs[-1]:.3g} fs",
            markup=False,
        )
    out.print(f"wrote {save_figure(drawn, target)}", markup=False, soft_wrap=True)
    for reason in unreadable:
        say_left_out(reason)
    if unreadable:
        raise typer.Exit(1)
