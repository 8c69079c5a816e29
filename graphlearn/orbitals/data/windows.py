"""Windows of trajectories, read from their files one by one: for sets larger than memory."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from graphlearn.orbitals.data.batch import Normalizer, OrbitalBatch, collate
from graphlearn.orbitals.data.recent import Recent
from graphlearn.orbitals.data.target import to_delta
from graphlearn.orbitals.data.trajectories import OrbitalTrajectory, TDDFTTrajectories
from tdddft.trajectory import Trajectory, read_frames

Window = tuple[OrbitalTrajectory, int]


@dataclass(frozen=True, eq=False)
class _Head:
    """What all windows of a trajectory share: everything but the frames, of which there are two for their spacing."""

    trajectory: Trajectory
    item: OrbitalTrajectory


class TDDFTWindows(Dataset[Window]):
    """All windows of a set of trajectories, each read from its file when it is asked for.

    Window i is (trajectory with the frames of the window alone, last frame of its history), as
    :func:`graphlearn.datasets.collate` takes it: ``num_frames`` frames of target after that frame and ``history``
    frames before and including it. Files are opened for each window and closed again, so the data set may be handed
    to the workers of a DataLoader.

    Args:
        data: The trajectories.
        num_frames: Frames of a bundle.
        history: Frames of history; a bundle by default, more for training that unrolls several bundles.
        heads: Trajectories whose ground states are kept in memory.

    Example:
        >>> windows = TDDFTWindows(TDDFTTrajectories("runs/small"), num_frames=8)  # doctest: +SKIP
        >>> next(iter(windows.loader(normalizer, batch_size=16, num_workers=2))).delta.shape  # doctest: +SKIP
        torch.Size([146, 14, 9, 2, 8, 2])
    """

    def __init__(
        self, data: TDDFTTrajectories, num_frames: int = 8, *, history: int | None = None, heads: int = 512
    ) -> None:
        self.data, self.num_frames, self.history = data, num_frames, history or num_frames
        self._frames = [data.frames_in(index) for index in range(len(data))]
        self._ends = np.cumsum([max(0, frames - num_frames) for frames in self._frames])
        self._heads: Recent[int, _Head] = Recent(heads)

    def __len__(self) -> int:
        return int(self._ends[-1])

    @property
    def ends(self) -> list[int]:
        """Running number of windows at the end of each trajectory."""
        return [int(end) for end in self._ends]

    def __getitem__(self, index: int) -> Window:
        if not -len(self) <= index < len(self):
            raise IndexError(f"window {index} of {len(self)}")
        index %= len(self)
        which = int(np.searchsorted(self._ends, index, side="right"))
        frame = index - (int(self._ends[which - 1]) if which else 0)
        return self.window(which, frame)

    def window(self, trajectory: int, frame: int) -> Window:
        """The window of one trajectory whose history ends at a frame.

        Args:
            trajectory: Its place in the set.
            frame: The last frame of history.

        Returns:
            The trajectory with the frames of the window alone, and the frame.
        """
        head = self._head(trajectory)
        first, stop = max(0, frame - self.history + 1), min(frame + self.num_frames + 1, self._frames[trajectory])
        coefficients = read_frames(self.data.path(trajectory), first, stop, examined=True)
        delta = head.item.layout.delta_to_slots(to_delta(head.trajectory, coefficients))
        return replace(head.item, delta=delta, first_frame=first, total_frames=self._frames[trajectory]), frame

    def ground_state(self, trajectory: int) -> OrbitalTrajectory:
        """What all windows of a trajectory share, with the frame at t = 0."""
        item = self._head(trajectory).item
        return replace(item, delta=item.delta[..., :1, :], total_frames=self._frames[trajectory])

    def loader(
        self, normalizer: Normalizer, batch_size: int, *, num_workers: int = 0, seed: int = 0
    ) -> DataLoader[OrbitalBatch]:
        """Shuffled batches; with workers, reading goes on while the model computes.

        Args:
            normalizer: Units of the network.
            batch_size: Windows per batch.
            num_workers: Processes that read.
            seed: Of the order.

        Returns:
            A loader of :class:`OrbitalBatch`.
        """
        return DataLoader(
            self,  # type: ignore[arg-type]  # collate turns windows into batches
            batch_size=batch_size,
            shuffle=True,
            num_workers=num_workers,
            collate_fn=partial(collate, normalizer=normalizer, num_frames=self.num_frames),
            generator=torch.Generator().manual_seed(seed),
            persistent_workers=num_workers > 0,
        )

    def _head(self, index: int) -> _Head:
        return self._heads.get(index, lambda: self._read_head(index))

    def _read_head(self, index: int) -> _Head:
        two = self.data.raw(index, frames=2)
        return _Head(two, self.data.convert(two, self.data.names[index]))
