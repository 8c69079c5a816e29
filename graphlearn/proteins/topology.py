"""Residues in the form that mdtraj computes on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphlearn.proteins.residues import Residue

LONGEST_PEPTIDE_BOND_ANGSTROM = 2.5


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
        if previous is None or not _bonded(previous, residue):
            chain = topology.add_chain()
        entry = topology.add_residue(parent_name(residue), chain)
        for name, symbol in zip(residue.atoms, residue.elements, strict=True):
            topology.add_atom(name, _element(symbol, name), entry)
        previous = residue
    positions = np.concatenate([r.positions_angstrom for r in residues])
    return mdtraj.Trajectory((positions / 10)[None], topology)


def _bonded(first: Residue, second: Residue) -> bool:
    if "C" not in first.atoms or "N" not in second.atoms:
        return False
    return bool(np.linalg.norm(first.position("C") - second.position("N")) < LONGEST_PEPTIDE_BOND_ANGSTROM)


def _element(symbol: str, name: str) -> Any:
    from mdtraj.core.element import Element

    try:
        return Element.getBySymbol(symbol)
    except KeyError:
        return Element.getBySymbol(name.lstrip("0123456789")[:1])
