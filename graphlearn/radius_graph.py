"""Edges between points that are close: atoms of a molecule, residues of a protein."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree


def radius_graph(positions: np.ndarray, cutoff: float) -> np.ndarray:
    """Directed edges between different points closer than a cutoff.

    Args:
        positions: Points, ``[N, 3]``.
        cutoff: Largest distance, in the unit of the positions.

    Returns:
        Edges from source to target, int64 ``[2, E]``, sorted by target, then source.
    """
    pairs = cKDTree(positions).query_pairs(cutoff, output_type="ndarray").astype(np.int64)
    edges = np.concatenate([pairs, pairs[:, ::-1]])
    return edges[np.argsort(edges[:, 1] * len(positions) + edges[:, 0])].T
