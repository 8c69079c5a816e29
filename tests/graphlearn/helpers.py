"""Helpers of the learning tests: the small model and turned batches."""

from __future__ import annotations

from dataclasses import replace

import torch

from graphlearn.nn import wigner_d

SMALL = {
    "channels": 8, "heads": 2, "alpha_channels": 4, "num_density_blocks": 1, "num_blocks": 1, "density_lmax": 3,
    "num_radial": 8, "average_degree": 2.5,
}  # fmt: skip


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
