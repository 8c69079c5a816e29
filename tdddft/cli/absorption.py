"""``tdddft absorption``"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import numpy as np
import typer

from graphlearn.base.cli.shell import only_json, out, progress
from graphlearn.base.errors import InputError
from graphlearn.base.tables import Table
from tdddft.cli.level_of_theory import level_of_theory
from tdddft.electronic.method import Method
from tdddft.electronic.method_names import KernelLevel
from tdddft.units import HARTREE_EV, NM_EV

if TYPE_CHECKING:
    from tdddft.analysis.absorption import AbsorptionMethod
    from tdddft.analysis.circular_dichroism import ChiralRoots
    from tdddft.analysis.spectrum import Spectrum
    from tdddft.molecules.molecule import Molecule

HIGHEST_PEAKS = 10


def absorption(
    source: Annotated[str, typer.Argument(help="a molecule, or a file of conformers or frames of one: their mean")],
    methods: Annotated[
        list[str] | None,
        typer.Option("--method", help="casida, linear (default) or realtime; repeat it for several in one figure"),
    ] = None,
    kernel: Annotated[
        KernelLevel | None, typer.Option(help="of linear: fitted (default), grid, ris, hartree or none")
    ] = None,
    roots: Annotated[int | None, typer.Option(min=1, help="number of roots of casida; default: 20")] = None,
    dichroism: Annotated[
        bool, typer.Option("--circular-dichroism", help="rotatory strengths and their spectrum too, by casida")
    ] = False,
    hwhm_ev: Annotated[float, typer.Option(min=0.01, help="half width of the lines, eV")] = 0.1,
    max_energy_ev: Annotated[float, typer.Option(min=1.0, help="upper end of the axis, eV")] = 15.0,
    unit: Annotated[Literal["ev", "nm"], typer.Option(help="axis of the figure and of the table")] = "ev",
    limit: Annotated[int | None, typer.Option(min=1, help="only the first geometries")] = None,
    charge: Annotated[int | None, typer.Option(help="charge, where the source states none")] = None,
    multiplicity: Annotated[
        int | None,
        typer.Option(min=1, help="1 + number of unpaired electrons, where the source states none"),
    ] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="level of theory, as method.functional=PBE0")
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="write energies, wavelengths and strengths here")] = None,
    figure: Annotated[Path | None, typer.Option(help="write a figure here")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the peaks as JSON, and nothing else")] = False,
) -> None:
    """Absorption spectrum of a molecule, averaged over its orientations, by one method or several.

    Example: tdddft absorption smiles:C=O --method casida --method linear --figure formaldehyde.png
    """
    from tdddft.analysis.absorption import ABSORPTION_METHODS, mean_spectrum

    chosen = list(dict.fromkeys(methods or ["linear"]))
    for name in chosen:
        if name not in ABSORPTION_METHODS:
            raise InputError(f"--method {name}: choose among {', '.join(ABSORPTION_METHODS)}")
    if kernel is not None and "linear" not in chosen:
        raise InputError("--kernel has no effect without --method linear")
    if roots is not None and "casida" not in chosen:
        raise InputError("--roots has no effect without --method casida")
    if dichroism and "casida" not in chosen:
        raise InputError("--circular-dichroism has no effect without --method casida")
    level = level_of_theory(overrides)
    molecules = _geometries(source, charge, multiplicity, limit)
    options = {"kernel": kernel or "fitted", "roots": roots or 20, "hwhm_ev": hwhm_ev, "max_energy_ev": max_energy_ev}
    with only_json(as_json) as write:
        spectra, chiral, seconds = _computed(
            molecules, level, cast("list[AbsorptionMethod]", chosen), options, dichroism=dichroism
        )
        means = {name: mean_spectrum(found) for name, found in spectra.items()}
        peaks = {name: _peaks(spectrum) for name, spectrum in means.items()}
        differences = _mean_dichroism(chiral, means["casida"]) if dichroism else {}
        out.print(_table(peaks, unit).terminal())
        if len(chiral) == 1:
            out.print(_rotatory_table(_chiral_rows(chiral[0])).terminal())
            out.print("R: rotatory strengths, 1e-40 esu^2 cm^2; length gauge about the centre of nuclear charge")
        spent = ", ".join(f"{name} {t:.1f}" for name, t in seconds.items())
        counted = "1 geometry" if len(molecules) == 1 else f"{len(molecules)} geometries"
        out.print(f"{counted}, seconds: {spent}", markup=False)
        if csv is not None:
            _write_csv(csv, means, differences)
            out.print(f"wrote {csv}", markup=False)
        if figure is not None:
            from graphlearn.base.plotting import save_figure
            from tdddft.analysis.absorption_figure import absorption_figure

            title = f"{source} · {level.functional}"
            drawn = absorption_figure(means, spectra if len(molecules) > 1 else {}, unit, title, differences)
            out.print(f"wrote {save_figure(drawn, figure)}", markup=False)
        result = {"hwhm_ev": hwhm_ev, "geometries": len(molecules), "seconds": seconds, "peaks": peaks}
        if dichroism:
            result["circular_dichroism"] = [
                {"origin_bohr": roots.origin_au.tolist(), "roots": _chiral_rows(roots)} for roots in chiral
            ]
        write(result)


def _computed(
    molecules: Sequence[Molecule],
    level: Method,
    methods: Sequence[AbsorptionMethod],
    options: dict[str, Any],
    *,
    dichroism: bool,
) -> tuple[dict[str, list[Spectrum]], list[ChiralRoots], dict[str, float]]:
    """Spectra of every geometry by method, its roots if asked for, and seconds by what they were spent on."""
    from tdddft.analysis.absorption import isotropic_absorption
    from tdddft.analysis.circular_dichroism import chiral_roots
    from tdddft.electronic.ground_state import ground_state

    chiral: list[ChiralRoots] = []
    spectra: dict[str, list[Spectrum]] = {name: [] for name in methods}
    seconds = dict.fromkeys(("ground state", *methods), 0.0)
    total = len(molecules) * len(methods)
    with progress("spectra", total) as show:
        for molecule in molecules:
            started = time.perf_counter()
            state = ground_state(molecule, level)
            seconds["ground state"] += time.perf_counter() - started
            if dichroism:
                started = time.perf_counter()
                chiral.append(chiral_roots(state, options["roots"]))
                seconds["casida"] += time.perf_counter() - started
            for name in methods:
                done, started = sum(map(len, spectra.values())), time.perf_counter()

                def part(share: float, done: int = done) -> None:
                    show(done, "", (done + share) / total)

                known = {"roots": chiral[-1]} if chiral else {}
                spectra[name].append(isotropic_absorption(state, name, progress=part, **{**options, **known}))
                seconds[name] += time.perf_counter() - started
        show(total)
    return spectra, chiral, seconds


def _geometries(source: str, charge: int | None, multiplicity: int | None, limit: int | None) -> list[Molecule]:
    """The geometries, which must be of one molecule."""
    from tdddft.molecules.sources import read_molecules

    molecules = read_molecules(source, charge, multiplicity)[:limit]
    first = np.sort(molecules[0].numbers)
    for molecule in molecules:
        if not np.array_equal(np.sort(molecule.numbers), first):
            raise InputError(
                f"{source}: {molecule.name} has other atoms than {molecules[0].name}; a mean is of conformers or "
                "frames of one molecule: give one molecule, or --limit 1"
            )
    return molecules


def _peaks(spectrum: Spectrum) -> list[dict[str, float]]:
    from tdddft.analysis.spectrum import find_peaks

    highest = sorted(find_peaks(spectrum), key=lambda peak: -peak[1])[:HIGHEST_PEAKS]
    return [
        {"energy_ev": e, "wavelength_nm": NM_EV / e, "strength_per_ev": height / HARTREE_EV}
        for e, height in sorted(highest)
    ]


def _table(peaks: dict[str, list[dict[str, float]]], unit: str) -> Table:
    key, title, digits = ("energy_ev", "peak (eV)", 3) if unit == "ev" else ("wavelength_nm", "peak (nm)", 1)
    rows = [
        [name, f"{p[key]:.{digits}f}", f"{p['strength_per_ev']:.4f}"] for name, found in peaks.items() for p in found
    ]
    return Table(["method", title, "strength (1/eV)"], rows)


def _chiral_rows(roots: ChiralRoots) -> list[dict[str, float]]:
    strengths = roots.rotatory_strengths()
    columns = {
        "energy_ev": roots.energies_ev,
        "oscillator_strength": roots.strengths(),
        "rotatory_strength_length_1e40_cgs": strengths["length"],
        "rotatory_strength_velocity_1e40_cgs": strengths["velocity"],
    }
    return [dict(zip(columns, map(float, row), strict=True)) for row in zip(*columns.values(), strict=True)]


def _rotatory_table(rows: list[dict[str, float]]) -> Table:
    titles = ["root (eV)", "oscillator strength", "R length", "R velocity"]
    return Table(
        titles, [[f"{value:.{d}f}" for value, d in zip(row.values(), (3, 4, 2, 2), strict=True)] for row in rows]
    )


def _mean_dichroism(chiral: Sequence[ChiralRoots], mean: Spectrum) -> dict[str, np.ndarray]:
    """Mean over the geometries by gauge, on the axis of the mean absorption."""
    from tdddft.analysis.circular_dichroism import circular_dichroism

    found = [circular_dichroism(roots, mean.energy_ev, mean.hwhm_ev) for roots in chiral]
    return {gauge: np.mean([one[gauge] for one in found], axis=0) for gauge in found[0]}


def _write_csv(path: Path, spectra: dict[str, Spectrum], dichroism: dict[str, np.ndarray]) -> None:
    energies = max((s.energy_ev for s in spectra.values()), key=len)
    columns = {"energy_ev": energies, "wavelength_nm": NM_EV / energies}
    measured = {f"strength_per_ev:{name}": s.strength_per_hartree / HARTREE_EV for name, s in spectra.items()}
    measured |= {f"delta_epsilon_l_per_mol_cm:{gauge}": values for gauge, values in dichroism.items()}
    for name, values in measured.items():
        columns[name] = np.full(len(energies), np.nan)
        columns[name][: len(values)] = values
    np.savetxt(path, np.column_stack(list(columns.values())), delimiter=",", header=",".join(columns), comments="")
