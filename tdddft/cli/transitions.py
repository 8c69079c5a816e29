"""``tdddft transitions``"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphlearn.base.cli.shell import only_json, out
from graphlearn.base.errors import InputError
from graphlearn.base.tables import Table
from tdddft.cli.level_of_theory import level_of_theory
from tdddft.electronic.method import Method

if TYPE_CHECKING:
    from tdddft.analysis.transition import Transition

ROOTS = 20
SAME_STRENGTH = 0.1


def transitions(
    source: Annotated[str, typer.Argument(help="a trajectory file, or a molecule, whose Casida roots are taken")],
    peaks: Annotated[
        list[float] | None, typer.Option("--peak", help="energy in eV, again for more; default: the strongest peak")
    ] = None,
    out_dir: Annotated[
        Path | None, typer.Option("--out", "-o", help="folder of cube and Molden files; none without it")
    ] = None,
    fragments: Annotated[
        list[str] | None,
        typer.Option("--fragment", help="atoms of one, as 0,1,5; again for more. Default: every atom"),
    ] = None,
    roots: Annotated[int | None, typer.Option(min=1, help="number of roots of a molecule; default: 20")] = None,
    charge: Annotated[int | None, typer.Option(help="charge of a molecule, where its source states none")] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="level of theory of a molecule, as method.functional=PBE0")
    ] = None,
    spacing_au: Annotated[float, typer.Option(min=0.01, help="distance of the points of the cubes, bohr")] = 0.3,
    csv: Annotated[Path | None, typer.Option(help="write hole and electron of every atom here")] = None,
    figure: Annotated[Path | None, typer.Option(help="write a figure here")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print everything as JSON, and nothing else")] = False,
) -> None:
    """Natural transition orbitals, transition density, and hole and electron of the atoms, of peaks.

    Example: tdddft transitions smiles:C=CC=O --peak 6.4 --out orbitals --figure acrolein.png
    """
    groups = [_atoms(fragment) for fragment in fragments] if fragments else None
    with only_json(as_json) as write:
        if source.endswith((".h5", ".hdf5")):
            for given, option in ((roots, "--roots"), (charge, "--charge"), (overrides, "--set")):
                if given is not None:
                    raise InputError(f"{option} has no effect on a trajectory file")
            name, found = _of_file(Path(source), peaks)
        else:
            level = level_of_theory(overrides)
            name, found = _of_molecule(source, charge, level, roots or ROOTS, peaks)
        results = [_result(t, groups) for t in found]
        out.print(_summary(results).terminal())
        for note in filter(None, map(_mixture, results)):
            out.print(note, soft_wrap=True)
        table = _atom_table(results)
        out.print(table.terminal())
        if groups is not None:
            out.print("charge-transfer number: between the fragments; atoms that none names are one more")
        if csv is not None:
            out.print(f"wrote {table.write_csv(csv)}", markup=False)
        if out_dir is not None:
            from tdddft.analysis.transition_files import write_transition

            for t in found:
                for path in write_transition(out_dir, f"{name}_{t.energy_ev:.2f}eV", t, spacing_au):
                    out.print(f"wrote {path}", markup=False)
        if figure is not None:
            from graphlearn.base.plotting import save_figure
            from tdddft.analysis.transition_figure import transition_figure

            out.print(f"wrote {save_figure(transition_figure(found, source), figure)}", markup=False)
        write({"transitions": results})


def _of_file(file: Path, peaks: list[float] | None) -> tuple[str, list[Transition]]:
    from tdddft.analysis.peak_transitions import peak_transitions, peaks_of
    from tdddft.trajectory import read_trajectory

    trajectory = read_trajectory(file)
    if peaks is None:
        energies, strengths = peaks_of(trajectory)
        peaks = [float(energies[strengths.argmax()])]
    return file.stem, peak_transitions(trajectory, peaks)


def _of_molecule(
    source: str, charge: int | None, level: Method, roots: int, peaks: list[float] | None
) -> tuple[str, list[Transition]]:
    from tdddft.analysis.transition import casida_transitions
    from tdddft.electronic.ground_state import ground_state
    from tdddft.molecules.sources import read_molecules

    molecules = read_molecules(source, charge)
    if len(molecules) != 1:
        raise InputError(f"{source}: holds {len(molecules)} molecules; transitions are of one")
    every = casida_transitions(ground_state(molecules[0], level), roots)
    if peaks is None:
        chosen = [max(every, key=lambda t: t.strength())]
    else:
        chosen = [min(every, key=lambda t: abs(t.energy_ev - peak)) for peak in peaks]
    for peak, t in zip(peaks or (), chosen, strict=False):
        if abs(t.energy_ev - peak) > 0.2:
            raise InputError(
                f"{source}: no root within 0.2 eV of {peak:g} eV; {len(every)} roots lie between "
                f"{every[0].energy_ev:.2f} and {every[-1].energy_ev:.2f} eV (--roots)"
            )
    return re.sub(r"[^\w.-]+", "_", molecules[0].name), chosen


def _atoms(fragment: str) -> list[int]:
    try:
        return [int(atom) for atom in fragment.split(",")]
    except ValueError:
        raise InputError(f"--fragment {fragment}: give indices of atoms from 0, as 0,1,5") from None


def _result(t: Transition, fragments: list[list[int]] | None) -> dict[str, Any]:
    numbers, pairs = t.charge_transfer(), t.natural_orbitals()
    return {
        "energy_ev": t.energy_ev,
        "oscillator_strength": t.strength(),
        "along_field": None if t.direction is None else t.strength(t.direction),
        "peak_strength": t.line_strength,
        "dipole_au": t.dipole_au.tolist(),
        "deexcitation": t.deexcitation,
        "weights": pairs.weights[:6].tolist(),
        "charge_transfer_number": t.charge_transfer_number(fragments),
        "distance_angstrom": t.distance_angstrom,
        "atoms": [f"{t.mol.atom_pure_symbol(i)}{i}" for i in range(t.mol.natm)],
        "hole": numbers.sum(axis=1).tolist(),
        "electron": numbers.sum(axis=0).tolist(),
    }


def _mixture(result: dict[str, Any]) -> str:
    """A warning where the transition does not account for its peak."""
    along, peak = result["along_field"], result["peak_strength"]
    if along is None or abs(along - peak) <= SAME_STRENGTH * max(along, peak):
        return ""
    return (
        f"note: at {result['energy_ev']:.3f} eV the transition found has the strength {along:.4f} along the field, the "
        f"peak {peak:.4f}: it is mixed with a neighbour that this run does not tell apart; propagate longer, or along "
        "another direction"
    )


def _summary(results: list[dict[str, Any]]) -> Table:
    columns = {
        "energy (eV)": ("energy_ev", 3), "f": ("oscillator_strength", 4), "f along field": ("along_field", 4),
        "f of peak": ("peak_strength", 4), "charge transfer": ("charge_transfer_number", 3),
        "distance (Å)": ("distance_angstrom", 2),
    }  # fmt: skip
    shown = {title: key for title, key in columns.items() if results[0][key[0]] is not None}
    rows = [[f"{r[key]:.{d}f}" for key, d in shown.values()] + [f"{r['weights'][0]:.2f}"] for r in results]
    return Table([*shown, "first pair"], rows)


def _atom_table(results: list[dict[str, Any]]) -> Table:
    rows = [
        [f"{r['energy_ev']:.3f}", atom, f"{hole:.4f}", f"{electron:.4f}"]
        for r in results
        for atom, hole, electron in zip(r["atoms"], r["hole"], r["electron"], strict=True)
    ]
    return Table(["energy (eV)", "atom", "hole", "electron"], rows)
