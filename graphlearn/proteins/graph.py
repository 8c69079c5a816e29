"""A chain as a graph of contacts."""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch_geometric.data import Data

from graphlearn.base.errors import InputError
from graphlearn.proteins.structure.chain import (
    PROFILE_ORDER,
    RESIDUE_ORDER,
    SECONDARY_ORDER,
    ProteinChain,
    letter_codes,
)
from graphlearn.radius_graph import radius_graph

NUM_FEATURES = len(RESIDUE_ORDER) + len(SECONDARY_ORDER) + 2 + len(PROFILE_ORDER) + 1


def contact_graph(chain: ProteinChain, cutoff_angstrom: float = 10.0, *, edge_index: np.ndarray | None = None) -> Data:
    r"""Graph of the residues of a chain, with an edge for every contact.

    .. math:: (i, j) \in E \iff i \ne j,\ |r_i - r_j| \le r_\mathrm{cut}

    Memory grows with the contacts, not with the square of the length.

    Args:
        chain: A chain of L residues.
        cutoff_angstrom: Largest distance of C-alpha atoms in contact, angstrom.
        edge_index: The contacts, int64 [2, E], where they are known from an earlier call.

    Returns:
        Graph with ``residue_type`` int64 [L] (index in ``ARNDCQEGHILKMFPSTWYVX``), ``secondary`` int64 [L] (index in
        ``-HBEGITS``), ``features`` float32 [L, 52], ``pos`` float32 [L, 3] in angstrom, ``place`` int64 [L] (from
        0 on along the chain), ``edge_index`` int64 [2, E] (both directions, no loops, sorted by target, then source),
        ``name`` and ``residue_ids``. The columns of
        ``features``: residue (21, one-hot), secondary structure (8, one-hot), accessibility, 1 if it is missing,
        profile (20), 1 if it is missing; what is missing is 0.

    Raises:
        InputError: if the cutoff is not a positive number.
    """
    if not (np.isfinite(cutoff_angstrom) and cutoff_angstrom > 0):
        raise InputError(f"the cutoff of contacts must be a positive length in angstrom, not {cutoff_angstrom}")
    residue, secondary = letter_codes(chain.sequence, RESIDUE_ORDER), letter_codes(chain.secondary, SECONDARY_ORDER)
    if edge_index is None:
        edge_index = np.ascontiguousarray(radius_graph(chain.ca_angstrom, cutoff_angstrom))
    return Data(
        residue_type=torch.from_numpy(residue),
        secondary=torch.from_numpy(secondary),
        features=torch.from_numpy(_features(chain, residue, secondary)),
        pos=torch.from_numpy(chain.ca_angstrom.copy()),
        place=torch.arange(len(chain)),
        edge_index=torch.from_numpy(edge_index),
        name=chain.name,
        residue_ids=chain.residue_ids,
    )


def with_embedding(graph: Data, embedding: np.ndarray) -> Data:
    """The graph with the residues' embeddings, float32 [L, width], appended to its ``features``.

    Args:
        graph: Graph of one chain of L residues.
        embedding: One row per residue, float32 [L, width].

    Returns:
        A shallow copy with ``features`` of shape [L, features + width].

    Raises:
        InputError: if there is not one embedding per residue.
    """
    if embedding.ndim != 2 or len(embedding) != graph.num_nodes:
        raise InputError(f"embeddings have shape {embedding.shape}; {graph.name} has {graph.num_nodes} residues")
    changed = copy.copy(graph)
    changed.features = torch.cat([graph.features, torch.from_numpy(embedding)], 1)
    return changed


def _features(chain: ProteinChain, residue: np.ndarray, secondary: np.ndarray) -> np.ndarray:
    missing = np.isnan(chain.accessibility)
    profile = np.zeros((len(chain), len(PROFILE_ORDER))) if chain.profile is None else chain.profile
    columns = (
        np.eye(len(RESIDUE_ORDER))[residue],
        np.eye(len(SECONDARY_ORDER))[secondary],
        np.where(missing, 0, chain.accessibility)[:, None],
        missing[:, None],
        profile,
        np.full((len(chain), 1), chain.profile is None),
    )
    return np.concatenate(columns, axis=1, dtype=np.float32)
