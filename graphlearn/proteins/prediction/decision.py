"""From logits and similar chains to what is predicted: fitted on the validation chains once a network is trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from graphlearn.base.errors import ContractError
from graphlearn.models import ProteinRPN
from graphlearn.proteins.data.training_data import ProteinTrainingData
from graphlearn.proteins.metrics.terms import fmax
from graphlearn.proteins.prediction.calibration import Calibration, fit_calibration
from graphlearn.proteins.prediction.logits import predict_logits


@dataclass(frozen=True)
class DecisionRule:
    """How logits and transferred terms become a prediction.

    Attributes:
        network: From logits to probabilities.
        combined: From logits and transferred terms to probabilities.
        network_threshold: Probability from which on terms count as predicted, that of the best Fmax.
        combined_threshold: The same for the combination.
    """

    network: Calibration = field(default_factory=Calibration)
    combined: Calibration = field(default_factory=Calibration)
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
        return cls(
            network,
            combined,
            fmax(data.closed(network(logits)), labels).threshold,
            fmax(data.closed(combined(logits, transferred)), labels).threshold,
        )

    def to_dict(self) -> dict[str, Any]:
        """As ``model.json`` keeps it."""
        return {**asdict(self), "network": self.network._asdict(), "combined": self.combined._asdict()}

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
            found = dict(content)
            network, combined = (Calibration(**found.pop(key, {})) for key in ("network", "combined"))
            return cls(network, combined, **found)
        except (TypeError, ValueError) as error:
            raise ContractError(f"model.json: damaged decision ({error}); copy or train the model again") from None
