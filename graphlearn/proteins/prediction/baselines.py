"""Predictors without training: the frequency of a term, and the terms of the most similar training chain."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from graphlearn.base.errors import InputError
from graphlearn.proteins.sequence.search import Hit


def term_frequency(labels: np.ndarray, proteins: int) -> np.ndarray:
    """CAFA's naive predictor: the fraction of training chains with each term, the same for every protein.

    Args:
        labels: Of the training chains, bool [M, T].
        proteins: How many to predict, N.

    Returns:
        Scores, float64 [N, T].

    Raises:
        InputError: if there is no training chain.
    """
    if not len(labels):
        raise InputError("there is no training chain to count terms on")
    return np.tile(labels.mean(0), (proteins, 1))


def best_hit_transfer(
    hits: Iterable[Hit], proteins: Sequence[str], training: Sequence[str], labels: np.ndarray
) -> np.ndarray:
    r"""Terms of similar training chains, :math:`s_{ij} = \max_{h} \mathrm{identity}(i, h)\,y_{hj}` over hits h of i.

    Args:
        hits: Of proteins among training chains (``search_sequences``); those of other chains are ignored.
        proteins: Names of the rows, N of them.
        training: Names of the rows of ``labels``, M of them.
        labels: Of the training chains, bool [M, T].

    Returns:
        Scores within 0 and 1, float64 [N, T]; zeros for a protein without a hit.

    Raises:
        InputError: if names and labels do not fit.
    """
    if len(training) != len(labels):
        raise InputError(f"{len(training)} training chains do not fit {len(labels)} rows of labels")
    rows = {name: row for row, name in enumerate(proteins)}
    sources = {name: row for row, name in enumerate(training)}
    scores = np.zeros((len(proteins), labels.shape[1]))
    for query, target, identity in hits:
        if query in rows and target in sources:
            row = scores[rows[query]]
            np.maximum(row, identity * labels[sources[target]], out=row)
    return scores
