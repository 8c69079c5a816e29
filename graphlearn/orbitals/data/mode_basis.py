"""Modes of the ground-state Hamiltonian of a trajectory."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.linalg import eigh

from graphlearn.models.orbevo.mode_basis import ModeBasis
from graphlearn.orbitals.data.layout import OrbitalLayout, float32
from graphlearn.orbitals.data.target import DELTA_SCALE
from tdddft.trajectory import Trajectory
from tdddft.units import AU_FIELD_V_PER_ANGSTROM, AU_TIME_FS


class GroundStateOrbitals(NamedTuple):
    """All orbitals of a ground state, occupied and not: energies, hartree [M], and coefficients [A, M]."""

    energies_hartree: np.ndarray
    coefficients: np.ndarray

    @classmethod
    def of(cls, trajectory: Trajectory) -> GroundStateOrbitals:
        """Diagonalise the Fock matrix of the ground state."""
        return cls(*eigh(trajectory.fock_hartree, trajectory.overlap))


def mode_basis(trajectory: Trajectory, layout: OrbitalLayout, direction: np.ndarray) -> ModeBasis:
    """The modes of the ground state of a trajectory, coupled to a field.

    Args:
        trajectory: Gives Fock, overlap and dipole matrix, and occupied orbitals.
        layout: Its atomic orbitals.
        direction: Unit vector of the field [3]; zero for no field.

    Returns:
        Tensors of float32, not normalised.
    """
    t = trajectory
    energies, orbitals = GroundStateOrbitals.of(t)
    along = np.einsum("x,xab->ab", direction, t.dipole_ao_au)
    coupling = orbitals.T @ along @ t.coefficients.T
    own = orbitals.T @ t.overlap @ t.coefficients.T
    coupling -= own * np.einsum("mn,mn->n", own, coupling)  # the gauge takes the phase of each orbital
    values, vectors = np.linalg.eigh(t.overlap)
    orthogonal = (vectors * np.sqrt(values)) @ (vectors.T @ orbitals)
    scale = 1.0 / (DELTA_SCALE * AU_FIELD_V_PER_ANGSTROM * AU_TIME_FS)

    def slots(rows: np.ndarray) -> np.ndarray:
        return layout.to_slots(rows).reshape(len(rows), -1)

    return ModeBasis(
        to_modes=float32(slots(orbitals.T @ t.overlap)),
        from_modes=float32(slots(orbitals.T).T),
        orthogonal=float32(slots(orthogonal.T).T),
        frequencies_per_fs=float32((energies[:, None] - t.energies_hartree) / AU_TIME_FS),
        coupling=float32(coupling * scale),
        own=float32(own),
    )
