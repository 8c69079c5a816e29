"""How good a model is while it is trained: rollouts of validation trajectories."""

from __future__ import annotations

from torch import Tensor

from graphlearn.models import OrbitalModel
from graphlearn.orbitals.data.batch import Normalizer
from graphlearn.orbitals.data.trajectories import TDDFTTrajectories
from graphlearn.orbitals.rollout import DivergedError, Rollout
from graphlearn.training.task import Metric

DIVERGED = 1e3
ROLLOUT_ERROR = Metric("wavefunction_nrmse", False, "wavefunction nRMSE of the rollout", reject=DIVERGED)


def validation_score(model: OrbitalModel, normalizer: Normalizer, data: TDDFTTrajectories, count: int) -> float:
    """Mean wavefunction nRMSE of the rollouts of the first trajectories; 1000 for one that diverges.

    Args:
        model: On the device to compute on.
        normalizer: Its units.
        data: Trajectories.
        count: Number of first trajectories to roll out.

    Returns:
        The mean.
    """
    roll, errors = Rollout(model, normalizer), []
    for index in range(min(count, len(data))):
        item = data[index]
        try:
            (predicted,) = roll([item])
        except DivergedError:
            errors.append(DIVERGED)
        else:
            errors.append(min(DIVERGED, _nrmse(predicted, item.delta)))
    return sum(errors) / len(errors)


def _nrmse(predicted: Tensor, target: Tensor) -> float:
    """Mean over states of the norm of the error, over that of the norm of the target [N, S, 9, R, F, 2]."""
    error, norm = ((x.square().sum(dim=(0, 2, 3, 4, 5)).sqrt().mean()) for x in (predicted - target, target))
    return float(error / norm)
