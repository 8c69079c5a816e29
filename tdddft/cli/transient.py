"""``tdddft transient``"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from graphlearn.base.cli.shell import only_json, out
from graphlearn.base.errors import InputError
from graphlearn.base.tables import Table
from tdddft.cli.labels import labelled
from tdddft.units import HARTREE_EV

if TYPE_CHECKING:
    from tdddft.analysis.transient_absorption import TransientAbsorption

STRONGEST = 5
SMALLEST = 0.05  # of the largest change


def transient(
    sources: Annotated[
        list[Path], typer.Argument(help="a data set made with field.kind=pump_probe, or its trajectory files")
    ],
    hwhm_ev: Annotated[
        float | None,
        typer.Option(min=0.001, help="half width of the lines, eV; default: 2.5 eV fs / time after the probe"),
    ] = None,
    max_energy_ev: Annotated[float, typer.Option(min=1.0, help="upper end of the axis, eV")] = 30.0,
    pade: Annotated[
        bool, typer.Option("--pade", help="continue the signals by Padé approximants: sharper lines")
    ] = False,
    csv: Annotated[Path | None, typer.Option(help="write energies, strengths and differences by delay here")] = None,
    figure: Annotated[Path | None, typer.Option(help="write a figure here")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the changes as JSON, and nothing else")] = False,
) -> None:
    """Transient absorption: the spectrum of a probe with less that without a pump, by delay.

    Example: tdddft transient runs/pumped --max-energy-ev 20 --figure transient.png
    """
    from tdddft.analysis.transient_absorption import transient_absorption
    from tdddft.trajectory import read_trajectory

    with only_json(as_json) as write:
        runs = {label: read_trajectory(file) for label, file in labelled(_files(sources)).items()}
        found = transient_absorption(runs, hwhm_ev=hwhm_ev, max_energy_ev=max_energy_ev, pade=pade)
        changes = _strongest(found)
        rows = [[f"{c['delay_fs']:g}", f"{c['energy_ev']:.2f}", f"{c['change_per_ev']:+.4f}"] for c in changes]
        out.print(Table(["delay (fs)", "energy (eV)", "change (1/eV)"], rows).terminal())
        out.print("negative: bleach or emission; positive: absorption of the pumped molecule")
        if csv is not None:
            _write_csv(csv, found)
            out.print(f"wrote {csv}", markup=False)
        if figure is not None:
            from graphlearn.base.plotting import save_figure
            from tdddft.analysis.transient_figure import transient_figure

            name = next(iter(runs.values())).name
            out.print(f"wrote {save_figure(transient_figure(found, f'{name}: transient absorption'), figure)}")
        write({"hwhm_ev": found.unpumped.hwhm_ev, "changes": changes})


def _files(sources: list[Path]) -> list[Path]:
    """Trajectory files, those of a data set in place of its folder."""
    files: list[Path] = []
    for source in sources:
        if source.is_dir():
            held = sorted((source / "trajectories").glob("*.h5"))
            if not held:
                raise InputError(f"{source}: holds no trajectories")
            files += held
        else:
            files.append(source)
    return files


def _strongest(found: TransientAbsorption) -> list[dict[str, Any]]:
    """The strongest maxima and minima of the difference at each delay."""
    changes, differences = [], found.difference_per_hartree / HARTREE_EV
    least = SMALLEST * np.abs(differences).max()
    for delay, values in zip(found.delays_fs, differences, strict=True):
        size = np.where(np.abs(values) > least, np.abs(values), 0.0)
        inner = np.arange(1, len(values) - 1)
        tops = inner[(size[inner] > size[inner - 1]) & (size[inner] >= size[inner + 1])]
        for top in sorted(tops[np.argsort(-size[tops])][:STRONGEST]):
            energy, change = float(found.unpumped.energy_ev[top]), float(values[top])
            changes.append({"delay_fs": float(delay), "energy_ev": energy, "change_per_ev": change})
    return changes


def _write_csv(path: Path, found: TransientAbsorption) -> None:
    columns = {
        "energy_ev": found.unpumped.energy_ev,
        "unpumped_per_ev": found.unpumped.strength_per_hartree / HARTREE_EV,
    }
    for delay, values in zip(found.delays_fs, found.difference_per_hartree / HARTREE_EV, strict=True):
        columns[f"difference_per_ev:{delay:g}fs"] = values
    np.savetxt(path, np.column_stack(list(columns.values())), delimiter=",", header=",".join(columns), comments="")
