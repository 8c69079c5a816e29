"""What is fitted on the validation chains once a network is trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from graphlearn.models import ProteinRPN
from graphlearn.training.proteins.calibration import Calibration, fit_calibration
from graphlearn.training.proteins.homology import combine
from graphlearn.training.proteins.metrics import fmax
from graphlearn.training.proteins.predict_logits import predict_logits
from graphlearn.training.proteins.task import ProteinTask

WEIGHTS = np.arange(21) / 20


@dataclass(frozen=True)
class Decision:
    """How logits and transferred terms become a prediction.

    Args:
        calibration: From logits to probabilities.
        homology_weight: Share of transferred terms in the combination.
        threshold: Score of the combination above which terms count as predicted, that of the best Fmax.
        network_threshold: The same for the network alone.
    """

    calibration: Calibration = field(default_factory=Calibration)
    homology_weight: float = 0.0
    threshold: float = 0.5
    network_threshold: float = 0.5

    def facts(self) -> dict[str, Any]:
        """As ``model.json`` keeps it."""
        return {**asdict(self), "calibration": self.calibration._asdict()}

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Decision:
        """From ``model.json``; the defaults for what it lacks."""
        found = {**facts.get("decision", {})}
        return cls(Calibration(**found.pop("calibration", {})), **found)


def decide(model: ProteinRPN, task: ProteinTask, transferred: np.ndarray) -> Decision:
    """Fit calibration, weight and thresholds.

    Args:
        model: Trained.
        task: With a part ``validation``.
        transferred: Terms of similar training chains for its chains (``Homologues.transfer``), float [N, T].
    """
    labels = task.labels("validation")
    logits = predict_logits(model, task.data.select(task.data.split["validation"]))
    calibration = fit_calibration(logits, labels)
    probabilities = calibration(logits)
    best = {float(weight): fmax(task.closed(combine(probabilities, transferred, weight)), labels) for weight in WEIGHTS}
    weight = max(best, key=lambda w: best[w].value)
    return Decision(calibration, weight, best[weight].threshold, best[0.0].threshold)
