"""``tdddft density``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graphlearn.base.cli.shell import out, progress


def density(
    file: Annotated[Path, typer.Argument(help="a trajectory file")],
    frames: Annotated[
        list[int] | None, typer.Option("--frame", help="index of a frame, again for more; default: last")
    ] = None,
    out_dir: Annotated[Path, typer.Option("--out", "-o", help="folder of the cube files")] = Path(),
    total: Annotated[bool, typer.Option("--total", help="the density itself, not its change")] = False,
    spin: Annotated[bool, typer.Option("--spin", help="the spin density of an open shell, alpha less beta")] = False,
    spacing_au: Annotated[float, typer.Option(min=0.01, help="distance of grid points, bohr")] = 0.3,
) -> None:
    """Electron density of frames, less that of the ground state, as cube files.

    Example: tdddft density runs/small/trajectories/H2O_d0.h5 --frame 20 --frame 40 --out cubes
    """
    from tdddft.analysis.cube import write_cube
    from tdddft.trajectory import read_trajectory

    trajectory = read_trajectory(file)
    chosen = frames or [len(trajectory.times_fs) - 1]
    out_dir.mkdir(parents=True, exist_ok=True)
    with progress("cube files", len(chosen)) as show:
        for done, frame in enumerate(chosen, 1):
            target = out_dir / f"{file.stem}_frame{frame}{'_spin' * spin}{'' if total else '_change'}.cube"
            out.print(f"wrote {write_cube(target, trajectory, frame, spacing_au, change=not total, spin=spin)}")
            show(done)
