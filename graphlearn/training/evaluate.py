"""A model and its baselines on trajectories it never saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from graphlearn.datasets.batch import Normalizer
from graphlearn.datasets.gauge import to_delta
from graphlearn.datasets.trajectories import OrbitalTrajectory, TDDFTTrajectories
from graphlearn.models import OrbEvo
from graphlearn.training import baselines, metrics
from graphlearn.training.rollout import rollout
from tdddft.spectrum import field_direction
from tdddft.trajectory import Trajectory

BATCH = 8  # trajectories rolled out together
MODEL, ZERO, PERSISTENCE, FROZEN = "OrbEvo-DM", "zero", "persistence", "frozen Hamiltonian"
COLUMNS = {
    "one_step_l2": "one-step l2",
    "rollout_l2": "rollout l2",
    "wavefunction_nrmse": "wave function",
    "dipole_nrmse": "dipole",
    "dipole_along_field_nrmse": "dipole ∥ field",
    "absorption_nrmse": "absorption",
}


@dataclass(frozen=True, eq=False)
class Prediction:
    """What one method predicts for one trajectory: Delta [F, S, A] without the frame at t = 0.

    Args:
        one_step: From the true history of every bundle.
        rolled_out: From the ground state alone.
    """

    one_step: np.ndarray
    rolled_out: np.ndarray


def predict(model: OrbEvo, normalizer: Normalizer, data: TDDFTTrajectories) -> list[dict[str, Prediction]]:
    """Predictions of the model and of the baselines for every trajectory, by method."""
    predictions = []
    for first in range(0, len(data), BATCH):
        items = [data[i] for i in range(first, min(first + BATCH, len(data)))]
        one_step = rollout(model, normalizer, items, teacher=True)
        rolled = rollout(model, normalizer, items)
        for i, item in enumerate(items):
            predictions.append(_methods(model, item, data.raw(first + i), one_step[i], rolled[i]))
    return predictions


def _methods(
    model: OrbEvo, item: OrbitalTrajectory, trajectory: Trajectory, one_step: Tensor, rolled: Tensor
) -> dict[str, Prediction]:
    """Predictions of the model and the baselines for one trajectory."""
    target = to_delta(trajectory)[1:]
    still = baselines.zero(target)
    bundle = model.num_frames
    delta = [item.delta_from_slots(x, trajectory)[1:] for x in (one_step, rolled)]
    return {
        MODEL: Prediction(*delta),
        ZERO: Prediction(still, still),
        PERSISTENCE: Prediction(baselines.persistence(target, bundle), still),
        FROZEN: Prediction(baselines.frozen_hamiltonian(trajectory, bundle), baselines.frozen_hamiltonian(trajectory)),
    }


def errors(trajectory: Trajectory, prediction: Prediction) -> dict[str, float]:
    """All errors of one prediction, by the keys of ``COLUMNS``."""
    target = to_delta(trajectory)[1:]
    atoms = trajectory.ao_table[:, 0]
    direction = field_direction(trajectory)
    true = trajectory.dipole_au[1:] - trajectory.dipole_au[0]
    dipole = metrics.induced_dipole_au(prediction.rolled_out, trajectory)
    return {
        "one_step_l2": metrics.l2_error(prediction.one_step, target, atoms),
        "rollout_l2": metrics.l2_error(prediction.rolled_out, target, atoms),
        "wavefunction_nrmse": metrics.wavefunction_nrmse(prediction.rolled_out, target),
        "dipole_nrmse": metrics.dipole_nrmse(dipole, true),
        "dipole_along_field_nrmse": metrics.dipole_nrmse(dipole @ direction, true @ direction),
        "absorption_nrmse": metrics.absorption_nrmse(dipole @ direction, true @ direction, trajectory),
    }


def mean_errors(
    trajectories: Sequence[Trajectory], predictions: Sequence[dict[str, Prediction]]
) -> dict[str, dict[str, float]]:
    """Errors of every method, averaged over trajectories: method -> column -> value."""
    rows: dict[str, list[dict[str, float]]] = {}
    for trajectory, methods in zip(trajectories, predictions, strict=True):
        for method, prediction in methods.items():
            rows.setdefault(method, []).append(errors(trajectory, prediction))
    return {m: {c: float(np.mean([r[c] for r in each])) for c in COLUMNS} for m, each in rows.items()}
