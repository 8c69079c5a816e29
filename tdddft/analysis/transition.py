r"""Electronic transitions: densities, natural transition orbitals, and where hole and electron are.

With amplitudes X (excitation) and Y (de-excitation) of occupied i and virtual a, :math:`\sum X^2 - Y^2 = 1`:

.. math:: \rho_{0k}(\mathbf r) = \sqrt2 \sum_{ia} (X + Y)_{ia}\, \phi_i(\mathbf r)\, \phi_a(\mathbf r), \qquad
          \boldsymbol\mu_{0k} = -\int \mathbf r\, \rho_{0k}(\mathbf r)\, d\mathbf r
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg

from graphlearn.base.errors import InputError
from tdddft.analysis.linear_response import linear_response_amplitudes
from tdddft.electronic.ground_state import GroundState
from tdddft.electronic.mole import ao_table
from tdddft.units import BOHR_ANGSTROM, HARTREE_EV


@dataclass(frozen=True, eq=False)
class NaturalTransitionOrbitals:
    """Pairs of hole and electron orbitals, the heaviest first.

    Args:
        weights: float64 [K], of sum one.
        holes: Occupied orbitals that electrons leave, columns, float64 [A, K].
        electrons: Virtual orbitals that they go to, float64 [A, K].
    """

    weights: np.ndarray
    holes: np.ndarray
    electrons: np.ndarray


@dataclass(frozen=True, eq=False)
class Transition:
    r"""One singlet transition of a closed shell. Populations, and natural transition orbitals, are those of X / \|X\|.

    Args:
        energy_ev: Its energy, eV.
        x, y: Amplitudes, float64 [S, V].
        mol: PySCF's molecule.
        orbitals: Orbitals of the ground state, the S occupied ones first, columns, float64 [A, S + V].
        dipole_ao_au: Position matrices, float64 [3, A, A], bohr.
        line_strength: Oscillator strength of the peak along the field that excited it, where there is one.
        direction: Unit vector of that field, float64 [3].
    """

    energy_ev: float
    x: np.ndarray
    y: np.ndarray
    mol: Any
    orbitals: np.ndarray
    dipole_ao_au: np.ndarray
    line_strength: float | None = None
    direction: np.ndarray | None = None

    @property
    def density_matrix(self) -> np.ndarray:
        """Transition density in atomic orbitals, symmetric, float64 [A, A]."""
        occupied, virtual = self._occupied_virtual()
        half = occupied @ (self.x + self.y) @ virtual.T / np.sqrt(2)
        return np.asarray(half + half.T)

    @property
    def dipole_au(self) -> np.ndarray:
        """Transition dipole, float64 [3], e bohr."""
        return np.asarray(-np.einsum("xab,ab->x", self.dipole_ao_au, self.density_matrix))

    def strength(self, direction: np.ndarray | None = None) -> float:
        """Oscillator strength.

        Args:
            direction: Along this unit vector, float64 [3]; by default the mean of all directions.

        Returns:
            The strength; three times the mean, at most, along the transition dipole.
        """
        square = (self.dipole_au**2).sum() / 3 if direction is None else float(self.dipole_au @ direction) ** 2
        return float(2 * self.energy_ev / HARTREE_EV * square)

    @property
    def deexcitation(self) -> float:
        """Norm of Y squared: zero where every electron only goes up."""
        return float((self.y**2).sum())

    def natural_orbitals(self) -> NaturalTransitionOrbitals:
        """Singular vectors of X, with weights of sum one.

        Source: Martin, J. Chem. Phys. 118, 4775 (2003).
        """
        occupied, virtual = self._occupied_virtual()
        left, values, right = np.linalg.svd(self._normalised(), full_matrices=False)
        return NaturalTransitionOrbitals(values**2, occupied @ left, virtual @ right.T)

    def charge_transfer(self) -> np.ndarray:
        r"""Charge-transfer numbers :math:`\Omega_{AB}`: hole on atom A, electron on atom B, float64 [N, N], sum one.

        Atomic orbitals are those of Löwdin's orthogonalisation.

        Source: Plasser and Lischka, J. Chem. Theory Comput. 8, 2777 (2012), whose Mulliken form this replaces.
        """
        occupied, virtual = self._occupied_virtual()
        half = np.real(scipy.linalg.sqrtm(self.mol.intor_symmetric("int1e_ovlp")))
        squares = (half @ occupied @ self._normalised() @ virtual.T @ half) ** 2
        belongs = ao_table(self.mol)[:, 0] == np.arange(self.mol.natm)[:, None]
        return np.asarray(belongs @ squares @ belongs.T)

    def charge_transfer_number(self, fragments: Sequence[Sequence[int]] | None = None) -> float:
        """Share of the transition in which hole and electron are on different fragments.

        Args:
            fragments: Atoms of each, from 0; those not named are one more. By default every atom is a fragment.

        Returns:
            From 0, local, to 1, all of it charge transfer.

        Raises:
            InputError: for an atom that is not there, or in two fragments.
        """
        n = self.mol.natm
        named = [atom for fragment in fragments or () for atom in fragment]
        if len(set(named)) != len(named) or any(not 0 <= atom < n for atom in named):
            raise InputError(f"fragments {[list(f) for f in fragments or ()]}: each atom, 0 to {n - 1}, at most once")
        owner = np.arange(n) if fragments is None else np.full(n, len(fragments))
        for number, fragment in enumerate(fragments or ()):
            owner[list(fragment)] = number
        return float(self.charge_transfer()[owner[:, None] != owner].sum())

    @property
    def distance_angstrom(self) -> float:
        """Distance between the centres of hole and electron, angstrom."""
        occupied, virtual = self._occupied_virtual()
        x = self._normalised()
        hole, electron = occupied @ (x @ x.T) @ occupied.T, virtual @ (x.T @ x) @ virtual.T
        return float(np.linalg.norm(np.einsum("xab,ab->x", self.dipole_ao_au, electron - hole)) * BOHR_ANGSTROM)

    def _occupied_virtual(self) -> tuple[np.ndarray, np.ndarray]:
        return self.orbitals[:, : len(self.x)], self.orbitals[:, len(self.x) :]

    def _normalised(self) -> np.ndarray:
        return np.asarray(self.x / np.linalg.norm(self.x))


def casida_transitions(ground_state: GroundState, count: int = 20) -> list[Transition]:
    """The lowest singlet roots of Casida's equation.

    Args:
        ground_state: Of the molecule.
        count: Number of roots; at most the number of occupied-virtual pairs is returned.

    Returns:
        The converged roots, rising in energy.

    Raises:
        InputError: as :func:`tdddft.analysis.linear_response.linear_response_roots`.
        ConvergenceError: as :func:`tdddft.analysis.linear_response.linear_response_roots`.
    """
    g = ground_state
    found = linear_response_amplitudes(g, count)
    return [Transition(float(e), x, y, g.mol, g.orbitals, g.dipole_ao_au) for e, x, y in zip(*found, strict=True)]
