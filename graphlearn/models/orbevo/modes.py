"""Orbitals of the molecules of a batch in the basis of their ground-state orbitals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor


class MoleculeModes(NamedTuple):
    """One molecule of a batch: where its atoms are, and its modes."""

    number: int
    atoms: slice
    modes: Any

    def into_modes(self, x: Tensor) -> Tensor:
        """Slots [n, S, 9, R, T, 2] -> complex amplitudes [M, S, T]."""
        slots = x.permute(0, 2, 3, 1, 4, 5).flatten(0, 2)
        return torch.view_as_complex((self.modes.to_modes @ slots.flatten(1)).view(-1, *slots.shape[1:]))

    def orbitals(self, slots: torch.Size) -> Tensor:
        """All ground-state orbitals in orthogonalised atomic orbitals, [n, M, 9, R]."""
        coefficients = self.modes.orthogonal
        return coefficients.view(-1, *slots, coefficients.shape[-1]).permute(0, 3, 1, 2)

    def out_of_modes(self, z: Tensor, like: Tensor) -> Tensor:
        """Complex amplitudes [M, S, T] -> slots of the shape of ``like``."""
        parts = torch.view_as_real(z)
        n, _, components, radial = like.shape[:4]
        slots = (self.modes.from_modes @ parts.flatten(1)).view(n, components, radial, *parts.shape[1:])
        return slots.permute(0, 3, 1, 2, 4, 5)


def molecules_of(data: Any, *, all_states: bool = False) -> Iterator[MoleculeModes]:
    """The molecules of a batch with the modes of the states that are predicted, or of all."""
    start = 0
    for index, size in enumerate(torch.bincount(data.batch, minlength=len(data.modes)).tolist()):
        modes = data.modes[index]
        if data.states is not None and not all_states:
            modes = modes.of_states(data.states[index])
        yield MoleculeModes(index, slice(start, start + size), modes)
        start += size


class FrameSteps(NamedTuple):
    """Phase of one frame [M, S], and what the field adds in each of 2T frames [2T, M, S], complex."""

    phase: Tensor
    drive: Tensor

    @classmethod
    def of(cls, molecule: MoleculeModes, strength: Tensor, frames: int, frame_fs: float) -> FrameSteps:
        """Trapezoidal rule between the samples of the field; the one after the last is extrapolated."""
        omega, coupling = molecule.modes.frequencies_per_fs, molecule.modes.coupling
        samples = len(strength) // (2 * frames)
        spacing = frame_fs / samples
        strength = torch.cat([strength, 2 * strength[-1:] - strength[-2:-1]])
        weights = torch.full((samples + 1,), spacing, dtype=omega.dtype, device=omega.device)
        weights[[0, -1]] *= 0.5
        pieces = strength.unfold(0, samples + 1, samples) * weights  # [2T, samples + 1]
        left = frame_fs - spacing * torch.arange(samples + 1, dtype=omega.dtype, device=omega.device)
        angle = left.view(-1, 1, 1) * omega
        real = torch.einsum("tj,jms->tms", pieces, -angle.sin() * coupling)
        imaginary = torch.einsum("tj,jms->tms", pieces, -angle.cos() * coupling)
        turn = omega * frame_fs
        return cls(torch.complex(turn.cos(), -turn.sin()), torch.complex(real, imaginary))
