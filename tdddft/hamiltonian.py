"""The time-dependent Hamiltonian in the basis of ground-state orbitals."""

from __future__ import annotations

import numpy as np
from pyscf import dft

from tdddft.electron_repulsion import ExactRepulsion, FittedRepulsion, Repulsion
from tdddft.exchange_correlation import GridResponse
from tdddft.scf import GroundState


class Hamiltonian:
    r"""Fock matrix of a density away from the ground state, in the orthonormal basis of ground-state orbitals.

    .. math:: F(t) = \mathrm{diag}(\varepsilon) + \Delta F[D(t)] + \mathbf{E}(t)\cdot\mathbf{r}, \qquad
              \Delta F = J[\delta D] + \Delta V_{xc} - \tfrac{c_x}{2} (K[D] - K[D_0])

    The ground state enters exactly through :math:`\varepsilon`, so that without a field nothing moves; only the
    response is integrated on ``method.response_grid_level``.

    Args:
        ground_state: The ground state; integrals and orbital values on the grid are computed here, once.
    """

    def __init__(self, ground_state: GroundState) -> None:
        g = ground_state
        self.energies = g.energies_hartree  # [M]
        self.num_occupied = g.num_occupied
        self.dipole = np.einsum("am,xab,bn->xmn", g.orbitals, g.dipole_ao_au, g.orbitals, optimize=True)  # [3, M, M]
        functional = g.method.functional
        hartree_fock = functional.upper() == "HF"
        self.exact_exchange = 1.0 if hartree_fock else float(dft.libxc.hybrid_coeff(functional))
        self.semilocal = (
            None
            if hartree_fock
            else GridResponse(g.mol, functional, g.orbitals, g.num_occupied, g.method.response_grid_level)
        )
        self.repulsion: Repulsion = (
            FittedRepulsion(g.mean_field.with_df, g.orbitals)
            if g.method.density_fitting
            else ExactRepulsion(g.mol, g.orbitals)
        )
        self.builds = 0
        if self.exact_exchange:
            self._ground_exchange = self.repulsion.exchange(self.ground_orbitals())

    def ground_orbitals(self) -> np.ndarray:
        """Occupied ground-state orbitals in this basis: unit vectors, complex128 [M, S]."""
        return np.eye(len(self.energies), self.num_occupied, dtype=np.complex128)

    def response(self, occupied: np.ndarray) -> np.ndarray:
        """Delta F of occupied orbitals complex128 [M, S]; real [M, M] for pure functionals, Hermitian otherwise."""
        return self._response(occupied, energy=False)[0]

    def response_and_energy(self, occupied: np.ndarray) -> tuple[np.ndarray, float]:
        """Delta F and the energy above the ground state in hartree, field term left out."""
        return self._response(occupied, energy=True)

    def _response(self, occupied: np.ndarray, energy: bool) -> tuple[np.ndarray, float]:
        self.builds += 1
        parts = np.ascontiguousarray(occupied).view(np.float64)
        change = 2.0 * (parts @ parts.T)  # Re D
        diagonal = np.arange(self.num_occupied)
        change[diagonal, diagonal] -= 2.0
        fock = self.repulsion.coulomb(change)
        total = float(self.energies @ np.diag(change)) + 0.5 * float(np.vdot(fock, change)) if energy else 0.0
        if self.semilocal is not None:
            matrix, semilocal_energy = self.semilocal(change, energy)
            fock = fock + matrix
            total += semilocal_energy
        if self.exact_exchange:
            exchange = self.repulsion.exchange(occupied) - self._ground_exchange
            fock = fock - 0.5 * self.exact_exchange * exchange
            if energy:
                full = 2.0 * (occupied @ occupied.conj().T)
                full[diagonal, diagonal] -= 2.0
                total -= 0.25 * self.exact_exchange * float(np.vdot(full, exchange).real)
        return fock, total

    def electronic_dipole_au(self, occupied: np.ndarray) -> np.ndarray:
        """Dipole of the electrons, float64 [3], relative to the origin of the ground state."""
        return -2.0 * np.einsum("ms,xmn,ns->x", occupied.conj(), self.dipole, occupied, optimize=True).real
