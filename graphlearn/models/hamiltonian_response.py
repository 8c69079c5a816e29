r"""Propagation under the ground-state Hamiltonian and a given change of it.

In the basis of the ground-state orbitals, from one frame to the next a time :math:`\tau` later,

.. math:: \delta_{mn}(\tau) = e^{-i\omega_{mn}\tau}\,\delta_{mn}(0) - i \int_0^\tau e^{-i\omega_{mn}(\tau - t)}
          \big(\kappa_{mn}\, e(t) + \langle m|\delta F(t)|n\rangle\big)\, dt, \qquad
          \delta F(t) = \sum_q \delta F_q\, P_q(2t/\tau - 1)

with frequencies and couplings of :class:`graphlearn.datasets.IndependentParticles` and Legendre polynomials P.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from graphlearn.models.modes import FrameSteps, molecules_of
from graphlearn.nn.equivariant import pack_orbitals, unpack_orbitals
from graphlearn.nn.equivariant.irreps import constant

NODES = 16  # of the quadrature over a frame; frequencies reach 5 atomic units


def propagate(operator: tuple[Tensor, Tensor], data: Any, shells: Sequence[int]) -> Tensor:
    """The frames that follow from the last one of the history, the field and the change of the Hamiltonian.

    Args:
        operator: Its symmetric blocks within atoms [N, T, Q, A, A] and on edges (target, source) [E, T, Q, A, A], in
            units of the network per fs.
        data: A batch with ``particles``, ``delta``, ``field_strength``, ``edge_index`` and ``frame_fs``.
        shells: Radial channels of s, p and d orbitals.

    Returns:
        [N, S, 9, R, T, 2].
    """
    within, between = operator
    frames, legendre = within.shape[1:3]
    molecules = list(molecules_of(data))
    occupied = torch.cat([m.occupied(data.c0.shape[2:]) for m in molecules])  # [N, S, 9, R]
    orbitals = pack_orbitals(occupied.unsqueeze(-1), shells).squeeze(-1).transpose(1, 2)  # [N, A, S]
    source, target = data.edge_index
    acted = torch.einsum("ntqab,nbs->ntqas", within, orbitals)
    messages = torch.einsum("etqab,ebs->etqas", between, orbitals.index_select(0, source))
    acted = acted.index_add(0, target, messages)
    acted = unpack_orbitals(acted.permute(0, 4, 3, 1, 2).flatten(3), shells)  # [N, S, 9, R, T Q]
    last = data.delta[..., -1:, :]
    outputs = []
    for molecule in molecules:
        p = molecule.particles
        steps = FrameSteps.of(molecule, data.field_strength[molecule.number], frames, data.frame_fs)
        here = last[molecule.atoms]
        if data.states is not None:
            here = here.index_select(1, data.states[molecule.number])
        z = molecule.into_modes(here)[..., 0]
        force = molecule.project(acted[molecule.atoms])  # [M, S, T Q]
        force = force - p.own.unsqueeze(-1) * (p.own.unsqueeze(-1) * force).sum(0)  # the gauge takes that phase
        weights = legendre_weights(p.frequencies_per_fs, data.frame_fs, legendre)
        kicks = torch.einsum("qms,mstq->tms", weights, force.unflatten(-1, (frames, legendre)).to(weights.dtype))
        moved = []
        for k in range(frames):
            z = steps.phase * z + steps.drive[frames + k] + kicks[k]
            moved.append(z)
        outputs.append(molecule.out_of_modes(torch.stack(moved, dim=-1), here.expand(-1, -1, -1, -1, frames, -1)))
    return torch.cat(outputs)


def legendre_weights(frequencies_per_fs: Tensor, frame_fs: float, count: int) -> Tensor:
    r""":math:`-i \int_0^\tau e^{-i\omega(\tau - t)} P_q(2t/\tau - 1)\, dt` for every frequency, complex [Q, ...]."""
    nodes, table = constant(_nodes, like=frequencies_per_fs), constant(_legendre, count, like=frequencies_per_fs)
    angle = (0.5 * frame_fs * (1.0 - nodes)).view(-1, *[1] * frequencies_per_fs.dim()) * frequencies_per_fs
    real, imaginary = (torch.tensordot(table, x, dims=1) * (-0.5 * frame_fs) for x in (angle.sin(), angle.cos()))
    return torch.complex(real, imaginary)


def _nodes() -> Tensor:
    return torch.as_tensor(np.polynomial.legendre.leggauss(NODES)[0])


def _legendre(count: int) -> Tensor:
    """Quadrature weights times Legendre polynomials at the nodes, float64 [count, NODES]."""
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    return torch.as_tensor(np.polynomial.legendre.legvander(nodes, count - 1).T * weights)
