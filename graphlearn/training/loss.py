"""The training loss of OrbEvo."""

from __future__ import annotations

import torch
from torch import Tensor

from graphlearn.datasets.batch import OrbitalBatch


def orbital_loss(prediction: Tensor, batch: OrbitalBatch, weight: Tensor) -> Tensor:
    r"""Weighted mean of the per-atom distance :math:`\lVert \hat\delta_{n,i}(t) - \delta_{n,i}(t) \rVert_2`.

    The norm runs over the complex slots of one atom in one state at one frame; the mean over frames, states and atoms.

    Args:
        prediction: [N, S, 9, R, T, 2].
        batch: Gives the target and the states that are not padding.
        weight: Weight of each molecule, [B].

    Source: OrbEvo (arXiv 2603.03511), section on training.
    """
    if batch.target is None:
        raise ValueError("the batch has no target: a window reaches past the end of its trajectory")
    square = (prediction - batch.target).square().sum(dim=(2, 3, 5))  # [N, S, T]
    distance = torch.sqrt(square + 1e-12).mean(-1)
    weights = weight[batch.batch, None] * batch.state_mask
    return (distance * weights).sum() / weights.sum().clamp_min(1e-12)
