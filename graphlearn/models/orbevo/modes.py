"""Orbitals of the molecules of a batch in the basis of their ground-state orbitals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from graphlearn.models.batch import OrbitalInput
from graphlearn.models.orbevo.mode_basis import ModeBasis


class MoleculeModes(NamedTuple):
    """One molecule of a batch: its number, where its atoms are, and its modes."""

    number: int
    atoms: slice
    modes: ModeBasis


def molecules_of(data: OrbitalInput, *, all_states: bool = False) -> Iterator[MoleculeModes]:
    """The molecules of a batch with the modes of the states that are predicted, or of all.

    Args:
        data: Gives ``batch``, ``modes`` and ``states``.
        all_states: Whether to leave ``states`` out of account.

    Yields:
        One per molecule, in the order of the batch.
    """
    assert data.modes is not None
    start = 0
    for index, size in enumerate(torch.bincount(data.batch, minlength=len(data.modes)).tolist()):
        modes = data.modes[index]
        if data.states is not None and not all_states:
            modes = modes.of_states(data.states[index])
        yield MoleculeModes(index, slice(start, start + size), modes)
        start += size


def with_end_point(strength: Tensor) -> Tensor:
    """Samples of a field [P, ...] and the one after the last, extrapolated, [P + 1, ...]."""
    return torch.cat([strength, 2 * strength[-1:] - strength[-2:-1]])


class FrameSteps(NamedTuple):
    """Phase of one frame [M, S], and what the field adds in each of 2T frames [2T, M, S], complex."""

    phase: Tensor
    drive: Tensor

    @classmethod
    def of(cls, modes: ModeBasis, strength: Tensor, frames: int, frame_fs: float) -> FrameSteps:
        """Trapezoidal rule between the samples of the field.

        Args:
            modes: Frequencies and coupling of a molecule.
            strength: Samples of the field over 2T frames, [P].
            frames: T.
            frame_fs: Time between two frames, fs.

        Returns:
            The steps.
        """
        omega, coupling = modes.frequencies_per_fs, modes.coupling
        samples = len(strength) // (2 * frames)
        spacing = frame_fs / samples
        weights = torch.full((samples + 1,), spacing, dtype=omega.dtype, device=omega.device)
        weights[[0, -1]] *= 0.5
        pieces = with_end_point(strength).unfold(0, samples + 1, samples) * weights  # [2T, samples + 1]
        left = frame_fs - spacing * torch.arange(samples + 1, dtype=omega.dtype, device=omega.device)
        angle = left.view(-1, 1, 1) * omega
        real = torch.einsum("tj,jms->tms", pieces, -angle.sin() * coupling)
        imaginary = torch.einsum("tj,jms->tms", pieces, -angle.cos() * coupling)
        turn = omega * frame_fs
        return cls(torch.complex(turn.cos(), -turn.sin()), torch.complex(real, imaginary))
