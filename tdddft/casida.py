"""Linear-response excitations of the ground state, the yardstick of every kick spectrum."""

from __future__ import annotations

from dataclasses import dataclass

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
    return Roots(np.asarray(solver.e)[order] * HARTREE_EV, np.asarray(solver.transition_dipole())[order])
