"""Training, validation and test chains: those of similar sequence are in the same part."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from graphlearn.base.errors import InputError
from graphlearn.proteins.sequence.search import DEFAULT_SEARCH, Hit, SearchProgram, search_sequences

PARTS = ("train", "validation", "test")


def hashed_part(name: str, *, validation: float, test: float) -> str:
    """Part of a cluster, which follows from a hash of its name alone, whatever other clusters there are.

    Args:
        name: Of the cluster.
        validation: Share of the clusters.
        test: Share of the clusters.

    Returns:
        ``train``, ``validation`` or ``test``.
    """
    place = int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) / 16**8
    return "test" if place < test else "validation" if place < test + validation else "train"


def split_by_identity(
    sequences: Mapping[str, str],
    *,
    validation: float = 0.1,
    test: float = 0.1,
    identity: float = 0.3,
    search: SearchProgram = DEFAULT_SEARCH,
) -> dict[str, tuple[str, ...]]:
    """Split chains so that those of one cluster, of single linkage at the identity, are in one part.

    A cluster's part follows from a hash of its first name alone, so a part hardly changes when chains are added. Where
    that leaves training or validation without a chain, whole clusters move there, the smallest first.

    Args:
        sequences: By name.
        validation: Share of the clusters.
        test: Share of the clusters.
        identity: Equal residues over the columns of an alignment from which on two chains are alike, 0 to 1.
        search: Program that finds similar sequences.

    Returns:
        Names of the chains of ``train``, ``validation`` and ``test``, sorted.

    Raises:
        InputError: if the shares do not leave a part for training, or there are not two clusters.
    """
    if not (validation > 0 and test >= 0 and validation + test < 1):
        raise InputError(f"shares of {validation} for validation and {test} for test; both and training need chains")
    groups = _clusters(sequences, search_sequences(sequences, sequences, method=search), identity)
    if len(groups) < 2:
        raise InputError(
            f"all {len(sequences)} chains are alike (identity of {identity} and more); "
            "validation needs chains unlike those of training: name the parts in lists, or add other chains"
        )
    parts: dict[str, list[list[str]]] = {part: [] for part in PARTS}
    for group in groups:
        parts[hashed_part(group[0], validation=validation, test=test)].append(group)
    for part, donor in (("train", "validation"), ("train", "test"), ("validation", "train"), ("validation", "test")):
        if not parts[part] and len(parts[donor]) > (donor != "test"):
            smallest = min(parts[donor], key=lambda group: (len(group), group))
            parts[donor].remove(smallest)
            parts[part].append(smallest)
    return {part: tuple(sorted(name for group in of_part for name in group)) for part, of_part in parts.items()}


def _clusters(names: Iterable[str], hits: Iterable[Hit], identity: float) -> list[list[str]]:
    """Connected components of the hits, each sorted."""
    ordered = sorted(names)
    row = {name: index for index, name in enumerate(ordered)}
    pairs = np.array([(row[h.query], row[h.target]) for h in hits if h.identity >= identity]).reshape(-1, 2)
    links = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(ordered),) * 2)
    groups: dict[int, list[str]] = {}
    for name, label in zip(ordered, connected_components(links, directed=False)[1].tolist(), strict=True):
        groups.setdefault(label, []).append(name)
    return sorted(groups.values())
