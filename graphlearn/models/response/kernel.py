r"""The coupling of transition densities of one molecule, in a few auxiliary functions on its atoms.

.. math:: K_{mn,m'n'} = \sum_{PQ} B_{P,mn}\, M_{PQ}\, B_{Q,m'n'}, \qquad
          B_{P,mn} = \sum_{\mu\nu} G^P_{\mu\nu}\, (\varphi_{\mu m} o_{\nu n} + o_{\mu n} \varphi_{\nu m})

with orbitals phi, occupied orbitals o, the fit G of products of two atomic orbitals on the atoms they belong to, and
the symmetric metric M between auxiliary functions: the factors of density fitting, learned.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from graphlearn.models.orbevo.modes import MoleculeModes
from graphlearn.nn.constants import ConstantBuffers
from graphlearn.nn.equivariant import AtomMatrix, EdgeRotation, PairMatrix, RadialMLP, pack_orbitals
from graphlearn.nn.equivariant.density import coupling_matrix, multiplicities

ORBITAL_PAIR_LMAX = 4  # of the product of two d orbitals


class Kernel(NamedTuple):
    """Factors of the kernel of one molecule: fit B [P, M S] and M B [P, M S], rad/fs."""

    fit: Tensor
    weighted: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        """Multiply by the kernel.

        Args:
            x: Columns, [M S, W].

        Returns:
            K x, rad/fs [M S, W].
        """
        return self.fit.T @ (self.weighted @ x)


class KernelFactors(NamedTuple):
    """Fit and metric of all molecules of a batch; A orbitals and P auxiliary functions per atom.

    Shapes: ``fit_within`` [N, P, A, A], ``fit_between`` [E, P, A, A] (target, source), ``metric_within`` [N, P, P],
    ``metric_between`` [E, P, P].
    """

    fit_within: Tensor
    fit_between: Tensor
    metric_within: Tensor
    metric_between: Tensor


class ResponseKernel(ConstantBuffers):
    r"""Fit and metric from invariants of atoms and distances.

    Args:
        shells: Radial channels of s, p and d orbitals.
        auxiliary: Auxiliary functions of each degree l = 0, 1, ... per atom.
        channels: Invariants per atom.
        num_radial: Radial functions per edge.
        scale: Size of the fit at the start.
    """

    unit: Tensor

    def __init__(
        self, shells: Sequence[int], auxiliary: Sequence[int], channels: int, num_radial: int, scale: float
    ) -> None:
        super().__init__()
        self.shells, self.scale = tuple(shells), scale
        products = multiplicities(self.shells, ORBITAL_PAIR_LMAX)
        self.atom_fit, self.pair_fit = AtomMatrix(auxiliary, products), PairMatrix(auxiliary, products)
        self.atom_metric, self.pair_metric = AtomMatrix(auxiliary, auxiliary), PairMatrix(auxiliary, auxiliary)
        pair = num_radial + 2 * channels
        self.atom_fit_weights = RadialMLP(channels, 2 * channels, self.atom_fit.num_weights)
        self.pair_fit_weights = RadialMLP(pair, 2 * channels, self.pair_fit.num_weights)
        self.atom_metric_weights = RadialMLP(channels, 2 * channels, self.atom_metric.num_weights)
        self.pair_metric_weights = RadialMLP(pair, 2 * channels, self.pair_metric.num_weights)
        self._register_constant("unit", lambda: torch.cat([torch.eye(n).flatten() for n in auxiliary]))
        self._register_exact("coupling", coupling_matrix, self.shells, ORBITAL_PAIR_LMAX)

    def forward(
        self, invariants: Tensor, radial: Tensor, envelope: Tensor, edge_index: Tensor, rotation: EdgeRotation
    ) -> KernelFactors:
        """Predict fit and metric.

        Args:
            invariants: Of the atoms, [N, channels].
            radial: Radial functions of the edges, [E, num_radial].
            envelope: Falls to zero at the cutoff, [E].
            edge_index: Source and target, int64 [2, E].
            rotation: Frames of the edges.

        Returns:
            Fit and metric within atoms and between them.
        """
        source, target = edge_index
        pair = torch.cat([radial, invariants.index_select(0, source), invariants.index_select(0, target)], dim=-1)
        envelope = envelope[:, None, None]
        metric = self.atom_metric(self.unit.to(invariants.device) + 0.3 * self.atom_metric_weights(invariants))
        return KernelFactors(
            self._blocks(self.atom_fit(self.atom_fit_weights(invariants))),
            self._blocks(self.pair_fit(self.pair_fit_weights(pair), rotation) * envelope),
            metric,
            0.3 * self.pair_metric(self.pair_metric_weights(pair), rotation) * envelope,
        )

    def _blocks(self, fit: Tensor) -> Tensor:
        """From irreducible products of orbitals to products, [..., P, A, A]."""
        blocks: Tensor = self.scale * fit @ self._exact("coupling", fit).T
        size = round(blocks.shape[-1] ** 0.5)
        return torch.unflatten(blocks, -1, (size, size))


def kernel_of(
    molecule: MoleculeModes, factors: KernelFactors, edge_index: Tensor, slots: torch.Size, shells: Sequence[int]
) -> Kernel:
    """The kernel of one molecule between its modes.

    Args:
        molecule: Its modes, all states.
        factors: Of this molecule alone.
        edge_index: Likewise, from its first atom on.
        slots: Components and radial slots (9, R).
        shells: Radial channels of s, p and d orbitals.

    Returns:
        Its factors, rad/fs.
    """
    atoms, functions = factors.fit_within.shape[:2]
    fit = _dense(factors.fit_within, factors.fit_between, edge_index)  # [n, n, P, A, A]
    phi = pack_orbitals(molecule.modes.orbitals(slots).unsqueeze(-1), shells).squeeze(-1)  # [n, M, A]
    own = molecule.modes.own
    occupied = torch.einsum("nma,ms->nas", phi, own)
    right = torch.einsum("ijpab,jbs->ipsa", fit, occupied)
    left = torch.einsum("ijpab,ias->ipsjb", fit, occupied)
    b = torch.einsum("ipsa,ima->ipms", right, phi) + torch.einsum("ipsjb,jmb->ipms", left, phi)
    b = b - own * (own * b).sum(2, keepdim=True)  # the gauge takes the phase of each orbital
    b = b.flatten(0, 1).flatten(1)
    metric = _dense(factors.metric_within, factors.metric_between, edge_index)
    metric = metric.transpose(1, 2).reshape(atoms * functions, -1)
    return Kernel(b, 0.5 * (metric + metric.T) @ b)


def _dense(within: Tensor, between: Tensor, edge_index: Tensor) -> Tensor:
    """Blocks of atoms [n, ...] and edges [E, ...] as [n (target), n (source), ...]."""
    source, target = edge_index
    here = torch.arange(len(within), device=source.device)
    full = within.new_zeros(len(within), *within.shape)
    rows, columns = torch.cat([here, target]), torch.cat([here, source])
    return full.index_put((rows, columns), torch.cat([within, between]))
