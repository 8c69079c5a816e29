"""Self-consistent field: PySCF's solvers, called so that few steps see the fine integration grid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import scipy.linalg
from pyscf import dft, scf

from tdddft.electronic.cached_quadrature import CachedQuadrature
from tdddft.units import HARTREE_EV

COARSE_LEVEL = 0
LARGEST_NUMBER_OF_OUTER_STEPS = 8
STALLED = 0.5
SURE = 0.1
SWAPPED = 0.1  # change of the density matrix when an occupied and an empty orbital change places
LEVEL_SHIFT_HARTREE = 0.3
AUFBAU_HARTREE = 1e-5  # by which an occupied orbital may lie above an empty one, as degenerate ones do by rounding
SMALL_GAP_HARTREE = 0.05
DEGENERATE_HARTREE = 1e-5


@dataclass(frozen=True)
class Convergence:
    """How a mean field was converged.

    Args:
        solver: The first of the ladder that converged, None where none did.
        cycles: Diagonalisations by that solver.
        fock_hartree: Fock matrix of the converged density, float64 [A, A]; None where there is none.
        tried: All solvers that were tried, in order.
        flaw: What is wrong with the last state that converged and is no ground state; empty where there was none.
    """

    solver: str | None
    cycles: int
    fock_hartree: np.ndarray | None
    tried: tuple[str, ...]
    flaw: str = ""


Solver = Callable[[Any], tuple[int, np.ndarray] | None]


def solve_scf(mean_field: Any) -> Convergence:
    """Converge a PySCF mean field in place, by the first solver that manages to.

    Restricted density functionals begin with :func:`two_grids`. What does not converge gets plain DIIS, then a level
    shift of 0.3 hartree, then PySCF's second-order solver. This one never changes occupations; it starts afresh, since
    those that a failed solver leaves behind may be wrong. Each stops at ``mean_field.max_cycle`` and keeps to its
    ``conv_tol`` and ``conv_tol_grad``. A state that is no ground state by :func:`flaw_of` counts as not converged.
    """
    tried, flaw = [], ""
    fine = hasattr(mean_field, "grids") and mean_field.grids.level > COARSE_LEVEL
    # the solvent's part of the Fock matrix stands beside the others
    fine = fine and not isinstance(mean_field, scf.uhf.UHF) and not hasattr(mean_field, "with_solvent")
    for name, solver in LADDER if fine else LADDER[1:]:
        tried.append(name)
        try:
            found = solver(mean_field)
        except scipy.linalg.LinAlgError:
            found = None
        if found is None:
            continue
        wrong = flaw_of(mean_field)
        if not wrong:
            return Convergence(name, found[0], found[1], tuple(tried))
        flaw = wrong
        _forget(mean_field)
    return Convergence(None, 0, None, tuple(tried), flaw)


def flaw_of(mean_field: Any) -> str:
    """Why a converged state is no ground state; empty where it may be one.

    The lowest orbitals of each spin must be occupied (Aufbau). Where a gap is below 0.05 hartree, the energy must also
    be a minimum among determinants of the same kind with real orbitals (internal stability). A turn that lowers it by
    less than 1e-5 hartree is one between the equivalent states of a degenerate shell.
    """
    channels = zip(np.atleast_2d(mean_field.mo_energy), np.atleast_2d(mean_field.mo_occ), strict=True)
    gaps = [
        float(energies[occupations == 0].min() - energies[occupations > 0].max())
        for energies, occupations in channels
        if 0 < np.count_nonzero(occupations) < len(occupations)
    ]
    if not gaps:
        return ""
    gap = min(gaps)
    if gap < -AUFBAU_HARTREE:
        return f"an occupied orbital lies {-gap * HARTREE_EV:.2f} eV above an empty one"
    if gap < SMALL_GAP_HARTREE:
        turned, _, stable, _ = mean_field.stability(return_status=True, verbose=0)
        if not stable and _lowered(mean_field, turned) > DEGENERATE_HARTREE:
            return f"its energy is no minimum, with a gap of {gap * HARTREE_EV:.2f} eV"
    return ""


def _lowered(mean_field: Any, orbitals: Any) -> float:
    """Hartree that a second-order search from turned orbitals finds below the converged energy."""
    search = mean_field.copy().newton().set(verbose=0)
    search.kernel(orbitals, mean_field.mo_occ)
    return float(mean_field.e_tot - search.e_tot) if search.converged else np.inf


def two_grids(mean_field: Any) -> tuple[int, np.ndarray] | None:
    r"""Converge on the mean field's grid with a few Fock builds there, and the rest on a coarse grid.

    On the coarse grid :math:`F_{coarse}[P] + (F_{fine} - F_{coarse})[P_k]` is made self-consistent, which gives
    :math:`P_{k+1}`; since the two grids agree on *changes* of the density to a percent or better, every step of k
    shrinks the error a hundredfold. What converges is the fine grid's own equation. A step whose gradient would be a
    tenth of ``conv_tol_grad`` by the rate of the last one is taken without another build on the fine grid: the Fock
    matrix is then that of the equation above, and the energy is integrated along the step.

    Args:
        mean_field: PySCF's restricted Kohn-Sham; converged in place.

    Returns:
        Diagonalisations and the Fock matrix on the mean field's grid, or None where it does not converge.
    """
    mol, hcore = mean_field.mol, mean_field.get_hcore()
    coarse = mean_field.copy().set(grids=dft.Grids(mol).set(level=COARSE_LEVEL), _numint=CachedQuadrature())
    coarse.run(conv_check=False, conv_tol=1e-6, conv_tol_grad=1e-3)
    mean_field._eri = coarse._eri  # exact integrals in memory, if there are any
    cycles, last = coarse.cycles, np.inf
    for _ in range(LARGEST_NUMBER_OF_OUTER_STEPS):
        if not coarse.converged or cycles > mean_field.max_cycle:
            return None
        density = coarse.make_rdm1()
        potential = mean_field.get_veff(mol, density)
        fock, energy = hcore + potential, mean_field.energy_tot(density, hcore, potential)
        gradient = float(np.linalg.norm(coarse.get_grad(coarse.mo_coeff, coarse.mo_occ, fock)))
        if gradient < mean_field.conv_tol_grad:
            return _accept(mean_field, coarse, fock, energy, cycles)
        if gradient > STALLED * last:
            return None
        expected, last = gradient * gradient / last if np.isfinite(last) else np.inf, gradient
        difference = np.asarray(potential) - np.asarray(coarse.get_veff(mol, density))
        coarse.get_hcore = lambda *_, h=hcore + difference: h
        coarse.conv_tol, coarse.conv_tol_grad = 1e-9, max(0.1 * mean_field.conv_tol_grad, 1e-3 * gradient)
        coarse.kernel(dm0=density)
        cycles += coarse.cycles
        if coarse.converged and expected < SURE * mean_field.conv_tol_grad:
            settled = coarse.make_rdm1()
            then = hcore + difference + np.asarray(coarse.get_veff(mol, settled))
            energy += 0.5 * np.einsum("ij,ji->", fock + then, settled - density)  # to third order
            return _accept(mean_field, coarse, then, energy, cycles)
    return None


def _accept(
    mean_field: Any, coarse: Any, fock: np.ndarray, energy: float, cycles: int
) -> tuple[int, np.ndarray] | None:
    """Orbitals of a converged Fock matrix; None where they are not those that it was made of."""
    orbitals, fock = coarse.mo_coeff, np.asarray(fock)  # orthonormal, and without linear dependences
    mean_field.mo_energy, turn = scipy.linalg.eigh(orbitals.T @ fock @ orbitals)
    mean_field.mo_coeff = orbitals @ turn
    mean_field.mo_occ = mean_field.get_occ(mean_field.mo_energy, mean_field.mo_coeff)
    if np.abs(mean_field.make_rdm1() - coarse.make_rdm1()).max() > SWAPPED:
        return None
    mean_field.set(e_tot=float(energy), converged=True)
    return cycles, fock


def _diis(mean_field: Any, level_shift_hartree: float = 0.0) -> tuple[int, np.ndarray] | None:
    mean_field.level_shift = level_shift_hartree
    try:
        mean_field.kernel()
    finally:
        mean_field.level_shift = 0.0
    return (int(mean_field.cycles), np.asarray(mean_field.get_fock())) if mean_field.converged else None


def _second_order(mean_field: Any) -> tuple[int, np.ndarray] | None:
    _forget(mean_field)
    newton = mean_field.newton().run(
        conv_tol=mean_field.conv_tol, conv_tol_grad=mean_field.conv_tol_grad, max_cycle=mean_field.max_cycle
    )
    if not newton.converged:
        return None
    mean_field.set(
        mo_energy=newton.mo_energy, mo_coeff=newton.mo_coeff, mo_occ=newton.mo_occ, e_tot=newton.e_tot, converged=True
    )
    return int(newton.cycles), np.asarray(mean_field.get_fock())


def _forget(mean_field: Any) -> None:
    """Have the next solver begin with the first guess of the density."""
    mean_field.set(mo_coeff=None, mo_occ=None, mo_energy=None, converged=False)


LADDER: tuple[tuple[str, Solver], ...] = (
    ("two grids", two_grids),
    ("DIIS", _diis),
    ("level shift", partial(_diis, level_shift_hartree=LEVEL_SHIFT_HARTREE)),
    ("second order", _second_order),
)
