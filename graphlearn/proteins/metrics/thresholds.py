"""What is found, missed and wrong in each protein at each threshold, in one pass over the scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphlearn.base.errors import InputError

THRESHOLDS = np.arange(1, 100) / 100
_ENTRIES_AT_ONCE = 1 << 20


@dataclass(frozen=True)
class Tally:
    """Sums of the weights of terms, float64 [N, K] over N proteins and K thresholds.

    Attributes:
        found: Over terms that are true and predicted.
        missed: Over terms that are true and not predicted.
        wrong: Over terms that are predicted and not true.
    """

    found: np.ndarray
    missed: np.ndarray
    wrong: np.ndarray


def tally(scores: np.ndarray, labels: np.ndarray, thresholds: np.ndarray, weights: np.ndarray | None = None) -> Tally:
    r"""Weights of found, missed and wrong terms where a term is predicted if its score is :math:`\geq t`.

    Memory grows with N x K, not with N x T x K: each score is placed among the thresholds once, rows in parts.

    Args:
        scores: Within 0 and 1, float [N, T].
        labels: Bool [N, T].
        thresholds: Rising, float [K]. They are compared in the precision of the scores.
        weights: Of terms, float [T]; ones by default.

    Returns:
        Sums of weights per protein and threshold, float64 [N, K] each.

    Raises:
        InputError: if there is no threshold, they do not rise, or the number of weights is not T.
    """
    steps = np.asarray(thresholds).astype(scores.dtype)
    if steps.ndim != 1 or not len(steps) or (np.diff(steps) < 0).any():
        raise InputError("thresholds are needed in rising order, one at least")
    weights = np.ones(scores.shape[1]) if weights is None else np.asarray(weights, dtype=np.float64)
    if weights.shape != scores.shape[1:]:
        raise InputError(f"weights {weights.shape} do not fit {scores.shape[1]} terms; one of each is needed")
    true, false = (np.zeros((len(scores), len(steps) + 1)) for _ in range(2))
    part = max(1, _ENTRIES_AT_ONCE // max(1, scores.shape[1]))
    for start in range(0, len(scores), part):
        rows = slice(start, start + part)
        passed = np.searchsorted(steps, scores[rows], side="right")
        true[rows] = _by_level(passed, labels[rows], weights, len(steps))
        false[rows] = _by_level(passed, ~labels[rows] & (passed > 0), weights, len(steps))
    found, wrong = (x[:, ::-1].cumsum(1)[:, -2::-1] for x in (true, false))
    return Tally(found, true.cumsum(1)[:, :-1], wrong)


def check_scores(scores: np.ndarray, labels: np.ndarray, *, probabilities: bool = True) -> None:
    """Refuse scores and labels for which no metric is defined.

    Args:
        scores: Float [N, T].
        labels: Bool [N, T].
        probabilities: Scores must lie within 0 and 1.

    Raises:
        InputError: if shapes or types are others, a score is not finite or out of range, or no label is true.
    """
    if scores.ndim != 2 or scores.shape != labels.shape:
        raise InputError(f"scores {scores.shape} and labels {labels.shape} must both be [proteins, terms]")
    if labels.dtype != np.bool_ or not np.issubdtype(scores.dtype, np.floating):
        raise InputError(f"scores must be floats and labels bool, not {scores.dtype} and {labels.dtype}")
    low, high = (0.0, 1.0) if probabilities else (np.finfo(scores.dtype).min, np.finfo(scores.dtype).max)
    outside = ~((scores >= low) & (scores <= high))
    if outside.any():
        protein, term = np.unravel_index(int(outside.argmax()), scores.shape)
        wanted = "within 0 and 1 (apply a sigmoid?)" if probabilities else "finite"
        raise InputError(f"the score of protein {protein}, term {term} is {scores[protein, term]}; it must be {wanted}")
    if not labels.any():
        raise InputError("no protein has a true term: nothing can be measured; do labels and terms fit?")


def _by_level(passed: np.ndarray, chosen: np.ndarray, weights: np.ndarray, count: int) -> np.ndarray:
    """Sums of weights by how many thresholds a chosen entry passes, [rows, count + 1]."""
    row, term = np.nonzero(chosen)
    cells = row * (count + 1) + passed[row, term]
    return np.bincount(cells, weights[term], len(passed) * (count + 1)).reshape(len(passed), count + 1)
