"""Residues in the form that mdtraj computes on."""

from __future__ import annotations

from collections.abc import Sequence
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
    previous = None
    for residue in residues:
        if previous is None or not are_bonded(previous, residue):
            chain = topology.add_chain()
        entry = topology.add_residue(parent_name(residue), chain)
        for name, symbol in zip(residue.atoms, residue.elements, strict=True):
            topology.add_atom(name, _element(symbol, name), entry)
        previous = residue
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
    if "C" not in first.atoms or "N" not in second.atoms:
        return False
    return bool(np.linalg.norm(first.position("C") - second.position("N")) < LONGEST_PEPTIDE_BOND_ANGSTROM)


def _element(symbol: str, name: str) -> Any:
    """The element; an unknown one is taken from the first letter of the atom, or is carbon."""
    from mdtraj.core.element import Element

    try:
        element = Element.getBySymbol(symbol)
    except KeyError:
        element = None
    if element is not None and 0 < element.number <= HEAVIEST_ELEMENT:
        return element
    first = name.lstrip("0123456789")[:1]
    return Element.getBySymbol(first if first in ("C", "N", "O", "S", "P") else "C")
