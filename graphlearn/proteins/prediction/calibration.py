"""From logits to calibrated probabilities."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from graphlearn.base.errors import InputError


class Calibration(NamedTuple):
    r"""Platt's map, :math:`p = \sigma(a z + c s + b)`, the same for all terms.

    Attributes:
        slope: a, of the logits z.
        offset: b.
        transfer: c, of the terms s of similar training chains.
    """

    slope: float = 1.0
    offset: float = 0.0
    transfer: float = 0.0

    def __call__(self, logits: np.ndarray, transferred: np.ndarray | None = None) -> np.ndarray:
        """Probabilities, float64, of the shape of the logits; without transferred terms those of the logits alone."""
        scaled = self.slope * np.asarray(logits, dtype=np.float64) + self.offset
        if transferred is not None:
            scaled = scaled + self.transfer * transferred
        return 0.5 * (1 + np.tanh(0.5 * scaled))


def fit_calibration(logits: np.ndarray, labels: np.ndarray, transferred: np.ndarray | None = None) -> Calibration:
    """The map with the least cross-entropy on chains that were not trained on.

    Args:
        logits: Float [N, T].
        labels: Bool [N, T].
        transferred: Terms of similar training chains (``Homologues.transfer``), float [N, T].

    Returns:
        Slope, offset and, with ``transferred``, the weight of the transferred terms.

    Raises:
        InputError: if shapes differ, or all labels are the same.

    Source: Platt, Advances in Large Margin Classifiers (1999); one map for all terms, of which most are rare.
    """
    from sklearn.linear_model import LogisticRegression

    if logits.shape != labels.shape:
        raise InputError(f"logits {logits.shape} and labels {labels.shape} must both be [proteins, terms]")
    if labels.all() or not labels.any():
        raise InputError("calibration needs labels of both kinds; are these chains labelled?")
    columns = [logits.ravel().astype(np.float64), *([] if transferred is None else [transferred.ravel()])]
    model = LogisticRegression(C=1e6, max_iter=1000).fit(np.stack(columns, 1), labels.ravel())
    slope, *transfer = model.coef_[0].tolist()
    return Calibration(slope, float(model.intercept_[0]), *transfer)


def expected_calibration_error(probabilities: np.ndarray, labels: np.ndarray, bins: int = 10) -> float:
    r"""Mean distance of confidence and frequency, :math:`\sum_b \frac{n_b}{n} |\bar p_b - \bar y_b|`.

    Args:
        probabilities: Within 0 and 1, float [N, T].
        labels: Bool [N, T].
        bins: Bins of equal width; pairs below 0.01 are left out, which are nearly all pairs and nearly all wrong.

    Returns:
        The error, 0 to 1; 0 where no probability reaches 0.01.

    Source: Guo et al., On Calibration of Modern Neural Networks (ICML 2017).
    """
    said = probabilities >= 0.01
    p, y = probabilities[said], labels[said]
    if not len(p):
        return 0.0
    place = np.minimum((p * bins).astype(int), bins - 1)
    counts = np.bincount(place, minlength=bins)
    gap = np.abs(np.bincount(place, p, bins) - np.bincount(place, y, bins))
    return float(gap.sum() / counts.sum())
