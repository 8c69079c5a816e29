"""``tdddft spectrum``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.table import Table

from tdddft.cli.shell import out
from tdddft.spectrum import absorption_spectrum, average_spectrum, find_peaks
from tdddft.trajectory import read_trajectory
from tdddft.units import HARTREE_EV


def spectrum(
    files: Annotated[list[Path], typer.Argument(help="trajectory files; three directions give the isotropic mean")],
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
    spectra = {
        file.stem: absorption_spectrum(read_trajectory(file), hwhm_ev=hwhm_ev, max_energy_ev=max_energy_ev)
        for file in files
    }
    if len(spectra) > 1:
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
