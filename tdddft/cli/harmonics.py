"""``tdddft harmonics``"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from graphlearn.base.cli.shell import only_json, out
from graphlearn.base.tables import Table
from tdddft.cli.labels import labelled

if TYPE_CHECKING:
    from tdddft.analysis.harmonics import HarmonicSpectrum


def harmonics(
    files: Annotated[list[Path], typer.Argument(help="trajectory files under a laser, several for one figure")],
    fundamental_ev: Annotated[
        float | None, typer.Option(help="photon energy of the driving field, eV; default: that of its laser")
    ] = None,
    max_order: Annotated[float, typer.Option(min=1.5, help="upper end of the axis")] = 30.0,
    window: Annotated[
        Literal["blackman", "hann"], typer.Option(help="lower side lobes, or narrower lines")
    ] = "blackman",
    csv: Annotated[Path | None, typer.Option(help="write orders, energies and yields along x, y, z here")] = None,
    figure: Annotated[Path | None, typer.Option(help="write a figure here")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the harmonics as JSON, and nothing else")] = False,
) -> None:
    """High-harmonic spectrum, from the dipole acceleration.

    Example: tdddft harmonics runs/laser/trajectories/H2O_d0.h5 --max-order 15 --figure harmonics.png
    """
    from tdddft.analysis.harmonics import harmonic_spectrum
    from tdddft.trajectory import read_trajectory

    with only_json(as_json) as write:
        spectra = {
            label: harmonic_spectrum(read_trajectory(file), fundamental_ev, max_order=max_order, window=window)
            for label, file in labelled(files).items()
        }
        found = {label: _harmonics(spectrum) for label, spectrum in spectra.items()}
        rows = [
            [label, str(h["order"]), f"{h['energy_ev']:.2f}", f"{h['yield']:.3e}"]
            for label, every in found.items()
            for h in every
        ]
        out.print(Table(["trajectory", "order", "energy (eV)", "yield (dE/dω)"], rows).terminal())
        for label, spectrum in spectra.items():
            if spectrum.cutoff_order is not None:
                out.print(f"{label}: classical cut-off at order {spectrum.cutoff_order:.1f}", markup=False)
        if csv is not None:
            out.print(f"wrote {_csv_table(spectra).write_csv(csv)}", markup=False)
        if figure is not None:
            from graphlearn.base.plotting import save_figure
            from tdddft.analysis.harmonics_figure import harmonics_figure

            title = f"{window} window, fundamental {next(iter(spectra.values())).fundamental_ev:g} eV"
            out.print(f"wrote {save_figure(harmonics_figure(spectra, title), figure)}", markup=False)
        write({"harmonics": found, "cutoff_order": {label: s.cutoff_order for label, s in spectra.items()}})


def _harmonics(spectrum: HarmonicSpectrum) -> list[dict[str, float]]:
    orders, yields = spectrum.harmonics()
    return [
        {"order": int(n), "energy_ev": float(n * spectrum.fundamental_ev), "yield": float(y)}
        for n, y in zip(orders, yields, strict=True)
    ]


def _csv_table(spectra: dict[str, HarmonicSpectrum]) -> Table:
    rows = [
        [label, f"{order:.6g}", f"{order * s.fundamental_ev:.6g}", *(f"{value:.6e}" for value in along)]
        for label, s in spectra.items()
        for order, along in zip(s.orders, s.yields, strict=True)
    ]
    return Table(["trajectory", "order", "energy_ev", "yield_x", "yield_y", "yield_z"], rows)
