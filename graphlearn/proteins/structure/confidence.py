"""Whether the B-factors of a file are confidences of a predicted structure (pLDDT)."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from graphlearn.proteins.structure.residues import Residue

ATOMS_THAT_AGREE = 4
BEST_AT_LEAST = 50.0
_CELL = re.compile(r"^(?:CRYST1|_cell\.length_a) +(\d+\.?\d*)", re.MULTILINE)


def holds_plddt(method: str, title: str, text: str, residues: Sequence[Residue]) -> bool:
    """Whether a file holds pLDDT, 0 to 100, in place of B-factors.

    Never if it names an experiment. Else if its metadata say so, its title names AlphaFold, or, where it names neither
    a method nor a unit cell, if B-factors look like it: one value per residue for all its atoms, within 0 and 100, not
    all alike, the best at least 50.

    Args:
        method: Of the experiment, as the file says; may be empty.
        title: Of the structure; may be empty.
        text: Of the file.
        residues: All residues of its chains.

    Returns:
        True for pLDDT.
    """
    if method.strip().lower() not in ("", "unknown", "theoretical model"):
        return False
    if ("_ma_qa_metric" in text and "plddt" in text.lower()) or "alphafold" in title.lower():
        return True
    cell = _CELL.search(text)
    values = np.array([r.b_factor for r in residues])
    return bool(
        not method.strip()
        and (cell is None or float(cell[1]) <= 1.0)
        and sum(len(r.atoms) >= ATOMS_THAT_AGREE for r in residues) > len(residues) / 2
        and all((r.b_factors == r.b_factors[0]).all() for r in residues)
        and values.min() >= 0
        and BEST_AT_LEAST <= values.max() <= 100
        and np.ptp(values) > 0
    )
