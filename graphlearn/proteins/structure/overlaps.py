"""Atoms at one place: mdtraj's surface ends the process where it meets them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from graphlearn.base.errors import InputError
from graphlearn.proteins.structure.residues import ONE_PLACE_ANGSTROM, Residue

SHOWN = 3


def without_overlaps(residues: Sequence[Residue], where: str) -> list[Residue]:
    """The residues without atoms that lie within 0.05 angstrom of another one, which stand for positions not known.

    C-alpha atoms stay; a warning names the residues.

    Args:
        residues: Of one chain.
        where: Name of the file, for messages.

    Returns:
        The residues in their order, those concerned with fewer atoms.

    Raises:
        InputError: if two C-alpha atoms lie at one place.
    """
    from scipy.spatial import cKDTree

    owner = np.repeat(np.arange(len(residues)), [len(r.atoms) for r in residues])
    names = [name for r in residues for name in r.atoms]
    positions = np.concatenate([r.positions_angstrom for r in residues])
    alphas = np.flatnonzero(np.array(names) == "CA")
    if len(twice := cKDTree(positions[alphas]).query_pairs(ONE_PLACE_ANGSTROM, output_type="ndarray")):
        first, second = (residues[owner[alphas[i]]].id for i in sorted(twice[0]))
        raise InputError(
            f"{where}: the C-alpha atoms of residues {first} and {second} lie at one place; delete one of the residues"
        )
    close = np.unique(cKDTree(positions).query_pairs(ONE_PLACE_ANGSTROM, output_type="ndarray"))
    lost = [row for row in close if names[row] != "CA"]
    dropped = {i: [names[row] for row in lost if owner[row] == i] for i in owner[lost].tolist()}
    if dropped:
        ids = [residues[i].id for i in dropped]
        warnings.warn(
            f"{where}: left out atoms at one place with others, of {len(ids)} residues "
            f"({', '.join(ids[:SHOWN])}{', ...' if len(ids) > SHOWN else ''})",
            stacklevel=2,
        )
    return [r.without(dropped[i]) if i in dropped else r for i, r in enumerate(residues)]
