"""A model and its baselines on held-out trajectories, one at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from graphlearn.models import OrbitalModel
from graphlearn.orbitals import metrics
from graphlearn.orbitals.baselines import dynamic_modes, frozen_hamiltonian, persistence, zero
from graphlearn.orbitals.data.batch import Normalizer
from graphlearn.orbitals.data.target import to_delta
from graphlearn.orbitals.data.trajectories import OrbitalTrajectory, TDDFTTrajectories
from graphlearn.orbitals.rollout import DivergedError, Rollout
from tdddft.analysis.spectrum import field_direction
from tdddft.trajectory import Trajectory

ZERO, PERSISTENCE, FROZEN = "zero", "persistence", "frozen Hamiltonian"
NEAREST, MODES = "nearest geometry", "dynamic modes, a quarter known"
COLUMNS = {
    "one_step_l2": "one-step l2",
    "rollout_l2": "rollout l2",
    "wavefunction_nrmse": "wave function",
    "dipole_nrmse": "dipole",
    "dipole_along_field_nrmse": "dipole ∥ field",
    "absorption_nrmse": "absorption",
}
HORIZONS = (8, 16, 32, 64, 100)
Errors = Mapping[str, float]


@dataclass(frozen=True, eq=False)
class Prediction:
    """What one method predicts for one trajectory; frames after t = 0. A method may predict less than everything.

    Args:
        one_step: Delta [F, S, A] from the true history of every bundle.
        rolled_out: Delta [F, S, A] from the ground state alone.
        induced_dipole_au: Dipole minus that of the ground state [F, 3], where it is not that of ``rolled_out``.
    """

    one_step: np.ndarray | None = None
    rolled_out: np.ndarray | None = None
    induced_dipole_au: np.ndarray | None = None

    def dipole_au(self, trajectory: Trajectory) -> np.ndarray | None:
        """The induced dipole [F, 3]."""
        if self.induced_dipole_au is not None or self.rolled_out is None:
            return self.induced_dipole_au
        return metrics.induced_dipole_au(self.rolled_out, trajectory)


@dataclass(frozen=True, eq=False)
class EvaluatedTrajectory:
    """One trajectory with everything that was predicted for it.

    Args:
        name: Id.
        model: Class of the model; its predictions and errors stand under this name.
        trajectory: The truth.
        predictions: By method.
        errors: By method and column; NaN where a method says nothing.
        growth: Error of the wavefunction frame by frame, by method, [F].
    """

    name: str
    model: str
    trajectory: Trajectory
    predictions: Mapping[str, Prediction]
    errors: Mapping[str, Errors]
    growth: Mapping[str, np.ndarray]


Baseline = Callable[[Trajectory], Prediction]


def cheap_baselines(bundle: int) -> dict[str, Baseline]:
    """The baselines that need nothing but the trajectory itself, by name.

    Args:
        bundle: Frames of a bundle, after which the one-step columns start again from the true frame.

    Returns:
        Functions of a trajectory.
    """

    def nothing(t: Trajectory) -> Prediction:
        still = zero(to_delta(t)[1:])
        return Prediction(still, still)

    def persistent(t: Trajectory) -> Prediction:
        target = to_delta(t)[1:]
        return Prediction(persistence(target, bundle), zero(target))

    def frozen(t: Trajectory) -> Prediction:
        return Prediction(frozen_hamiltonian(t, bundle), frozen_hamiltonian(t))

    def modes(t: Trajectory) -> Prediction:
        signal = t.dipole_au - t.dipole_au[0]
        return Prediction(induced_dipole_au=dynamic_modes(signal, max(4, len(signal) // 4))[1:])

    return {ZERO: nothing, PERSISTENCE: persistent, FROZEN: frozen, MODES: modes}


def evaluate(
    model: OrbitalModel, normalizer: Normalizer, data: TDDFTTrajectories, baselines: Mapping[str, Baseline]
) -> Iterator[EvaluatedTrajectory]:
    """Predict and score one trajectory after the other; nothing is kept in memory here.

    The class of the model is its name. A rollout that diverges has infinite errors.

    Args:
        model: On the device to compute on.
        normalizer: Its units.
        data: Trajectories, read with ``model.geometry``.
        baselines: By name.

    Yields:
        One result per trajectory.
    """
    roll, kind = Rollout(model, normalizer), type(model).__name__
    for i, name in enumerate(data.names):
        item, t = data[i], data.raw(i)
        own = Prediction(_predict(roll, item, t, teacher=True), _predict(roll, item, t, teacher=False))
        predictions = {kind: own, **{method: baseline(t) for method, baseline in baselines.items()}}
        target = to_delta(t)[1:]
        errors = {method: prediction_errors(t, target, p) for method, p in predictions.items()}
        if own.rolled_out is None:
            errors[kind] = {c: math.inf if c != "one_step_l2" else e for c, e in errors[kind].items()}
        growth = {
            method: metrics.wavefunction_nrmse_by_frame(p.rolled_out, target)
            for method, p in predictions.items()
            if p.rolled_out is not None
        }
        yield EvaluatedTrajectory(name, kind, t, predictions, errors, growth)


def _predict(roll: Rollout, item: OrbitalTrajectory, trajectory: Trajectory, *, teacher: bool) -> np.ndarray | None:
    """Delta [F, S, A] without the frame at t = 0; None where the rollout diverges."""
    try:
        (delta,) = roll([item], teacher=teacher)
    except DivergedError:
        return None
    return np.asarray(item.layout.delta_from_slots(delta)[1:])


def prediction_errors(trajectory: Trajectory, target: np.ndarray, prediction: Prediction) -> dict[str, float]:
    """All errors of one prediction.

    Args:
        trajectory: The truth.
        target: Its Delta without the frame at t = 0, complex [F, S, A].
        prediction: Of one method.

    Returns:
        By the keys of ``COLUMNS`` and ``wavefunction_nrmse_T`` for each horizon T; NaN for what is not predicted.
    """
    atoms = trajectory.ao_table[:, 0]
    direction = field_direction(trajectory)
    found = dict.fromkeys((*COLUMNS, *(horizon_column(t) for t in HORIZONS)), float("nan"))
    if prediction.one_step is not None:
        found["one_step_l2"] = metrics.l2_error(prediction.one_step, target, atoms)
    if prediction.rolled_out is not None:
        found["rollout_l2"] = metrics.l2_error(prediction.rolled_out, target, atoms)
        found["wavefunction_nrmse"] = metrics.wavefunction_nrmse(prediction.rolled_out, target)
        for t in HORIZONS:
            if t <= len(target):
                found[horizon_column(t)] = metrics.wavefunction_nrmse(prediction.rolled_out, target, t)
    dipole = prediction.dipole_au(trajectory)
    if dipole is not None:
        true = trajectory.dipole_au[1:] - trajectory.dipole_au[0]
        along, true_along = dipole @ direction, true @ direction
        found["dipole_nrmse"] = metrics.dipole_nrmse(dipole, true)
        found["dipole_along_field_nrmse"] = metrics.dipole_nrmse(along, true_along)
        found["absorption_nrmse"] = metrics.absorption_nrmse(along, true_along, trajectory)
    return found


def horizon_column(frames: int) -> str:
    """Key of the wavefunction error over the first frames."""
    return f"wavefunction_nrmse_{frames}"
