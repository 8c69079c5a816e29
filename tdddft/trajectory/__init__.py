"""The trajectory file: contract, metadata, reader and writer, upgrades, validation. Needs no quantum chemistry."""

from tdddft.trajectory.contract import (
    ARRAYS,
    Trajectory,
    electronic_dipole_au,
    electrons_lost,
    orbital_spins,
    orthonormal_basis,
    orthonormality_error,
)
from tdddft.trajectory.hdf5 import count_frames, read_frames, read_trajectory, write_trajectory
from tdddft.trajectory.metadata import (
    FieldInfo,
    GroundStateInfo,
    MethodInfo,
    MoleculeInfo,
    Provenance,
    level_of_theory,
)

__all__ = [
    "ARRAYS",
    "FieldInfo",
    "GroundStateInfo",
    "MethodInfo",
    "MoleculeInfo",
    "Provenance",
    "Trajectory",
    "count_frames",
    "electronic_dipole_au",
    "electrons_lost",
    "level_of_theory",
    "orbital_spins",
    "orthonormal_basis",
    "orthonormality_error",
    "read_frames",
    "read_trajectory",
    "write_trajectory",
]
