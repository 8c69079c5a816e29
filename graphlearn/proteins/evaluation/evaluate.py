"""A predictor of terms and its baselines on chains that it never saw, over all of them and by likeness to training."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from graphlearn.models import ProteinRPN
from graphlearn.proteins.metrics.information import conditional_information, frequency_information
from graphlearn.proteins.metrics.terms import (
    by_bin,
    fmax,
    macro_aupr,
    micro_aupr,
    normalised_smin,
    smin,
)
from graphlearn.proteins.prediction.baselines import term_frequency
from graphlearn.proteins.prediction.calibration import expected_calibration_error
from graphlearn.proteins.prediction.decision import Decision
from graphlearn.proteins.prediction.logits import predict_logits
from graphlearn.proteins.sequence.search import SearchProgram
from graphlearn.proteins.task import ProteinTask

MODEL, COMBINED, FREQUENCY, BEST_HIT = "network", "network and best hit", "term frequency", "best hit"
COLUMNS = {
    "fmax": "Fmax", "micro_aupr": "micro AUPR", "macro_aupr": "macro AUPR", "smin_bits": "Smin, bits",
    "normalised_smin": "normalised Smin",
}  # fmt: skip
LOWER_IS_BETTER = ("smin_bits", "normalised_smin")
ALL = "all"
Errors = Mapping[str, float]


@dataclass(frozen=True)
class Judge:
    """How scores are turned into numbers: relations and information of the terms, from the training chains alone.

    Args:
        ancestors: Of the terms, bool [T, T].
        training_labels: Ancestors closed, bool [M, T].
    """

    ancestors: csr_array
    training_labels: np.ndarray

    def __call__(self, scores: np.ndarray, labels: np.ndarray) -> Errors:
        """All columns for scores [N, T], ancestors closed, and labels [N, T]."""
        return {
            "fmax": fmax(scores, labels).value,
            "micro_aupr": micro_aupr(scores, labels),
            "macro_aupr": macro_aupr(scores, labels),
            "smin_bits": smin(scores, labels, conditional_information(self.training_labels, self.ancestors)).value,
            "normalised_smin": normalised_smin(scores, labels, frequency_information(self.training_labels)).value,
        }


@dataclass(frozen=True, eq=False)
class Evaluated:
    """Scores and their errors.

    Args:
        chains: Names of the rows, N of them.
        labels: Bool [N, T].
        scores: By method, ancestors closed, float [N, T].
        errors: By bin of likeness, ``all`` first, then by method and column.
        chains_of_bin: Rated chains of each bin.
        calibration_error: Of the network's probabilities.
        search: Program that found the best hits.
    """

    chains: tuple[str, ...]
    labels: np.ndarray
    scores: Mapping[str, np.ndarray]
    errors: Mapping[str, Mapping[str, Errors]]
    chains_of_bin: Mapping[str, int]
    calibration_error: float
    search: SearchProgram


def evaluate(
    model: ProteinRPN,
    task: ProteinTask,
    transferred: np.ndarray,
    decision: Decision,
    *,
    part: str = "test",
    bins: Mapping[str, Collection[str]] | None = None,
) -> Evaluated:
    """Judge the network, its combination with the best hit, and both baselines.

    Args:
        model: Trained.
        task: Chains, labels and relations.
        transferred: Terms of similar training chains (``Homologues.transfer``), float [N, T].
        decision: From :func:`graphlearn.proteins.prediction.decision.decide`.
        part: Of the split.
        bins: Chains by their likeness to training (``read_identity_bins``).
    """
    chains, labels = task.data.split[part], task.labels(part)
    logits = predict_logits(model, task.data.select(chains))
    training_labels = task.labels("train")
    raw = {
        MODEL: decision.network(logits),
        COMBINED: decision.combined(logits, transferred),
        BEST_HIT: transferred,
        FREQUENCY: term_frequency(training_labels, len(chains)),
    }
    scores = {method: task.closed(values) for method, values in raw.items()}
    judge = Judge(task.ancestors, training_labels)
    groups: dict[str, Collection[str]] = {ALL: frozenset(chains), **(bins or {})}
    errors: dict[str, dict[str, Errors]] = {name: {} for name in groups}
    for method, values in scores.items():
        for name, found in by_bin(judge, values, labels, chains, groups).items():
            if found is not None:
                errors[name][method] = found
    rated = {chain for chain, row in zip(chains, labels, strict=True) if row.any()}
    return Evaluated(
        tuple(chains), labels, scores, {name: rows for name, rows in errors.items() if rows},
        {name: len(rated & set(members)) for name, members in groups.items()},
        expected_calibration_error(scores[MODEL], labels), task.search,
    )  # fmt: skip
