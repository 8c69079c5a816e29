"""Which molecules of the sources a data set takes."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from pydantic import Field

from graphlearn.base.errors import InputError
from graphlearn.base.recipes.section import RecipeSection
from graphlearn.base.unpacking import read_unpacked
from tdddft.molecules.molecule import SYMBOLS, Molecule

MEANINGS = {
    "name": "name of the molecule; ids of trajectories begin with it",
    "index": "place in its source: frame of a file, number of QM9; empty without one",
    "source": "where the geometry came from",
    "formula": "Hill formula",
    "atoms": "number of atoms",
    "heavy_atoms": "number of atoms other than hydrogen",
    "smiles": "SMILES string, empty where not known",
    "geometry": "fingerprint of elements, positions, charge and multiplicity, 16 hexadecimal digits",
    "charge": "total charge, e",
    "charge_from": "how the charge is known",
}
COLUMNS = tuple(MEANINGS)


class Selection(RecipeSection):
    """Which molecules of the sources to take; all by default."""

    elements: tuple[str, ...] | None = Field(None, description="only molecules of these elements")
    min_atoms: int = Field(1, ge=1)
    max_atoms: int | None = Field(None, ge=1)
    min_heavy_atoms: int = Field(0, ge=0)
    max_heavy_atoms: int | None = Field(None, ge=0)
    indices: tuple[int, ...] | str | None = Field(
        None, description="frames of a file or numbers of QM9; or the name of a text file that lists them"
    )
    count: int | None = Field(None, ge=1, description="draw so many at random, in random order")
    seed: int = Field(0, ge=0, description="of the draw")

    def idle(self) -> Mapping[str, str]:
        """The seed, where nothing is drawn."""
        return {"seed": "nothing is drawn without selection.count"} if self.count is None else {}


def select(molecules: Sequence[Molecule], selection: Selection) -> list[Molecule]:
    """Molecules that pass all filters, in the order of the sources; or a random draw of them, in random order.

    The first k molecules of a draw are a draw of size k with the same seed: ``--limit`` and ``--shard`` take fair
    samples.

    Args:
        molecules: All molecules of the sources, in their order.
        selection: Which to take.

    Returns:
        The chosen molecules.

    Raises:
        InputError: for unknown elements or indices, and where fewer are left than asked for.
    """
    unknown = sorted(set(selection.elements or ()) - set(SYMBOLS))
    if unknown:
        raise InputError(f"selection.elements: {', '.join(unknown)} is not an element symbol")
    indices = _indices(selection)
    if indices is not None:
        absent = sorted(indices - {m.index for m in molecules if m.index is not None})
        if absent:
            raise InputError(f"selection.indices: the sources have no molecule {', '.join(map(str, absent[:5]))}")
    left = [m for m in molecules if _passes(m, selection, indices)]
    if len(left) < (selection.count or 1):
        raise InputError(
            f"selection: {len(left)} of {len(molecules)} molecules are left, {selection.count or 'at least 1'} wanted"
        )
    if selection.count is None:
        return left
    order = np.random.default_rng(selection.seed).permutation(len(left))
    return [left[i] for i in order[: selection.count]]


def selection_table(molecules: Sequence[Molecule]) -> str:
    """The chosen molecules as CSV, one line each, in the order of the data set.

    ``charge_from`` says how the charge is known: in the words of the file, as ``not stated`` or as ``given``.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for m in molecules:
        heavy = int((m.numbers > 1).sum())
        index = "" if m.index is None else m.index
        row = [m.name, index, m.source, m.formula, len(m.numbers), heavy, m.smiles or "", fingerprint(m)]
        table.writerow([*row, m.charge, m.charge_from])
    return text.getvalue()


def fingerprint(molecule: Molecule) -> str:
    """Short hash of elements, positions, charge, multiplicity and ghosts."""
    m = molecule
    return geometry_hash(m.numbers, m.positions_angstrom, m.charge, m.multiplicity, m.ghosts)


def geometry_hash(
    numbers: np.ndarray,
    positions_angstrom: np.ndarray,
    charge: int,
    multiplicity: int = 1,
    ghosts: tuple[int, ...] = (),
) -> str:
    """Short hash of atomic numbers, positions and charge; of multiplicity and ghosts where they are not the usual ones.

    Args:
        numbers: Atomic numbers, int [N].
        positions_angstrom: float64 [N, 3], angstrom.
        charge: Total charge, e.
        multiplicity: 1 + number of unpaired electrons.
        ghosts: Which atoms are ghosts.

    Returns:
        Sixteen hexadecimal digits.
    """
    digest = hashlib.sha256(np.ascontiguousarray(numbers, dtype=np.int64).tobytes())
    digest.update(np.ascontiguousarray(positions_angstrom, dtype=np.float64).tobytes())
    digest.update((str(charge) if multiplicity == 1 else f"{charge} {multiplicity}").encode())
    digest.update(f" ghosts {ghosts}".encode() if ghosts else b"")
    return digest.hexdigest()[:16]


def _indices(selection: Selection) -> set[int] | None:
    if selection.indices is None:
        return None
    if not isinstance(selection.indices, str):
        return set(selection.indices)
    path = Path(selection.indices)
    content = read_unpacked(path)
    try:
        return {int(line.split()[0]) for line in content.decode().splitlines() if line.strip()}
    except ValueError as error:
        raise InputError(f"{path}: one whole number per line is expected ({error})") from None


def _passes(molecule: Molecule, selection: Selection, indices: set[int] | None) -> bool:
    atoms, heavy = len(molecule.numbers), int((molecule.numbers > 1).sum())
    return (
        (selection.elements is None or set(molecule.symbols) <= set(selection.elements))
        and selection.min_atoms <= atoms <= (selection.max_atoms or atoms)
        and selection.min_heavy_atoms <= heavy
        and (selection.max_heavy_atoms is None or heavy <= selection.max_heavy_atoms)
        and (indices is None or molecule.index in indices)
    )
