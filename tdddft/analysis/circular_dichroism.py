r"""Electronic circular dichroism: rotatory strengths of the singlet roots of linear response, and their spectrum.

.. math:: R_k = \mathrm{Im}\, \langle 0|\boldsymbol\mu|k\rangle \cdot \langle k|\mathbf m|0\rangle, \qquad
          \boldsymbol\mu = -\mathbf r, \quad \mathbf m = -\tfrac12 (\mathbf r - \mathbf O) \times \mathbf p

In the velocity gauge :math:`\langle 0|\boldsymbol\mu|k\rangle = -\langle 0|\nabla|k\rangle / \omega_k` and R does not
depend on the origin O. In the length gauge it moves with the origin by :math:`-\tfrac{\omega_k}{2}\,
\boldsymbol\mu_k \cdot (\Delta\mathbf O \times \boldsymbol\mu_k^\mathrm{velocity})`, which falls to zero as the basis
grows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphlearn.base.errors import InputError
from tdddft.analysis.absorption import line_shapes
from tdddft.analysis.linear_response import Roots, linear_response_amplitudes
from tdddft.electronic.ground_state import GroundState
from tdddft.units import CIRCULAR_DICHROISM_1E40_CGS, HARTREE_EV, ROTATORY_STRENGTH_1E40_CGS


@dataclass(frozen=True, eq=False)
class ChiralRoots(Roots):
    r"""Singlet excitations with what circular dichroism needs.

    Args:
        energies_ev: float64 [K], eV, rising.
        transition_dipoles_au: :math:`\langle 0|\boldsymbol\mu|k\rangle` by position, float64 [K, 3], e bohr.
        velocity_dipoles_au: The same by the gradient, float64 [K, 3], e bohr.
        magnetic_dipoles_au: :math:`\mathrm{Im}\,\langle k|\mathbf m|0\rangle`, float64 [K, 3], e hbar / m_e.
        origin_au: Origin O of the magnetic dipole, float64 [3], bohr.
    """

    velocity_dipoles_au: np.ndarray
    magnetic_dipoles_au: np.ndarray
    origin_au: np.ndarray

    def rotatory_strengths(self) -> dict[str, np.ndarray]:
        """Rotatory strengths [K] by gauge, ``length`` (about the origin) and ``velocity``, 1e-40 esu^2 cm^2."""
        electric = {"length": self.transition_dipoles_au, "velocity": self.velocity_dipoles_au}
        return {
            gauge: ROTATORY_STRENGTH_1E40_CGS * (dipoles * self.magnetic_dipoles_au).sum(axis=1)
            for gauge, dipoles in electric.items()
        }


def chiral_roots(ground_state: GroundState, count: int = 20, origin_au: np.ndarray | None = None) -> ChiralRoots:
    """The lowest singlet roots of Casida's equation with their electric and magnetic transition dipoles.

    Args:
        ground_state: With all its electrons.
        count: Number of roots; at most the number of occupied-virtual pairs is returned.
        origin_au: Origin of the magnetic dipole, float64 [3], bohr; by default the centre of nuclear charge.

    Returns:
        The converged roots, rising in energy.

    Raises:
        InputError: for a pseudopotential or an effective core potential, whose nonlocal part adds terms to both dipoles
            that are not computed; and as :func:`tdddft.analysis.linear_response.linear_response_roots`.
        ConvergenceError: as :func:`tdddft.analysis.linear_response.linear_response_roots`.
    """
    mol = ground_state.mol
    if mol.has_ecp():  # or a pseudopotential
        raise InputError(
            f"{ground_state.molecule.name}: circular dichroism needs all electrons, since a core potential adds terms "
            "to the magnetic dipole that are not computed; choose such a basis, as by --set method.basis=6-31g*"
        )
    origin = ground_state.origin_au if origin_au is None else np.asarray(origin_au, dtype=np.float64)
    energies_ev, x, y = linear_response_amplitudes(ground_state, count)
    with mol.with_common_orig(origin):
        position, rotation = mol.intor("int1e_r", comp=3), mol.intor("int1e_cg_irxp", comp=3)  # r, r x nabla
    gradient = -mol.intor("int1e_ipovlp", comp=3)
    c, n = ground_state.orbitals, ground_state.num_occupied

    def between(operator: np.ndarray, amplitudes: np.ndarray) -> np.ndarray:
        """Matrix elements between ground state and roots [K, 3]."""
        pairs = np.einsum("pn,xpq,qa->xna", c[:, :n], operator, c[:, n:], optimize=True)
        return np.asarray(np.sqrt(2) * np.einsum("xna,kna->kx", pairs, amplitudes))

    return ChiralRoots(
        energies_ev,
        -between(position, x + y),
        -between(gradient, x - y) / (energies_ev[:, None] / HARTREE_EV),
        -between(rotation, x - y) / 2,
        origin,
    )


def circular_dichroism(roots: ChiralRoots, energy_ev: np.ndarray, hwhm_ev: float) -> dict[str, np.ndarray]:
    r"""Difference of the molar decadic absorption coefficients for left and right circular light.

    .. math:: \Delta\varepsilon(E) = \frac{16\pi^2 N_A}{3000\,\ln 10\,\hbar c}\, E \sum_k R_k\, L(E - E_k)

    Args:
        roots: The lines.
        energy_ev: Energy axis, float64 [W], eV.
        hwhm_ev: Half width of the Lorentzian lines L, eV.

    Returns:
        By gauge, float64 [W], L/(mol cm).
    """
    shapes = line_shapes(energy_ev, roots.energies_ev, hwhm_ev) * energy_ev / HARTREE_EV
    return {
        gauge: np.asarray(strengths @ shapes / CIRCULAR_DICHROISM_1E40_CGS)
        for gauge, strengths in roots.rotatory_strengths().items()
    }
