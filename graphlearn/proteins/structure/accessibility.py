"""How much of each residue the solvent reaches."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from graphlearn.proteins.structure.residues import Residue
from graphlearn.proteins.structure.topology import as_trajectory

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

    known = np.array([_is_complete(r) for r in residues])
    relative = np.full(len(residues), np.nan, dtype=np.float32)
    if not known.any():
        return relative
    area = mdtraj.shrake_rupley(as_trajectory(residues), mode="residue")[0] * 100
    largest = np.array([LARGEST_AREA.get(r.letter, np.nan) for r in residues])
    relative[known] = np.clip(area[known] / largest[known], 0, 1)
    return relative


def _is_complete(residue: Residue) -> bool:
    needed = HEAVY_ATOMS.get(residue.letter)
    return needed is not None and len(set(residue.atoms) - {"OXT"}) >= needed
