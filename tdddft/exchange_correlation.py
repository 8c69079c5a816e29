"""Semilocal exchange and correlation on a grid, with the orbital values on the grid kept in memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from pyscf import dft

BLOCK_POINTS = 512  # orbital values of one block stay in the processor's cache


class GridResponse:
    r"""Change of the exchange-correlation energy and matrix when the density leaves the ground state.

    With :math:`\delta\rho = \rho[D] - \rho[D_0]`, both on the same grid:

    .. math::
        \Delta V_{pq} = \int \phi_p (v[\rho_0 + \delta\rho] - v[\rho_0]) \phi_q, \qquad
        \Delta E = E[\rho_0 + \delta\rho] - E[\rho_0] - \int v[\rho_0]\,\delta\rho

    Because only differences are integrated, the grid error scales with the response, not with the density.

    Args:
        mol: PySCF's molecule.
        functional: libxc name (LDA or GGA, hybrid or not; the exact-exchange part is not done here).
        orbitals: Orbital basis as columns, float64 [A, M].
        num_occupied: Doubly occupied orbitals of the ground state (the first columns).
        grid_level: PySCF's grid level.
    """

    def __init__(self, mol: Any, functional: str, orbitals: np.ndarray, num_occupied: int, grid_level: int) -> None:
        self.functional = functional
        self._numint = dft.numint.NumInt()
        self.kind = self._numint._xc_type(functional)
        grids = dft.gen_grid.Grids(mol)
        grids.level = grid_level
        grids.build(with_non0tab=False)
        self.weights = grids.weights  # [G]
        values = dft.numint.eval_ao(mol, grids.coords, deriv=1 if self.kind == "GGA" else 0)
        values = (values if self.kind == "GGA" else values[None]) @ orbitals  # [1 or 4, G, M]
        self._blocks = [
            (slice(i, i + BLOCK_POINTS), np.ascontiguousarray(values[:, i : i + BLOCK_POINTS]))
            for i in range(0, len(self.weights), BLOCK_POINTS)
        ]
        occupation = np.zeros(orbitals.shape[1])
        occupation[:num_occupied] = 2.0
        self.density = self._density(np.diag(occupation))
        energy, potential = self._evaluate(self.density)
        self.energy_density, self.potential = energy, potential

    def _evaluate(self, density: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Energy density rho * eps [G] and potential [1 or 4, G]."""
        rho = density if self.kind == "GGA" else density[0]
        eps, potential = self._numint.eval_xc_eff(self.functional, rho, deriv=1, xctype=self.kind)[:2]
        return eps * density[0], potential.reshape(density.shape)

    def _density(self, matrix: np.ndarray) -> np.ndarray:
        """Density and, for a GGA, its gradient [1 or 4, G] of a real symmetric density matrix [M, M]."""
        density = np.empty((4 if self.kind == "GGA" else 1, len(self.weights)))
        for points, values in self._blocks:
            np.einsum("gm,xgm->xg", values[0] @ matrix, values, out=density[:, points])
        density[1:] *= 2.0
        return density

    def __call__(self, density_change: np.ndarray, energy: bool = False) -> tuple[np.ndarray, float]:
        """Delta V [M, M] and, where asked for, Delta E in hartree (else 0) for D - D_0 [M, M], real symmetric."""
        change = self._density(density_change)
        energy_density, potential = self._evaluate(self.density + change)
        delta = (potential - self.potential) * self.weights
        delta[0] *= 0.5
        matrix = np.zeros_like(density_change)
        for points, values in self._blocks:
            matrix += values[0].T @ np.einsum("xgm,xg->gm", values, delta[:, points])
        total = 0.0
        if energy:
            linear = np.einsum("xg,xg->g", self.potential, change)
            total = float(self.weights @ (energy_density - self.energy_density - linear))
        return matrix + matrix.T, total
