"""What mdtraj computes of a chain, and the form of residues that it computes on."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from graphlearn.proteins.structure.residues import LONGEST_PEPTIDE_BOND_ANGSTROM, Residue

HEAVIEST_ELEMENT = 103  # of those whose radius mdtraj has


def parent_name(residue: Residue) -> str:
    """Three-letter name of the amino acid, that of the parent for a modified one; ``UNK`` if unknown."""
    from Bio.Data.PDBData import protein_letters_1to3

    return str(protein_letters_1to3.get(residue.letter, "unk")).upper()


def as_trajectory(residues: Sequence[Residue]) -> Any:
    """One frame of mdtraj with these residues, a new chain after every break of the backbone, in nanometres."""
    import mdtraj

    topology = mdtraj.Topology()
    for number, residue in enumerate(residues):
        if number == 0 or not are_bonded(residues[number - 1], residue):
            chain = topology.add_chain()
        entry = topology.add_residue(parent_name(residue), chain)
        for name, symbol in zip(residue.atoms, residue.elements, strict=True):
            topology.add_atom(name, _element(symbol, name), entry)
    positions = np.concatenate([r.positions_angstrom for r in residues])
    return mdtraj.Trajectory((positions / 10)[None], topology)


def are_bonded(first: Residue, second: Residue) -> bool:
    """Whether a peptide bond runs from the first residue to the second.

    Args:
        first: Residue with the atom C.
        second: Residue with the atom N.

    Returns:
        True where both atoms are there and the bond is shorter than ``LONGEST_PEPTIDE_BOND_ANGSTROM``.
    """
    both = "C" in first.atoms and "N" in second.atoms
    return both and bool(np.linalg.norm(first.position("C") - second.position("N")) < LONGEST_PEPTIDE_BOND_ANGSTROM)


def _element(symbol: str, name: str) -> Any:
    """The element; an unknown one is taken from the first letter of the atom, or is carbon."""
    from mdtraj.core.element import Element

    with suppress(KeyError):
        element = Element.getBySymbol(symbol)
        if 0 < element.number <= HEAVIEST_ELEMENT:
            return element
    first = name.lstrip("0123456789")[:1]
    return Element.getBySymbol(first if first in ("C", "N", "O", "S", "P") else "C")


# Square angstrom, theoretical maxima of Tien et al. (2013).
LARGEST_AREA = dict(
    zip(
        "ARNDCQEGHILKMFPSTWYV",
        (129, 274, 195, 193, 167, 225, 223, 104, 224, 197, 201, 236, 224, 240, 159, 155, 172, 285, 263, 174),
        strict=True,
    )
)
HEAVY_ATOMS = dict(
    zip("ARNDCQEGHILKMFPSTWYV", (5, 11, 8, 8, 6, 9, 9, 4, 10, 8, 8, 9, 8, 11, 7, 6, 7, 14, 12, 7), strict=True)
)


def relative_accessibility(residues: Sequence[Residue]) -> np.ndarray:
    r"""Accessible surface of each residue relative to the largest that its kind can have.

    .. math:: a_i = \min\left(1, A_i / A^\mathrm{max}_{\mathrm{type}(i)}\right)

    A_i is the area by Shrake and Rupley (1973; mdtraj, probe of 1.4 angstrom), A^max the theoretical maximum of Tien
    et al., PLoS ONE 8, e80635 (2013).

    Args:
        residues: The L residues of one chain.

    Returns:
        float32 [L], 0 to 1; NaN for residues that lack heavy atoms and for those that are none of the twenty.
    """
    import mdtraj

    known = np.array([
        r.letter in HEAVY_ATOMS and len(set(r.atoms) - {"OXT"}) >= HEAVY_ATOMS[r.letter] for r in residues
    ])  # fmt: skip
    relative = np.full(len(residues), np.nan, dtype=np.float32)
    if not known.any():
        return relative
    area = mdtraj.shrake_rupley(as_trajectory(residues), mode="residue")[0] * 100
    largest = np.array([LARGEST_AREA.get(r.letter, np.nan) for r in residues])
    relative[known] = np.clip(area[known] / largest[known], 0, 1)
    return relative
