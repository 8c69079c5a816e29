"""Autoregressive rollout: a trajectory from the ground state and the field."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from graphlearn.datasets.batch import Normalizer, OrbitalBatch, collate
from graphlearn.datasets.trajectories import OrbitalTrajectory
from graphlearn.models import OrbEvo
from graphlearn.training.compatibility import check_fits


@torch.no_grad()
def rollout(
    model: OrbEvo, normalizer: Normalizer, trajectories: Sequence[OrbitalTrajectory], *, teacher: bool = False
) -> list[Tensor]:
    """Predict all frames of several trajectories, one bundle after the other.

    Args:
        model: The predictor.
        normalizer: Its units.
        trajectories: Ground states and fields; their frames are used only with ``teacher``. Molecules may differ, the
            number of frames may not.
        teacher: Take the history of every bundle from the trajectory rather than from the model (one-step error).

    Returns:
        Delta of each trajectory, [N, S, 9, R, F, 2], not normalised; frame 0 is zero.
    """
    model.eval()
    for trajectory in trajectories:
        check_fits(model, normalizer, trajectory)
    device = next(model.parameters()).device
    bundle, frames = model.num_frames, trajectories[0].num_frames
    if any(t.num_frames != frames for t in trajectories):
        raise ValueError("trajectories of one rollout must have the same number of frames")
    history: Tensor | None = None
    outputs: list[Tensor] = []
    for index in range(math.ceil((frames - 1) / bundle)):
        batch = collate([(t, index * bundle) for t in trajectories], normalizer, bundle).to(device)
        if not teacher:
            batch = replace(batch, delta=torch.zeros_like(batch.delta) if history is None else history)
        history = model(batch)
        outputs.append(history)
    if not all(bool(torch.isfinite(output).all()) for output in outputs):
        raise RuntimeError("the rollout diverged: the model predicts numbers that are not finite")
    joined = torch.cat([torch.zeros_like(outputs[0][..., :1, :]), *outputs], dim=-2)[..., :frames, :]
    return _split(joined * normalizer.delta_rms, batch)


def _split(delta: Tensor, batch: OrbitalBatch) -> list[Tensor]:
    """Cut a batch into molecules and drop padded states."""
    counts = (batch.occupations > 0).sum(1).tolist()
    return [delta[batch.batch == b][:, :count].cpu() for b, count in enumerate(counts)]
