"""The training loss of OrbEvo."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from graphlearn.models import OrbitalModel
from graphlearn.orbitals.data.batch import OrbitalBatch
from graphlearn.orbitals.sampling import bundle_of


def orbital_loss(prediction: Tensor, batch: OrbitalBatch, weight: Tensor) -> Tensor:
    r"""Weighted mean of the per-atom distance :math:`\lVert \hat\delta_{n,i}(t) - \delta_{n,i}(t) \rVert_2`.

    The norm runs over the complex slots of one atom in one state at one frame; the mean over frames, states and atoms.

    Args:
        prediction: [N, S, 9, R, T, 2].
        batch: Gives the target and the states that are not padding.
        weight: Weight of each molecule, [B].

    Source: OrbEvo (arXiv 2603.03511), section on training.
    """
    total, count = loss_sums(prediction, batch, weight).unbind()
    return total / count.clamp_min(1e-12)


def loss_sums(prediction: Tensor, batch: OrbitalBatch, weight: Tensor) -> Tensor:
    """Numerator and denominator of :func:`orbital_loss`, [2]; they may be added over parts of a batch."""
    if batch.target is None:
        raise ValueError("the batch has no target: a window reaches past the end of its trajectory")
    square = (prediction - batch.target).square().sum(dim=(2, 3, 5))  # [N, S, T]
    distance = torch.sqrt(square + 1e-12).mean(-1)
    weights = weight[batch.batch, None] * batch.state_mask
    return torch.stack([(distance * weights).sum(), weights.sum()])


class UnrolledLoss(nn.Module):
    """Loss of a model that predicts one bundle or several, each from the one before, with gradients through all.

    Args:
        model: Predicts a bundle from a batch.
        bundles: How many.
    """

    def __init__(self, model: OrbitalModel, bundles: int = 1) -> None:
        super().__init__()
        self.model, self.bundles = model, bundles

    def forward(self, batch: OrbitalBatch, weight: Tensor) -> Tensor:
        """Numerator and denominator of the loss, [2]."""
        history, sums = batch.delta, []
        for index in range(self.bundles):
            part = bundle_of(batch, index, history, self.model.field_samples)
            history = self.model(part).to(batch.c0.dtype)
            sums.append(loss_sums(history, part, weight))
        return torch.stack(sums).sum(0)
