"""The training loss of OrbEvo."""

from __future__ import annotations

import torch
from torch import Tensor

from graphlearn.models import OrbitalModel
from graphlearn.orbitals.data.batch import OrbitalBatch
from graphlearn.orbitals.sampling import bundle_of


def loss_sums(prediction: Tensor, batch: OrbitalBatch, weight: Tensor) -> Tensor:
    r"""Weighted mean of the per-atom distance :math:`\lVert \hat\delta_{n,i}(t) - \delta_{n,i}(t) \rVert_2`.

    The norm runs over the complex slots of one atom in one state at one frame; the mean over frames, states and atoms.

    Args:
        prediction: [N, S, 9, R, T, 2].
        batch: Gives the target and the states that are not padding.
        weight: Weight of each molecule, [B].

    Returns:
        Numerator and denominator of the mean, [2]; they may be added over parts of a batch.

    Raises:
        ValueError: if the batch has no target.

    Source: OrbEvo (arXiv 2603.03511), section on training.
    """
    if batch.target is None:
        raise ValueError("the batch has no target: a window reaches past the end of its trajectory")
    square = (prediction - batch.target).square().sum(dim=(2, 3, 5))  # [N, S, T]
    distance = torch.sqrt(square + 1e-12).mean(-1)
    weights = weight[batch.batch, None] * batch.state_mask
    return torch.stack([(distance * weights).sum(), weights.sum()])


def unrolled_loss(model: OrbitalModel, batch: OrbitalBatch, weight: Tensor, bundles: int = 1) -> Tensor:
    """Loss of one bundle or several, each predicted from the one before, with gradients through all.

    Args:
        model: Predicts a bundle from a batch.
        batch: With the target of all bundles.
        weight: Weight of each molecule, [B].
        bundles: How many are predicted.

    Returns:
        Numerator and denominator, [2].
    """
    history, sums = batch.delta, []
    for index in range(bundles):
        part = bundle_of(batch, index, history, model.field_samples)
        history = model(part).to(batch.c0.dtype)
        sums.append(loss_sums(history, part, weight))
    return torch.stack(sums).sum(0)
