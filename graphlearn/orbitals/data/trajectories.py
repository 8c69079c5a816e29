"""TDDFT trajectories as learning samples."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from graphlearn.base.errors import InputError
from graphlearn.base.hdf5 import open_hdf5
from graphlearn.base.hdf5_examination import refusals
from graphlearn.models.orbevo.mode_basis import ModeBasis
from graphlearn.orbitals.data.layout import OrbitalLayout, float32
from graphlearn.orbitals.data.mode_basis import mode_basis
from graphlearn.orbitals.data.recent import Recent
from graphlearn.orbitals.data.target import to_delta
from graphlearn.radius_graph import radius_graph
from tdddft.analysis.spectrum import field_direction
from tdddft.dataset.store import DatasetFolder
from tdddft.trajectory import Trajectory, count_frames, read_trajectory
from tdddft.units import AU_FIELD_V_PER_ANGSTROM

EXAMINED_TOGETHER = 32


@dataclass(frozen=True, eq=False)
class OrbitalTrajectory:
    """One trajectory as tensors, not normalised.

    Shapes: N atoms, S occupied states, R radial slots, F frames, T field samples.

    Args:
        name: Id of the trajectory.
        numbers: int64 [N].
        positions_angstrom: float32 [N, 3].
        edge_index: int64 [2, E].
        c0: Ground-state coefficients, float32 [N, S, 9, R].
        delta: Learning target (see :mod:`graphlearn.orbitals.data.target`), real and imaginary, float32 [N, S, 9, R,
            F, 2].
        slot_mask: Slots that hold an orbital, float32 [N, 9, R].
        occupations: float32 [S].
        field_strength: Along the direction, V/angstrom, float32 [T].
        field_direction: Unit vector, float32 [3]; zero without a field.
        samples_per_frame: Field samples between two frames.
        frame_fs: Time between two frames, fs.
        layout: Where the orbitals of the file stand in the slots.
        first_frame: Frame of the file that ``delta`` begins with; not 0 for a window.
        total_frames: Frames of the file, where ``delta`` holds a window; None for a whole trajectory.
        modes: Modes of the ground-state Hamiltonian, if asked for.
    """

    name: str
    numbers: Tensor
    positions_angstrom: Tensor
    edge_index: Tensor
    c0: Tensor
    delta: Tensor
    slot_mask: Tensor
    occupations: Tensor
    field_strength: Tensor
    field_direction: Tensor
    samples_per_frame: int
    frame_fs: float
    layout: OrbitalLayout
    first_frame: int = 0
    total_frames: int | None = None
    modes: ModeBasis | None = None

    @property
    def num_frames(self) -> int:
        """Frames of the whole trajectory, the first at t = 0."""
        return self.delta.shape[-2] if self.total_frames is None else self.total_frames

    @classmethod
    def from_trajectory(
        cls,
        trajectory: Trajectory,
        *,
        cutoff_angstrom: float = 5.0,
        shells: tuple[int, ...] = (2, 2, 1),
        modes: bool = False,
        name: str | None = None,
    ) -> OrbitalTrajectory:
        """Convert a trajectory of the file contract.

        Args:
            trajectory: As a file holds it.
            cutoff_angstrom: Edges join atoms closer than this.
            shells: Radial channels of s, p and d that the model takes.
            modes: Whether to work out the modes of the ground-state Hamiltonian.
            name: Id; by default that of the trajectory.

        Returns:
            Tensors, not normalised.

        Raises:
            InputError: if the basis does not fit, the field starts with a delta kick or turns, an absorber took
                electrons, or the frames are not equally spaced.
            OpenShellError: for a trajectory of alpha and beta orbitals.
        """
        t = trajectory
        t.refuse_open_shell("learning from orbitals")
        if len(t.times_fs) < 2:
            raise InputError(f"{t.name}: holds a single frame; generate with more steps")
        if t.provenance.absorber is not None:
            raise InputError(f"{t.name}: electrons were absorbed, and the models keep every one; use a run without")
        if t.field_impulse_au.any():
            raise InputError(f"{t.name}: starts with a delta kick, which field samples cannot show; use a pulse")
        frame, fine = t.times_fs[1] - t.times_fs[0], t.field_times_fs[1] - t.field_times_fs[0]
        ratio = round(frame / fine)
        if not np.allclose(np.diff(t.times_fs), ratio * fine, rtol=1e-6):
            raise InputError(f"{t.name}: frames must be equally spaced, a whole number of field samples apart")
        layout = OrbitalLayout.of(t, shells)
        direction = field_direction(t) if t.field_au.any() else np.zeros(3)
        return cls(
            name=name or t.name,
            numbers=torch.as_tensor(t.numbers, dtype=torch.int64),
            positions_angstrom=float32(t.positions_angstrom),
            edge_index=torch.as_tensor(radius_graph(t.positions_angstrom, cutoff_angstrom).copy()),
            c0=float32(layout.to_slots(t.coefficients).transpose(1, 0, 2, 3)),
            delta=layout.delta_to_slots(to_delta(t)),
            slot_mask=float32(layout.mask),
            occupations=float32(t.occupations),
            field_strength=float32(t.field_au @ direction * AU_FIELD_V_PER_ANGSTROM),
            field_direction=float32(direction),
            samples_per_frame=ratio,
            frame_fs=float(frame),
            layout=layout,
            modes=mode_basis(t, layout, direction) if modes else None,
        )


class TDDFTTrajectories(Dataset[OrbitalTrajectory]):
    """Trajectories of a data-set folder, read when they are asked for.

    Args:
        source: A folder made by ``tdddft generate``, or trajectory files by id.
        select: Ids to keep, in this order; all by default.
        cutoff_angstrom: Edges join atoms closer than this.
        shells: Radial channels of s, p and d that the model takes.
        modes: Whether the model takes the modes of the ground-state Hamiltonian.
        cache: Trajectories kept in memory.

    Example:
        >>> data = TDDFTTrajectories("runs/small")  # doctest: +SKIP
        >>> data[0].delta.shape  # doctest: +SKIP
        torch.Size([3, 4, 9, 2, 101, 2])
    """

    def __init__(
        self,
        source: str | Path | dict[str, Path],
        *,
        select: Iterable[str] | None = None,
        cutoff_angstrom: float = 5.0,
        shells: tuple[int, ...] = (2, 2, 1),
        modes: bool = False,
        cache: int = 512,
    ) -> None:
        self.folder = None if isinstance(source, dict) else Path(source)
        files = source if isinstance(source, dict) else DatasetFolder(Path(source)).finished()
        names = list(select) if select is not None else list(files)
        missing = [n for n in names if n not in files]
        if missing:
            raise InputError(f"{source}: no finished trajectory {', '.join(missing[:5])}; run 'tdddft generate' again")
        self.files = {n: files[n] for n in names}
        self.cutoff_angstrom, self.shells, self.modes = cutoff_angstrom, tuple(shells), modes
        self._names = names
        self._recent: Recent[str, OrbitalTrajectory] = Recent(cache)
        self._unexamined = dict.fromkeys(names)

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, index: int) -> OrbitalTrajectory:
        name = self._names[index]
        return self._recent.get(name, lambda: self.convert(self.raw(index), name))

    def convert(self, trajectory: Trajectory, name: str) -> OrbitalTrajectory:
        """A trajectory as tensors, with the settings of this set.

        Args:
            trajectory: As a file holds it.
            name: Its id.

        Returns:
            Tensors, not normalised.
        """
        return OrbitalTrajectory.from_trajectory(
            trajectory, cutoff_angstrom=self.cutoff_angstrom, shells=self.shells, modes=self.modes, name=name
        )

    def path(self, index: int) -> Path:
        """The file of a trajectory."""
        return self.files[self._names[index]]

    def raw(self, index: int, *, frames: int | None = None) -> Trajectory:
        """The trajectory as its file holds it.

        Args:
            index: Its place in the set.
            frames: How many of the first frames to read; all by default.

        Returns:
            The trajectory.

        Raises:
            ContractError: if the file is damaged.
        """
        return read_trajectory(self.path(index), frames=frames, examined=self._examine(index))

    def frames_in(self, index: int) -> int:
        """How many frames a trajectory has; ContractError if its file is damaged."""
        with open_hdf5(self.path(index), examined=self._examine(index)) as file:
            return count_frames(file)

    def _examine(self, index: int) -> bool:
        """Look at a file and at some others that will be read; each is looked at once."""
        name = self._names[index]
        if name in self._unexamined:
            chosen = [name, *islice((n for n in self._unexamined if n != name), EXAMINED_TOGETHER - 1)]
            for other, reason in zip(chosen, refusals([self.files[n] for n in chosen]), strict=True):
                if not reason:
                    del self._unexamined[other]
        return name not in self._unexamined

    @property
    def names(self) -> list[str]:
        """Ids in order."""
        return list(self._names)
