"""Semilocal exchange and correlation on a grid, with the orbital values on the grid kept in memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from pyscf import dft
from torch import Tensor

from tdddft.electronic.batched_matrices import stack_padded
from tdddft.electronic.functionals.semilocal import ROWS, Semilocal
from tdddft.electronic.grids import response_grid
from tdddft.electronic.ground_state import GroundState

CPU_BLOCK = 2048  # points whose orbital values are worked on at a time
DEVICE_BLOCK = 65536
POINTS_AT_ONCE = 8192


class GridResponse:
    r"""Change of the exchange-correlation energy and matrix when the density leaves the ground state.

    With :math:`\delta\rho = \rho[D] - \rho[D_0]`, both on the same grid:

    .. math::
        \Delta V_{pq} = \int \phi_p (v[\rho_0 + \delta\rho] - v[\rho_0]) \phi_q, \qquad
        \Delta E = E[\rho_0 + \delta\rho] - E[\rho_0] - \int v[\rho_0]\,\delta\rho

    Only differences are integrated: the error of the grid and of ``dtype`` scales with the response, not with the
    density. Functionals are evaluated in float64. Shapes: B molecules; L rows, B for closed shells, alpha and beta of
    each molecule for open ones; M orbitals, G points, R rows of the density and its derivatives.

    Args:
        ground_states: One or more, with the same functional.
        grid: See :func:`tdddft.electronic.grids.response_grid`.
        dtype: Of the orbital values and of the matrix products.
        device: Where to compute.
    """

    def __init__(
        self, ground_states: Sequence[GroundState], grid: str | int, dtype: torch.dtype, device: torch.device
    ) -> None:
        self.functional = Semilocal(ground_states[0].method.functional)
        self.rows, self.spins = ROWS[self.functional.kind], len(ground_states[0].channels)
        grids = [response_grid(g.mol, grid) for g in ground_states]
        self.weights = stack_padded([w for _, w in grids], torch.float64, device)  # [B, G]
        components = 1 if self.rows == 1 else 4
        arrays = [
            array
            for g, (points, _) in zip(ground_states, grids, strict=True)
            for array in _orbital_values(g, points, components, dtype)
        ]
        values = stack_padded(arrays, dtype, device)  # [L, X, G, M]
        size = CPU_BLOCK if device.type == "cpu" else DEVICE_BLOCK
        self._blocks = [
            (slice(i, i + size), values[:, :, i : i + size].contiguous()) for i in range(0, values.shape[2], size)
        ]
        occupations = [
            np.where(np.arange(c.orbitals.shape[1]) < c.num_occupied, c.occupation, 0.0)
            for g in ground_states
            for c in g.channels
        ]
        ground = torch.diag_embed(stack_padded(occupations, torch.float64, device))
        self.density = self._density(ground)  # [L, R, G]
        self.energy_density, self.potential = self._evaluate(self.density)  # [B, G] and [L, R, G]

    def _evaluate(self, density: Tensor) -> tuple[Tensor, Tensor]:
        """Energy per volume [B, G] and potential [L, R, G] of densities [L, R, G]."""
        if self.spins == 1:
            return self.functional(density)
        energy, potential = self.functional.polarised(density.unflatten(0, (-1, self.spins)))
        return energy, potential.flatten(0, 1)

    def _density(self, matrix: Tensor) -> Tensor:
        """Rows of the density [L, R, G] of real symmetric density matrices [L, M, M]."""
        density = self.weights.new_empty((matrix.shape[0], self.rows, self.weights.shape[1]))
        matrix = matrix.to(self._blocks[0][1].dtype)
        for points, values in self._blocks:
            contracted = values[:, 0] @ matrix
            density[:, : values.shape[1], points] = torch.linalg.vecdot(values, contracted.unsqueeze(1))
            if self.rows == 5:
                slopes = values[:, 1:]
                density[:, 4, points] = 0.5 * torch.linalg.vecdot(slopes, slopes @ matrix.unsqueeze(1)).sum(1)
        density[:, 1:4] *= 2.0
        return density

    def _matrix(self, potential: Tensor) -> Tensor:
        """Matrix [L, M, M] of a weighted potential [L, R, G]."""
        weighted = potential.to(self._blocks[0][1].dtype).unsqueeze(-1)
        b, _, _, m = self._blocks[0][1].shape
        matrix = potential.new_zeros((b, m, m))
        for points, values in self._blocks:
            half = values[:, 0] * (0.5 * weighted[:, 0, points])
            for x in range(1, values.shape[1]):
                half.addcmul_(values[:, x], weighted[:, x, points])
            matrix += values[:, 0].mT @ half
            if self.rows == 5:
                slopes = values[:, 1:]
                matrix += (slopes.mT @ (slopes * (0.25 * weighted[:, 4:5, points]))).sum(1)
        return matrix + matrix.mT

    def __call__(self, density_change: Tensor) -> tuple[Tensor, Tensor]:
        """Delta V [L, M, M] and Delta E [B] in hartree of D - D_0, real symmetric [L, M, M]."""
        change = self._density(density_change)
        energy_density, potential = self._evaluate(self.density + change)
        linear = (self.potential * change).sum(1).unflatten(0, (-1, self.spins)).sum(1)
        energy = (self.weights * (energy_density - self.energy_density - linear)).sum(-1)
        weights = self.weights.repeat_interleave(self.spins, dim=0).unsqueeze(1)
        return self._matrix((potential - self.potential) * weights), energy


def _orbital_values(
    ground_state: GroundState, points: np.ndarray, components: int, dtype: torch.dtype
) -> list[np.ndarray]:
    """Orbitals and, with four components, their gradients at points [G, 3]: [X, G, M] of each channel."""
    kind = str(dtype).removeprefix("torch.")
    out = [np.empty((components, len(points), c.orbitals.shape[1]), dtype=kind) for c in ground_state.channels]
    for i in range(0, len(points), POINTS_AT_ONCE):
        part = points[i : i + POINTS_AT_ONCE]
        values = dft.numint.eval_ao(ground_state.mol, part, deriv=int(components == 4))
        for array, channel in zip(out, ground_state.channels, strict=True):
            array[:, i : i + len(part)] = (values if components == 4 else values[None]) @ channel.orbitals
    return out
