"""Errors of predicted terms: Fmax, Smin and average precision. Scores and labels are [proteins, terms]."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from graphlearn.base.errors import InputError
from graphlearn.proteins.metrics.thresholds import THRESHOLDS, Tally, check_scores, tally

T = TypeVar("T")


class Best(NamedTuple):
    """Best value over thresholds, and the threshold that gives it (the lowest of equals)."""

    value: float
    threshold: float


def fmax(scores: np.ndarray, labels: np.ndarray, *, thresholds: np.ndarray = THRESHOLDS) -> Best:
    r"""Protein-centric :math:`F_\max = \max_t \frac{2\,\mathrm{pr}(t)\,\mathrm{rc}(t)}{\mathrm{pr}(t)+\mathrm{rc}(t)}`.

    A term is predicted where its score is :math:`\geq t`. Precision is the mean over the proteins with a prediction,
    recall the mean over all proteins; proteins without a true term are left out, as CAFA's benchmark has none.
    Radivojac et al., Nature Methods 10, 221 (2013).

    Args:
        scores: Within 0 and 1, ancestors closed (``propagate_to_ancestors``), float [N, T].
        labels: Ancestors closed, bool [N, T].
        thresholds: Rising, float [K].

    Returns:
        Largest F, 0 to 1, and its threshold; the lowest threshold where several are equal.

    Raises:
        InputError: if shapes do not fit, a score is out of range or no label is true.
    """
    counts = _rated_tally(scores, labels, thresholds)
    predicted = counts.found + counts.wrong
    precision = (counts.found / np.maximum(predicted, 1)).sum(0) / np.maximum((predicted > 0).sum(0), 1)
    recall = (counts.found / (counts.found + counts.missed)).mean(0)
    f = 2 * precision * recall / np.maximum(precision + recall, np.finfo(float).tiny)
    best = int(f.argmax())
    return Best(float(f[best]), float(thresholds[best]))


def smin(
    scores: np.ndarray, labels: np.ndarray, information: np.ndarray, *, thresholds: np.ndarray = THRESHOLDS
) -> Best:
    r"""CAFA's :math:`S_\min = \min_t \sqrt{\mathrm{ru}(t)^2 + \mathrm{mi}(t)^2}`, in bits; 0 is perfect.

    The remaining uncertainty ru is the information of the true terms that are missed, the misinformation mi that of
    wrong ones, both as means over the proteins with a true term. Clark and Radivojac, Bioinformatics 29, i53 (2013).

    Args:
        scores: Within 0 and 1, ancestors closed, float [N, T].
        labels: Ancestors closed, bool [N, T].
        information: Bits of each term (``conditional_information``), float [T].
        thresholds: Rising, float [K].

    Returns:
        Smallest distance in bits, and its threshold.

    Raises:
        InputError: if shapes do not fit, a score is out of range or no label is true.
    """
    bits = _rated_tally(scores, labels, thresholds, information)
    return _lowest(np.hypot(bits.missed.mean(0), bits.wrong.mean(0)), thresholds)


def normalised_smin(
    scores: np.ndarray, labels: np.ndarray, information: np.ndarray, *, thresholds: np.ndarray = THRESHOLDS
) -> Best:
    r"""Smin with ru and mi of each protein over the information of its true or predicted terms, within 0 and 1.42.

    This is what HEAL reports as Smin (Gu et al., Bioinformatics 39, btad410, 2023), with information by frequency
    (``frequency_information``); it cannot be compared with CAFA's. A protein without true and predicted information
    counts as 0.

    Args:
        scores: Within 0 and 1, ancestors closed, float [N, T].
        labels: Ancestors closed, bool [N, T].
        information: Bits of each term, float [T].
        thresholds: Rising, float [K].

    Returns:
        Smallest distance without unit, and its threshold.

    Raises:
        InputError: if shapes do not fit, a score is out of range or no label is true.
    """
    bits = _rated_tally(scores, labels, thresholds, information)
    union = np.maximum(bits.found + bits.missed + bits.wrong, np.finfo(float).tiny)
    return _lowest(np.hypot((bits.missed / union).mean(0), (bits.wrong / union).mean(0)), thresholds)


def macro_aupr(scores: np.ndarray, labels: np.ndarray) -> float:
    """Mean over terms of the average precision over proteins; terms that no protein has are left out.

    Args:
        scores: Any finite numbers, float [N, T].
        labels: Bool [N, T].

    Returns:
        Average precision, 0 to 1.

    Raises:
        InputError: if shapes do not fit, a score is not finite or no label is true.
    """
    return _aupr(scores, labels, "macro")


def micro_aupr(scores: np.ndarray, labels: np.ndarray) -> float:
    """Average precision over all pairs of a protein and a term; terms that no protein has are left out.

    Args:
        scores: Any finite numbers, float [N, T].
        labels: Bool [N, T].

    Returns:
        Average precision, 0 to 1.

    Raises:
        InputError: if shapes do not fit, a score is not finite or no label is true.
    """
    return _aupr(scores, labels, "micro")


def by_bin(
    metric: Callable[[np.ndarray, np.ndarray], T],
    scores: np.ndarray,
    labels: np.ndarray,
    chains: Sequence[str],
    bins: Mapping[str, Collection[str]],
) -> dict[str, T | None]:
    """A metric over the proteins of each bin, for example of sequence identity (``read_identity_bins``).

    Args:
        metric: Of scores and labels.
        scores: Float [N, T].
        labels: Bool [N, T].
        chains: Names of the rows, N of them.
        bins: Chains of each.

    Returns:
        Value of each bin; None where none of its chains that are here has a true term.

    Raises:
        InputError: if there is not one chain per row of the scores.
    """
    if len(chains) != len(scores):
        raise InputError(f"{len(chains)} chains do not fit the {len(scores)} rows of the scores")
    values: dict[str, T | None] = {}
    for name, members in bins.items():
        rows = np.array([chain in members for chain in chains], dtype=bool)
        values[name] = metric(scores[rows], labels[rows]) if labels[rows].any() else None
    return values


def _rated_tally(
    scores: np.ndarray, labels: np.ndarray, thresholds: np.ndarray, information: np.ndarray | None = None
) -> Tally:
    """Of the proteins with a true term."""
    check_scores(scores, labels)
    rated = labels.any(1)
    return tally(scores[rated], labels[rated], thresholds, information)


def _aupr(scores: np.ndarray, labels: np.ndarray, average: str) -> float:
    """Average precision of scikit-learn over the terms with a positive."""
    from sklearn.metrics import average_precision_score

    check_scores(scores, labels, probabilities=False)
    present = labels.any(0)
    return float(average_precision_score(labels[:, present], scores[:, present], average=average))


def _lowest(values: np.ndarray, thresholds: np.ndarray) -> Best:
    best = int(values.argmin())
    return Best(float(values[best]), float(thresholds[best]))
