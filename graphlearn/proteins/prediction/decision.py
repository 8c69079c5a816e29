"""What is fitted on the validation chains once a network is trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from graphlearn.base.errors import ContractError
from graphlearn.models import ProteinRPN
from graphlearn.proteins.metrics.terms import fmax
from graphlearn.proteins.prediction.calibration import Calibration, fit_calibration
from graphlearn.proteins.prediction.logits import predict_logits
from graphlearn.proteins.task import ProteinTask


@dataclass(frozen=True)
class Decision:
    """How logits and transferred terms become a prediction.

    Args:
        network: From logits to probabilities.
        combined: From logits and transferred terms to probabilities.
        network_threshold: Probability above which terms count as predicted, that of the best Fmax.
        combined_threshold: The same for the combination.
    """

    network: Calibration = field(default_factory=Calibration)
    combined: Calibration = field(default_factory=Calibration)
    network_threshold: float = 0.5
    combined_threshold: float = 0.5

    def facts(self) -> dict[str, Any]:
        """As ``model.json`` keeps it."""
        return {**asdict(self), "network": self.network._asdict(), "combined": self.combined._asdict()}

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Decision:
        """From ``model.json``; the defaults where it lacks them.

        Raises:
            ContractError: if they are malformed.
        """
        try:
            found = dict(facts.get("decision", {}))
            network, combined = (Calibration(**found.pop(key, {})) for key in ("network", "combined"))
            return cls(network, combined, **found)
        except (TypeError, ValueError) as error:
            raise ContractError(f"model.json: damaged decision ({error}); copy or train the model again") from None


def decide(model: ProteinRPN, task: ProteinTask, transferred: np.ndarray) -> Decision:
    """Fit both maps and their thresholds.

    Args:
        model: Trained.
        task: With a part ``validation``.
        transferred: Terms of similar training chains for its chains (``Homologues.transfer``), float [N, T].
    """
    labels = task.labels("validation")
    logits = predict_logits(model, task.data.select(task.data.split["validation"]))
    network, combined = fit_calibration(logits, labels), fit_calibration(logits, labels, transferred)
    return Decision(
        network,
        combined,
        fmax(task.closed(network(logits)), labels).threshold,
        fmax(task.closed(combined(logits, transferred)), labels).threshold,
    )
