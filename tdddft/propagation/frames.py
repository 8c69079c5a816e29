"""Stored frames of a propagation, their times, and the trajectory that they make."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from graphlearn.base.errors import InputError
from graphlearn.base.numbers import one_float, whole_number
from tdddft.electronic.ground_state import GroundState
from tdddft.electronic.mole import ao_table
from tdddft.fields.base import Field
from tdddft.trajectory import (
    FieldInfo,
    GroundStateInfo,
    MethodInfo,
    MoleculeInfo,
    Provenance,
    Trajectory,
    orthonormality_error,
)


@dataclass(frozen=True)
class TimeGrid:
    """Times of the field samples and of the stored frames.

    Args:
        steps: Number of time steps; the field is stored at each of their ends and at t = 0.
        dt_fs: Length of a step, fs.
        save_every: Steps between stored frames.

    Raises:
        InputError: for numbers that are not positive, and for ``steps`` that is no multiple of ``save_every``.
    """

    steps: int
    dt_fs: float
    save_every: int

    def __post_init__(self) -> None:
        for name in ("steps", "save_every"):
            object.__setattr__(self, name, whole_number(name, getattr(self, name)))
        object.__setattr__(self, "dt_fs", one_float("dt_fs", self.dt_fs))
        if self.steps < 1 or self.save_every < 1 or self.steps % self.save_every:
            raise InputError(f"steps ({self.steps}) must be a positive multiple of save_every ({self.save_every})")
        if not self.dt_fs > 0:
            raise InputError(f"dt_fs ({self.dt_fs}) must be positive")

    @property
    def times_fs(self) -> np.ndarray:
        """Times of the field samples, float64 [steps + 1], fs."""
        return np.arange(self.steps + 1) * self.dt_fs

    @property
    def frame_times_fs(self) -> np.ndarray:
        """Times of the frames, float64 [steps // save_every + 1], fs."""
        return self.times_fs[:: self.save_every]


@dataclass
class Frames:
    """Stored frames in memory, one entry per frame.

    Args:
        occupied: Occupied orbitals in the basis of ground-state orbitals, complex [B, M, S] or, of one molecule,
            [M, S].
        dipoles: Dipoles of the electrons, float64 [B, 3] or [3], e bohr.
        energies: Energies above the ground state, float64 [B] or [], hartree.
    """

    occupied: list[np.ndarray] = field(default_factory=list)
    dipoles: list[np.ndarray] = field(default_factory=list)
    energies: list[np.ndarray] = field(default_factory=list)

    def append(self, occupied: np.ndarray, dipoles: np.ndarray, energies: np.ndarray) -> None:
        """Add a frame.

        Args:
            occupied: Occupied orbitals, complex [B, M, S].
            dipoles: Dipoles of the electrons, float64 [B, 3], e bohr.
            energies: Energies above the ground state, float64 [B], hartree.
        """
        self.occupied.append(occupied)
        self.dipoles.append(dipoles)
        self.energies.append(energies)

    def of_molecule(self, index: int, ground_state: GroundState) -> Frames:
        """The frames of one molecule of the batch, without its padding.

        Args:
            index: Place in the batch.
            ground_state: That of the molecule.

        Returns:
            Frames of one molecule: orbitals [M, S], dipoles [3], energies [].
        """
        rows, columns = ground_state.orbitals.shape[1], ground_state.num_occupied
        return Frames(
            [o[index, :rows, :columns] for o in self.occupied],
            [d[index] for d in self.dipoles],
            [e[index] for e in self.energies],
        )

    def __len__(self) -> int:
        return len(self.occupied)


def atomic_coefficients(occupied: list[np.ndarray], ground_state: GroundState) -> np.ndarray:
    """Occupied orbitals of one molecule in atomic orbitals, complex128 [F, S, A].

    Args:
        occupied: The orbitals of each frame in the basis of ground-state orbitals, complex [M, S].
        ground_state: That of the molecule.

    Returns:
        complex128 [F, S, A].
    """
    return np.swapaxes(ground_state.orbitals @ np.array(occupied), 1, 2)


def assemble(
    ground_state: GroundState,
    field: Field,
    frames: Frames,
    grid: TimeGrid,
    provenance: Provenance,
    *,
    precision: str = "complex64",
    kind: str = "simulated",
) -> Trajectory:
    """A trajectory of the file contract from the frames of one molecule.

    Args:
        ground_state: What the propagation started from.
        field: External field of this molecule.
        frames: Its frames, see :meth:`Frames.of_molecule`.
        grid: Times of the field samples and frames.
        provenance: How it was computed.
        precision: ``complex64`` or ``complex128`` for the stored coefficients.
        kind: ``simulated`` or ``predicted``.

    Returns:
        The trajectory.
    """
    molecule, occupied = ground_state.molecule, ground_state.num_occupied
    coefficients = atomic_coefficients(frames.occupied, ground_state)
    return Trajectory(
        numbers=molecule.numbers,
        positions_angstrom=molecule.positions_angstrom,
        ao_table=ao_table(ground_state.mol),
        overlap=ground_state.overlap,
        dipole_ao_au=ground_state.dipole_ao_au,
        origin_au=ground_state.origin_au,
        fock_hartree=ground_state.fock_hartree,
        coefficients=ground_state.orbitals[:, :occupied].T.copy(),
        energies_hartree=ground_state.energies_hartree[:occupied],
        occupations=ground_state.occupations,
        field_times_fs=grid.times_fs,
        field_au=field.at(grid.times_fs),
        field_impulse_au=field.impulse_au,
        times_fs=grid.frame_times_fs,
        frame_coefficients=coefficients.astype(precision),
        dipole_au=np.array(frames.dipoles) + ground_state.nuclear_dipole_au,
        energy_hartree=ground_state.energy_hartree + np.array(frames.energies),
        norm_error=orthonormality_error(coefficients, ground_state.overlap),
        molecule=MoleculeInfo(
            name=molecule.name, charge=molecule.charge, source=molecule.source, smiles=molecule.smiles
        ),
        method=MethodInfo.model_validate(ground_state.method.model_dump(mode="json")),
        ground_state=GroundStateInfo.model_validate(ground_state.summary()),
        field=FieldInfo.of(field),
        provenance=provenance,
        kind=kind,
    )
