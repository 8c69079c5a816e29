"""Secondary structure of a chain: DSSP where the backbone is there, the C-alpha trace elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from graphlearn.base.errors import InputError
from graphlearn.proteins.structure.alpha_trace import alpha_secondary_structure
from graphlearn.proteins.structure.chain import SECONDARY_ORDER
from graphlearn.proteins.structure.mkdssp import run_mkdssp
from graphlearn.proteins.structure.residues import Residue
from graphlearn.proteins.structure.topology import as_trajectory

METHODS = ("auto", "mdtraj", "mkdssp", "ca")
COMPLETE_ENOUGH = 0.9


def assign_secondary_structure(residues: Sequence[Residue], method: str, name: str) -> tuple[str, str]:
    """Secondary structure of one chain after Kabsch and Sander, Biopolymers 22, 2577 (1983), or from C-alpha atoms.

    Args:
        residues: The L residues of one chain.
        method: ``mdtraj``, ``mkdssp`` or ``ca``; ``auto`` takes mdtraj if nine of ten residues have N, C-alpha, C
            and O, and ``ca`` if not.
        name: Name of the chain, for messages.

    Returns:
        L letters of ``HBEGITS-``, ``-`` also where DSSP lacks atoms, and the method that was used.

    Raises:
        InputError: for an unknown method, or if DSSP is asked for and no residue has a whole backbone.
    """
    if method not in METHODS:
        raise InputError(f"{name}: unknown way to assign secondary structure {method!r}; choose {', '.join(METHODS)}")
    complete = np.array([r.has_backbone for r in residues])
    if method == "auto":
        method = "mdtraj" if complete.mean() >= COMPLETE_ENOUGH else "ca"
    if method == "ca":
        return alpha_secondary_structure(np.array([r.position("CA") for r in residues])), method
    if not complete.any():
        raise InputError(
            f"{name}: {method} needs the backbone, but no residue has N, C-alpha, C and O; choose secondary='ca'"
        )
    letters = np.full(len(residues), "-")
    whole = [r for r in residues if r.has_backbone]
    letters[complete] = list(_mdtraj(whole) if method == "mdtraj" else run_mkdssp(whole, name))
    letters[~np.isin(letters, list(SECONDARY_ORDER))] = "-"
    return "".join(letters), method


def _mdtraj(residues: Sequence[Residue]) -> list[str]:
    import mdtraj

    return list(mdtraj.compute_dssp(as_trajectory(residues), simplified=False)[0])
