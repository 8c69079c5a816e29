"""Stored frames of a propagation, their times, and the trajectory that they make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

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
    electrons_lost,
    orbital_spins,
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


class Frame(NamedTuple):
    """A stored frame in memory, of a batch or of one molecule.

    Attributes:
        occupied: Occupied orbitals in the basis of ground-state orbitals, complex [L, M, S] with one row per spin
            channel, or, of one molecule, [M, S] and, of an open shell, [2, M, S].
        dipoles_au: Dipoles of the electrons, float64 [B, 3] or [3], e bohr.
        energies_hartree: Energies above the ground state, float64 [B] or [], hartree.
    """

    occupied: np.ndarray
    dipoles_au: np.ndarray
    energies_hartree: np.ndarray

    def of_molecule(self, index: int, ground_state: GroundState) -> Frame:
        """The frame of one molecule of the batch, without its padding.

        Args:
            index: Place in the batch.
            ground_state: That of the molecule.

        Returns:
            Frame of one molecule: orbitals [M, S] or [2, M, S], dipole [3], energy [].
        """
        spins = len(ground_state.channels)
        orbitals = ground_state.channels[0].orbitals.shape[1]
        columns = max(channel.num_occupied for channel in ground_state.channels)
        occupied = self.occupied[spins * index : spins * (index + 1), :orbitals, :columns]
        return Frame(occupied if spins > 1 else occupied[0], self.dipoles_au[index], self.energies_hartree[index])


def atomic_coefficients(occupied: Sequence[np.ndarray], ground_state: GroundState) -> np.ndarray:
    """Occupied orbitals of one molecule in atomic orbitals, those of alpha before those of beta.

    Args:
        occupied: The orbitals of each frame in the basis of ground-state orbitals, complex [M, S] or [2, M, S].
        ground_state: That of the molecule.

    Returns:
        complex128 [F, S, A].
    """
    channels = ground_state.channels
    rows = np.array(occupied).reshape(len(occupied), len(channels), channels[0].orbitals.shape[1], -1)  # [F, C, M, S]
    each = [c.orbitals @ rows[:, i, :, : c.num_occupied] for i, c in enumerate(channels)]
    return np.swapaxes(np.concatenate(each, axis=2), 1, 2)


def assemble(
    ground_state: GroundState,
    field: Field,
    frames: Sequence[Frame],
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
        frames: Its frames, see :meth:`Frame.of_molecule`.
        grid: Times of the field samples and frames.
        provenance: How it was computed.
        precision: ``complex64`` or ``complex128`` for the stored coefficients.
        kind: ``simulated`` or ``predicted``.

    Returns:
        The trajectory.
    """
    molecule, channels = ground_state.molecule, ground_state.channels
    spins = orbital_spins([c.num_occupied for c in channels]) if ground_state.open_shell else None
    orbitals, dipoles, energies = zip(*frames, strict=True)
    coefficients = atomic_coefficients(orbitals, ground_state)
    return Trajectory(
        numbers=molecule.numbers,
        positions_angstrom=molecule.positions_angstrom,
        ao_table=ao_table(ground_state.mol),
        overlap=ground_state.overlap,
        dipole_ao_au=ground_state.dipole_ao_au,
        origin_au=ground_state.origin_au,
        fock_hartree=channels[0].fock_hartree,
        fock_beta_hartree=channels[1].fock_hartree if ground_state.open_shell else None,
        spins=spins,
        coefficients=np.concatenate([c.occupied for c in channels], axis=1).T.copy(),
        energies_hartree=np.concatenate([c.energies_hartree[: c.num_occupied] for c in channels]),
        occupations=ground_state.occupations,
        field_times_fs=grid.times_fs,
        field_au=field.at(grid.times_fs),
        field_impulse_au=field.impulse_au,
        times_fs=grid.frame_times_fs,
        frame_coefficients=coefficients.astype(precision),
        dipole_au=np.array(dipoles) + ground_state.nuclear_dipole_au,
        energy_hartree=ground_state.energy_hartree + np.array(energies),
        norm_error=orthonormality_error(coefficients, ground_state.overlap, spins),
        ionised_charge=None if provenance.absorber is None else electrons_lost(coefficients, ground_state),
        molecule=MoleculeInfo.of(molecule),
        method=MethodInfo.model_validate(ground_state.method.model_dump(mode="json")),
        ground_state=GroundStateInfo.model_validate(ground_state.summary()),
        field=FieldInfo.of(field),
        provenance=provenance,
        kind=kind,
    )
