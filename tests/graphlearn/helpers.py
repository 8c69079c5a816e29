"""Helpers of the learning tests: the small model, short trainings, and turned batches."""

from __future__ import annotations

from dataclasses import replace

import torch

from graphlearn.nn import wigner_d
from graphlearn.orbitals.loss import loss_sums
from graphlearn.orbitals.task import OrbitalTask
from graphlearn.training.trainer import Trainer

SMALL = {
    "channels": 8, "heads": 2, "alpha_channels": 4, "num_density_blocks": 1, "num_blocks": 1, "density_lmax": 3,
    "num_radial": 8, "average_degree": 2.5,
}  # fmt: skip


def mean_loss(prediction, batch, weight):
    """The loss of a prediction."""
    total, count = loss_sums(prediction, batch, weight).unbind()
    return total / count


def train_orbitals(recipe, data, folder, *, validation=None, **options):
    """Train on trajectories, on the CPU; options are those of the trainer."""
    return Trainer("cpu", **options).fit(OrbitalTask.create(recipe, data, validation), folder)


def rotate_batch(batch, rotation):
    """Turn molecule, field and orbitals by a rotation matrix [3, 3] (physical axes)."""
    rotation = rotation.to(batch.c0)
    axes = rotation.double()[[1, 2, 0]][:, [1, 2, 0]]
    turn = torch.block_diag(*(d[0] for d in wigner_d(axes.unsqueeze(0), 2))).to(batch.c0)

    def orbitals(x):
        return torch.einsum("ij,nsj...->nsi...", turn, x)

    return replace(
        batch,
        positions_angstrom=batch.positions_angstrom @ rotation.T,
        field_direction=batch.field_direction @ rotation.T,
        c0=orbitals(batch.c0),
        delta=orbitals(batch.delta),
        target=orbitals(batch.target),
    ), orbitals


def rotate_with_modes(batch, items, rotation):
    """A batch turned with its field and its modes."""
    turned, orbitals = rotate_batch(batch, rotation)
    turn = orbitals(torch.eye(9, dtype=batch.c0.dtype)[None, None])[0, 0].T
    modes = []
    for p, item in zip(batch.modes, items, strict=True):
        slots = (len(item.numbers), 9, 2)
        to = torch.einsum("ij,mnjr->mnir", turn.T, p.to_modes.view(-1, *slots)).flatten(1)
        back = torch.einsum("ij,njrm->nirm", turn.T, p.from_modes.view(*slots, -1)).flatten(0, 2)
        orthogonal = torch.einsum("ij,njrm->nirm", turn.T, p.orthogonal.view(*slots, -1)).flatten(0, 2)
        modes.append(replace(p, to_modes=to, from_modes=back, orthogonal=orthogonal))
    return replace(turned, modes=tuple(modes)), orbitals
