"""Linear-response excitations of the ground state, the yardstick of every kick spectrum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from pyscf import tdscf

from tdddft.errors import ConvergenceError, InputError
from tdddft.scf import GroundState
from tdddft.units import HARTREE_EV


@dataclass(frozen=True, eq=False)
class Roots:
    """Singlet excitations.

    Args:
        energies_ev: float64 [K], eV, rising.
        transition_dipoles_au: float64 [K, 3], e bohr.
    """

    energies_ev: np.ndarray
    transition_dipoles_au: np.ndarray

    def strengths(self, direction: np.ndarray | None = None) -> np.ndarray:
        r"""Oscillator strengths [K]: :math:`2\omega\,(\hat n\cdot\mathbf d)^2` along a unit vector, else the mean."""
        squares = self.transition_dipoles_au**2
        if direction is None:
            return 2 / 3 * self.energies_ev / HARTREE_EV * squares.sum(axis=1)
        return 2 * self.energies_ev / HARTREE_EV * (self.transition_dipoles_au @ direction) ** 2


def casida_roots(ground_state: GroundState, count: int = 10) -> Roots:
    """The lowest singlet roots of Casida's equation, by PySCF, at the level of the ground state.

    Args:
        ground_state: Its functional, basis and integrals are used; the response is integrated on the grid of the ground
            state.
        count: Number of roots; at most the number of occupied-virtual pairs is returned.

    Raises:
        InputError: if the basis has no virtual orbitals.
        ConvergenceError: if not even the lowest root converges. Roots above one that does not are left out.
    """
    solver, order = _solved(ground_state, count)
    return Roots(np.asarray(solver.e)[order] * HARTREE_EV, np.asarray(solver.transition_dipole())[order])


def casida_amplitudes(ground_state: GroundState, count: int = 10) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    r"""The lowest singlet roots with their eigenvectors, normalised to :math:`\sum_{na} X^2 - Y^2 = 1`.

    Args and Raises as :func:`casida_roots`.

    Returns:
        Energies in eV [K], and the amplitudes X and Y of occupied n and virtual a, each [K, n, a].
    """
    solver, order = _solved(ground_state, count)
    x, y = (np.array([solver.xy[k][part] for k in order]) for part in (0, 1))
    norm = np.sqrt((x**2 - y**2).sum(axis=(1, 2)))[:, None, None]
    return np.asarray(solver.e)[order] * HARTREE_EV, x / norm, y / norm


def _solved(ground_state: GroundState, count: int) -> tuple[Any, np.ndarray]:
    """PySCF's solver and the order of its converged roots."""
    pairs = ground_state.num_occupied * (len(ground_state.energies_hartree) - ground_state.num_occupied)
    if pairs == 0:
        raise InputError(f"{ground_state.molecule.name}: the basis has no virtual orbitals to excite into")
    solver = tdscf.TDDFT(ground_state.mean_field)
    solver.nstates = min(count, pairs)
    solver.max_cycle = 200
    solver.kernel()
    order = np.argsort(solver.e)
    order = order[np.logical_and.accumulate(np.asarray(solver.converged)[order])]
    if len(order) == 0:
        raise ConvergenceError(
            f"{ground_state.molecule.name}: none of {solver.nstates} linear-response roots converged; ask for another "
            "number of them"
        )
    return solver, order
