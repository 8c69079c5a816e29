"""Windows of trajectories, normalised and put side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor

from graphlearn.models.orbevo.mode_basis import ModeBasis
from graphlearn.orbitals.data.statistics import dataset_statistics, sums_of
from graphlearn.orbitals.data.statistics_file import DatasetStatistics
from graphlearn.orbitals.data.trajectories import OrbitalTrajectory, TDDFTTrajectories


@dataclass(frozen=True)
class Normalizer:
    """Units of the network: coefficients and targets divided by their root mean square, fields by a peak.

    Args:
        c0_rms: ``rms_0`` of :mod:`graphlearn.orbitals.data.statistics`.
        delta_rms: ``rms_t`` of the same.
        field_v_per_angstrom: Field strength that counts as one.
        frame_fs: Time between two frames, fs.
    """

    c0_rms: float
    delta_rms: float
    field_v_per_angstrom: float = 0.02
    frame_fs: float = 0.05

    @classmethod
    def fit(cls, data: TDDFTTrajectories) -> Normalizer:
        """Measure a training set; of a data-set folder only what its ``statistics.json`` does not know is read."""
        if data.folder is not None:
            found = dataset_statistics(data.folder, data.names)
        else:
            found = DatasetStatistics.pooled(sums_of(data.raw(i)) for i in range(len(data)))
        peak = found.peak_field_v_per_angstrom or 1.0
        return cls(found.rms_0, found.rms_t, peak, round(found.frame_fs, 9))

    def to_dict(self) -> dict[str, float]:
        """Plain data for JSON."""
        return asdict(self)


@dataclass(eq=False)
class OrbitalBatch:
    """Molecules side by side: atoms are joined, states are padded to the longest.

    Shapes: N atoms of B molecules, S states, R radial slots, T frames of a bundle, P field samples.

    Args:
        numbers: int64 [N].
        positions_angstrom: [N, 3].
        edge_index: int64 [2, E].
        batch: Molecule of each atom, int64 [N].
        c0: [N, S, 9, R], normalised.
        delta: History, [N, S, 9, R, T, 2], normalised; zero before t = 0.
        target: The frames after it (of one bundle or more), like ``delta``; None where the trajectory ends.
        slot_mask: [N, 9, R].
        occupations: [B, S]; zero for padding.
        field_strength: [B, P], normalised, from a bundle before the last frame of history to the end of the target.
        field_direction: [B, 3].
        states: States that the network predicts and ``target`` holds, int64 [B, K]; None for all.
        modes: Modes of the ground-state Hamiltonian of each molecule, in normalised units, where all have them.
        frame_fs: Time between two frames, fs.
        windows_per_trajectory: Number of consecutive windows of one and the same trajectory, everywhere in the batch.
    """

    numbers: Tensor
    positions_angstrom: Tensor
    edge_index: Tensor
    batch: Tensor
    c0: Tensor
    delta: Tensor
    target: Tensor | None
    slot_mask: Tensor
    occupations: Tensor
    field_strength: Tensor
    field_direction: Tensor
    states: Tensor | None = None
    modes: tuple[ModeBasis, ...] | None = None
    frame_fs: float = 0.05
    windows_per_trajectory: int = 1

    def to(self, *args: Any, **kwargs: Any) -> OrbitalBatch:
        """Move or cast; integers keep their type."""
        changed: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Tensor):
                moved = value.to(*args, **kwargs)
                changed[field.name] = moved if value.is_floating_point() else moved.to(value.dtype)
        if self.modes is not None:
            changed["modes"] = tuple(p.to(*args, **kwargs) for p in self.modes)
        return replace(self, **changed)

    @property
    def state_mask(self) -> Tensor:
        """Predicted states that are not padding, for each atom, bool [N, S]."""
        present = self.occupations > 0
        return (present if self.states is None else present.gather(1, self.states))[self.batch]


def collate(
    windows: Sequence[tuple[OrbitalTrajectory, int]],
    normalizer: Normalizer,
    num_frames: int,
    *,
    bundles: int = 1,
    windows_per_trajectory: int = 1,
) -> OrbitalBatch:
    """Batch windows given as (trajectory, last frame of history).

    Args:
        windows: The history of a window ends at its frame; the target is what comes after it.
        normalizer: Units of the network.
        num_frames: Frames of a bundle T.
        bundles: Bundles of target, and of field after the frame.
        windows_per_trajectory: Number of consecutive windows of the same trajectory.

    Returns:
        The batch, on the CPU, in the units of the network.

    Raises:
        ValueError: if a window reaches beyond the frames that were read.
    """
    states = max(len(t.occupations) for t, _ in windows)
    sizes = [len(t.numbers) for t, _ in windows]
    offsets = torch.tensor([0, *sizes[:-1]]).cumsum(0)
    ahead = bundles * num_frames
    with_target = all(frame + ahead < t.num_frames for t, frame in windows)
    history, target, strength = [], [], []
    for t, frame in windows:
        history.append(_frames(t, frame - num_frames + 1, num_frames, states) / normalizer.delta_rms)
        if with_target:
            target.append(_frames(t, frame + 1, ahead, states) / normalizer.delta_rms)
        samples = field_window(t, frame, num_frames, ahead)
        strength.append(samples / normalizer.field_v_per_angstrom)
    return OrbitalBatch(
        numbers=torch.cat([t.numbers for t, _ in windows]),
        positions_angstrom=torch.cat([t.positions_angstrom for t, _ in windows]),
        edge_index=torch.cat([t.edge_index + o for (t, _), o in zip(windows, offsets, strict=True)], dim=1),
        batch=torch.repeat_interleave(torch.arange(len(windows)), torch.tensor(sizes)),
        c0=torch.cat([_pad(t.c0, states, 1) for t, _ in windows]) / normalizer.c0_rms,
        delta=torch.cat(history),
        target=torch.cat(target) if with_target else None,
        slot_mask=torch.cat([t.slot_mask for t, _ in windows]),
        occupations=torch.stack([_pad(t.occupations, states, 0) for t, _ in windows]),
        field_strength=torch.stack(strength),
        field_direction=torch.stack([t.field_direction for t, _ in windows]),
        modes=_modes([t for t, _ in windows], normalizer, states),
        frame_fs=normalizer.frame_fs,
        windows_per_trajectory=windows_per_trajectory,
    )


def _modes(
    trajectories: Sequence[OrbitalTrajectory], normalizer: Normalizer, states: int
) -> tuple[ModeBasis, ...] | None:
    """Modes of each molecule in the units of the network; None unless all have them."""
    unit = normalizer.field_v_per_angstrom / normalizer.delta_rms
    known = [t.modes for t in trajectories if t.modes is not None]
    return tuple(p.padded(states).scaled(unit) for p in known) if len(known) == len(trajectories) else None


def field_window(trajectory: OrbitalTrajectory, frame: int, before: int, after: int) -> Tensor:
    """Strength of the field around a frame; zero outside the trajectory.

    Args:
        trajectory: Gives the samples.
        frame: The frame.
        before: Number of frames before it.
        after: Number of frames after it.

    Returns:
        V/angstrom, [(before + after) * samples per frame].
    """
    low, high = ((frame + k) * trajectory.samples_per_frame for k in (-before, after))
    inside = trajectory.field_strength[max(low, 0) : max(high, 0)]
    return torch.nn.functional.pad(inside, (max(-low, 0), high - max(low, 0) - len(inside)))


def _frames(t: OrbitalTrajectory, first: int, count: int, states: int) -> Tensor:
    low, high = max(first, 0) - t.first_frame, first + count - t.first_frame
    if low < 0 or high > t.delta.shape[-2]:
        raise ValueError(f"{t.name}: frames {first} to {first + count} reach beyond the window that was read")
    inside = t.delta[..., low:high, :]
    padded = torch.nn.functional.pad(inside, (0, 0, count - inside.shape[-2], 0))
    return _pad(padded, states, 1)


def _pad(x: Tensor, size: int, dim: int) -> Tensor:
    missing = size - x.shape[dim]
    if missing == 0:
        return x
    return torch.cat([x, x.new_zeros(*x.shape[:dim], missing, *x.shape[dim + 1 :])], dim=dim)
