r"""Complex absorbing potential: it takes electrons away that come far from the molecule.

.. math:: W(\mathbf r) = W_\mathrm{max} \sin^2\!\left(\tfrac{\pi}{2}\, \frac{d - R}{w}\right), \qquad
          i\,\dot C = (F - i\,Q W Q)\, C

d is the distance from the nearest atom; W is zero below R and :math:`W_\mathrm{max}` above R + w. Q projects onto the
virtual orbitals of the ground state, which therefore loses nothing by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field
from scipy.spatial import cKDTree

from graphlearn.base.errors import InputError
from graphlearn.base.recipes.section import RecipeSection
from tdddft.units import BOHR_ANGSTROM

if TYPE_CHECKING:
    from tdddft.electronic.ground_state import GroundState

GRID_LEVEL = 4
POINTS_AT_ONCE = 4000
LEAST_SHARE = 1e-3  # of the strength that some virtual orbital must feel


class Absorber(RecipeSection):
    """A complex absorbing potential around the atoms."""

    start_angstrom: float = Field(4.0, gt=0, description="distance from the nearest atom at which it begins")
    width_angstrom: float = Field(4.0, gt=0, description="over which it rises, as sin^2")
    strength_hartree: float = Field(0.1, gt=0, description="largest value")

    def at(self, points_au: np.ndarray, atoms_au: np.ndarray) -> np.ndarray:
        """Values of the potential.

        Args:
            points_au: Points, float64 [G, 3], bohr.
            atoms_au: Positions of the atoms, float64 [N, 3], bohr.

        Returns:
            float64 [G], hartree.
        """
        distance = cKDTree(atoms_au).query(points_au)[0] * BOHR_ANGSTROM
        part = np.clip((distance - self.start_angstrom) / self.width_angstrom, 0.0, 1.0)
        return np.asarray(self.strength_hartree * np.sin(0.5 * np.pi * part) ** 2)

    def describe(self) -> str:
        """One line for the provenance of a file."""
        return (
            f"absorber of {self.strength_hartree:g} hartree from {self.start_angstrom:g} angstrom on, over "
            f"{self.width_angstrom:g}"
        )


def absorber_ao(mol: Any, absorber: Absorber) -> np.ndarray:
    """Matrix of the potential between atomic orbitals, by quadrature: float64 [A, A], hartree.

    Args:
        mol: PySCF's molecule.
        absorber: The potential.

    Returns:
        Symmetric and positive.
    """
    from pyscf import dft

    grids = dft.gen_grid.Grids(mol).set(level=GRID_LEVEL, prune=None)
    grids.build(with_non0tab=False)
    weights = grids.weights * absorber.at(grids.coords, mol.atom_coords())
    points, weights = grids.coords[weights > 0], weights[weights > 0]
    matrix = np.zeros((mol.nao_nr(), mol.nao_nr()))
    for i in range(0, len(weights), POINTS_AT_ONCE):
        values = dft.numint.eval_ao(mol, points[i : i + POINTS_AT_ONCE])
        matrix += values.T @ (weights[i : i + POINTS_AT_ONCE, None] * values)
    return matrix


def absorber_matrices(ground_state: GroundState, absorber: Absorber) -> list[np.ndarray]:
    """The potential between the virtual orbitals of a ground state.

    Args:
        ground_state: Of the molecule.
        absorber: The potential.

    Returns:
        Of each channel, float64 [M, M], hartree; zero in the rows and columns of occupied orbitals.

    Raises:
        InputError: if no virtual orbital reaches it.
    """
    between = absorber_ao(ground_state.mol, absorber)
    matrices = []
    for channel in ground_state.channels:
        virtual = channel.orbitals[:, channel.num_occupied :]
        matrix = np.zeros(2 * channel.orbitals.shape[1:])
        matrix[channel.num_occupied :, channel.num_occupied :] = virtual.T @ between @ virtual
        matrices.append(matrix)
    strongest = max(float(np.linalg.eigvalsh(matrix)[-1]) for matrix in matrices)
    if strongest < LEAST_SHARE * absorber.strength_hartree:
        raise InputError(
            f"{ground_state.molecule.name}: no orbital of the basis reaches the absorber {absorber.start_angstrom:g} "
            f"angstrom from the atoms (it takes {strongest / absorber.strength_hartree:.1e} of its strength): take a "
            "basis with diffuse functions, or a smaller propagation.absorber.start_angstrom"
        )
    return matrices
