"""``tdddft spectrum``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.table import Table

from tdddft.cli.shell import out
from tdddft.spectrum import absorption_spectrum, average_spectrum, default_hwhm_ev, field_direction, find_peaks
from tdddft.trajectory import Trajectory, read_trajectory
from tdddft.units import HARTREE_EV


def spectrum(
    files: Annotated[list[Path], typer.Argument(help="trajectory files; directions of one molecule are averaged too")],
    hwhm_ev: Annotated[
        float | None, typer.Option(min=0.01, help="half width of the lines, eV; default: 3.8 / time")
    ] = None,
    max_energy_ev: Annotated[float, typer.Option(min=1.0, help="upper end of the axis, eV")] = 30.0,
    csv: Annotated[Path | None, typer.Option(help="write energies and strengths here")] = None,
    figure: Annotated[Path | None, typer.Option(help="write a figure here")] = None,
) -> None:
    """Absorption spectrum of trajectories, simulated or predicted: peaks, table and figure.

    Example: tdddft spectrum runs/small/trajectories/H2O_d0.h5 --figure water.png
    """
    trajectories = {_label(file, files): read_trajectory(file) for file in files}
    width = hwhm_ev or max(default_hwhm_ev(t) for t in trajectories.values())
    spectra = {
        name: absorption_spectrum(t, hwhm_ev=width, max_energy_ev=max_energy_ev) for name, t in trajectories.items()
    }
    if _can_be_averaged(list(trajectories.values())):
        spectra["mean"] = average_spectrum(list(spectra.values()))
    table = Table("trajectory", "energy (eV)", "strength (1/eV)")
    for name, result in spectra.items():
        for energy, height in find_peaks(result):
            table.add_row(name, f"{energy:.3f}", f"{height / HARTREE_EV:.3f}")
    out.print(table)
    if csv is not None:
        columns = {"energy_ev": next(iter(spectra.values())).energy_ev}
        columns |= {f"strength_per_ev:{n}": s.strength_per_hartree / HARTREE_EV for n, s in spectra.items()}
        np.savetxt(csv, np.column_stack(list(columns.values())), delimiter=",", header=",".join(columns), comments="")
        out.print(f"wrote {csv}")
    if figure is not None:
        from tdddft.figures import save_figure, spectrum_figure

        out.print(f"wrote {save_figure(spectrum_figure(spectra), figure)}")


def _label(file: Path, files: list[Path]) -> str:
    return file.stem if [f.stem for f in files].count(file.stem) == 1 and file.stem != "mean" else str(file)


def _can_be_averaged(trajectories: list[Trajectory]) -> bool:
    """Several directions of one molecule, all simulated or all predicted, at the same times."""
    first = trajectories[0]
    directions = np.array([field_direction(t) for t in trajectories])
    different = np.abs(directions @ directions.T - np.eye(len(directions))).max() < 0.999
    same = all(
        t.name == first.name and t.kind == first.kind and np.array_equal(t.times_fs, first.times_fs)
        for t in trajectories
    )
    return len(trajectories) > 1 and same and bool(different)
