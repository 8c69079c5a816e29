"""Linear-response excitations of the ground state, the reference of every kick spectrum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from graphlearn.base.errors import ConvergenceError, InputError
from tdddft.electronic.ground_state import GroundState
from tdddft.electronic.solvent import casida_solver, density_response
from tdddft.units import HARTREE_EV

SMALLEST_GAP_HARTREE = 1e-4
SMALLEST_SQUARE_HARTREE2 = 1e-6  # of an excitation energy; PySCF leaves out what lies below its 1e-3, 0.86 eV


@dataclass(frozen=True, eq=False)
class Roots:
    """Excitations without a flip of a spin: the singlets of a closed shell.

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
            return np.asarray(2 / 3 * self.energies_ev / HARTREE_EV * squares.sum(axis=1))
        return np.asarray(2 * self.energies_ev / HARTREE_EV * (self.transition_dipoles_au @ direction) ** 2)


def linear_response_roots(ground_state: GroundState, count: int = 10) -> Roots:
    """The lowest roots of Casida's equation, by PySCF, at the level of the ground state.

    Of a closed shell the singlets; of an open one (UHF, UKS) all that keep the number of alpha electrons.

    Args:
        ground_state: Its functional, basis and integrals are used; the response is integrated on the grid of the ground
            state.
        count: Number of roots; at most the number of occupied-virtual pairs is returned.

    Returns:
        The converged roots, rising in energy.

    Raises:
        InputError: if the basis has no virtual orbitals.
        ConvergenceError: if not even the lowest root converges, or the gap is so small that it is none. Roots above one
            that does not converge are left out.
    """
    solver, order = _solved(ground_state, count)
    return Roots(np.asarray(solver.e)[order] * HARTREE_EV, np.asarray(solver.transition_dipole())[order])


@dataclass(frozen=True, eq=False)
class Modes:
    r"""Singlet excitations as modes of the occupied orbitals, normalised to :math:`\sum_{na} X_{na}^2 - Y_{na}^2 = 1`.

    Args:
        energies_ev: float64 [K], eV, rising.
        x, y: Amplitudes of occupied n and virtual a among the orbitals of the ground state, float64 [K, n, a].
        fock_hartree: Change of the Fock matrix for a unit displacement :math:`\delta C_n = \sum_a (X+Y)_{na} C_a` of
            each mode, float64 [K, A, A].
    """

    energies_ev: np.ndarray
    x: np.ndarray
    y: np.ndarray
    fock_hartree: np.ndarray


def linear_response_modes(ground_state: GroundState, count: int = 10) -> Modes:
    """The lowest singlet roots of Casida's equation as modes.

    Args:
        ground_state: As for :func:`linear_response_roots`.
        count: Number of roots; at most the number of occupied-virtual pairs is returned.

    Returns:
        The converged roots, rising in energy.

    Raises:
        InputError: as :func:`linear_response_roots`.
        ConvergenceError: as :func:`linear_response_roots`.
    """
    energies_ev, x, y = linear_response_amplitudes(ground_state, count)
    c, occupied = ground_state.orbitals, ground_state.num_occupied
    half = 2.0 * np.einsum("pn,kna,qa->kpq", c[:, :occupied], x + y, c[:, occupied:], optimize=True)
    response = density_response(ground_state)
    fock = np.asarray(response(half + half.swapaxes(1, 2)))
    return Modes(energies_ev, x, y, fock)


def linear_response_amplitudes(ground_state: GroundState, count: int = 10) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Energies and amplitudes of :class:`Modes` alone, without the change of the Fock matrix.

    Args:
        ground_state: As for :func:`linear_response_roots`.
        count: Number of roots; at most the number of occupied-virtual pairs is returned.

    Returns:
        Energies in eV [K], X and Y [K, n, a] of the converged roots, rising in energy.

    Raises:
        InputError: as :func:`linear_response_roots`.
        ConvergenceError: as :func:`linear_response_roots`.
    """
    solver, order = _solved(ground_state, count)
    x, y = (np.array([solver.xy[k][part] for k in order]) for part in (0, 1))
    turn = ground_state.orbitals.T @ ground_state.overlap @ ground_state.mean_field.mo_coeff
    occupied = ground_state.num_occupied
    x, y = (turn[:occupied, :occupied] @ z @ turn[occupied:, occupied:].T for z in (x, y))
    norm = np.sqrt((x**2 - y**2).sum(axis=(1, 2)))[:, None, None]
    return np.asarray(solver.e)[order] * HARTREE_EV, x / norm, y / norm


def _solved(ground_state: GroundState, count: int) -> tuple[Any, np.ndarray]:
    """PySCF's solver and the order of its converged roots."""
    name, pairs = ground_state.molecule.name, ground_state.num_pairs
    if pairs == 0:
        raise InputError(f"{name}: the basis has no virtual orbitals to excite into")
    levels = [(c.energies_hartree, c.num_occupied) for c in ground_state.channels]
    gap = min(float(e[n:].min() - e[:n].max()) for e, n in levels if 0 < n < len(e))
    if gap < SMALLEST_GAP_HARTREE:
        raise ConvergenceError(
            f"{name}: the ground state is degenerate (gap {gap * HARTREE_EV:.4f} eV), so that its lowest excitation "
            "has no energy; linear response does not describe it"
        )
    solver = casida_solver(ground_state).set(
        nstates=min(count, pairs), max_cycle=200, positive_eig_threshold=SMALLEST_SQUARE_HARTREE2
    )
    try:
        solver.kernel()
    except (RuntimeError, ValueError, IndexError, ArithmeticError, np.linalg.LinAlgError) as error:
        raise ConvergenceError(
            f"{name}: linear response has no {solver.nstates} roots ({error}); the ground state may be unstable, or "
            "ask for another number of them"
        ) from None
    order = np.argsort(solver.e)
    order = order[np.logical_and.accumulate(np.asarray(solver.converged)[order])]
    if len(order) == 0:
        raise ConvergenceError(
            f"{name}: none of {solver.nstates} linear-response roots converged; ask for another number of them"
        )
    return solver, order
