"""From chains to logits, and with similar chains to calibrated probabilities and thresholds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from graphlearn.base.errors import ContractError, InputError
from graphlearn.models import ProteinRPN
from graphlearn.proteins.data.batches import collate
from graphlearn.proteins.data.protein_go import ProteinGO
from graphlearn.proteins.data.training_data import ProteinTrainingData
from graphlearn.proteins.metrics.terms import fmax
from graphlearn.training.task import device_of


@torch.no_grad()
def predict_logits(model: ProteinRPN, data: ProteinGO, batch_size: int = 32) -> np.ndarray:
    """Logits of all chains of a data set, in batches of similar length.

    Args:
        model: On any device, which the batches follow; it is set to evaluation mode.
        data: N chains.
        batch_size: Chains per forward pass.

    Returns:
        Float32 [N, T], in the order of the data set.
    """
    model.eval()
    device, lengths = device_of(model), list(data.lengths.values())
    order = sorted(range(len(data)), key=lengths.__getitem__)
    logits = np.empty((len(data), len(data.terms)), dtype=np.float32)
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        logits[rows] = model(collate(data, rows).to(device)).logits.cpu().numpy()
    return logits


@dataclass(frozen=True)
class Calibration:
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
    gap = np.abs(np.bincount(place, p, bins) - np.bincount(place, y, bins))
    return float(gap.sum() / len(p))


@dataclass(frozen=True)
class DecisionRule:
    """How logits and transferred terms become a prediction.

    Attributes:
        network: From logits to probabilities.
        combined: From logits and transferred terms to probabilities.
        network_threshold: Probability from which on terms count as predicted, that of the best Fmax.
        combined_threshold: The same for the combination.
    """

    network: Calibration = Calibration()
    combined: Calibration = Calibration()
    network_threshold: float = 0.5
    combined_threshold: float = 0.5

    @classmethod
    def fit(cls, model: ProteinRPN, data: ProteinTrainingData, transferred: np.ndarray) -> DecisionRule:
        """Fit both maps and their thresholds.

        Args:
            model: Trained.
            data: With a part ``validation`` of N chains.
            transferred: Terms of similar training chains for these (``Homologues.transfer``), float [N, T].

        Returns:
            The rule with the best Fmax on the validation chains.
        """
        labels = data.labels("validation")
        logits = predict_logits(model, data.data.select(data.data.split["validation"]))
        network, combined = fit_calibration(logits, labels), fit_calibration(logits, labels, transferred)
        scores = (network(logits), combined(logits, transferred))
        return cls(network, combined, *(fmax(data.closed(each), labels).threshold for each in scores))

    def to_dict(self) -> dict[str, Any]:
        """As ``model.json`` keeps it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> DecisionRule:
        """From ``model.json``; the defaults where it lacks something.

        Args:
            content: Entry ``decision`` of ``model.json``.

        Returns:
            The decision rule.

        Raises:
            ContractError: if the content is malformed.
        """
        try:
            maps = {key: Calibration(**content.get(key, {})) for key in ("network", "combined")}
            return cls(**{**content, **maps})
        except (TypeError, ValueError) as error:
            raise ContractError(f"model.json: damaged decision ({error}); copy or train the model again") from None
