r"""Propagation under the ground-state Hamiltonian, with sources for what it leaves out.

In the basis of the ground-state orbitals, from frame k - 1 to frame k a time :math:`\tau` later,

.. math:: \delta_{mn}(k) = e^{-i\omega_{mn}\tau}\,\delta_{mn}(k-1)
          - i \kappa_{mn} \int_0^\tau e^{-i\omega_{mn}(\tau - t)}\, e(t)\, dt + s_{mn}(k)

with frequencies and couplings of :class:`graphlearn.datasets.IndependentParticles`. The sources s hold the response of
the Hamiltonian to the moving density; without them the particles are independent.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor


def propagate(last: Tensor, sources: Tensor, strength: Tensor, data: Any) -> Tensor:
    """The frames that follow from the last one, the field and the sources.

    Args:
        last: Last frame of the history, [N, S, 9, R, 2].
        sources: Of each frame to come, [N, S, 9, R, T, 2].
        strength: Samples of the field over T frames before and T frames after the last one, [B, P].
        data: Gives ``particles`` (one a molecule), ``states``, ``batch`` and ``frame_fs``.

    Returns:
        [N, S, 9, R, T, 2].
    """
    frames, outputs = sources.shape[4], []
    for molecule in _molecules(data):
        steps = _Steps.of(molecule, strength[molecule.number], frames, data.frame_fs)
        z = molecule.into_modes(last[molecule.atoms].unsqueeze(4))[..., 0]
        s = molecule.into_modes(sources[molecule.atoms])
        moved = []
        for k in range(frames):
            z = steps.phase * z + steps.drive[frames + k] + s[..., k]
            moved.append(z)
        outputs.append(molecule.out_of_modes(torch.stack(moved, dim=-1), sources[molecule.atoms]))
    return torch.cat(outputs)


def past_sources(delta: Tensor, strength: Tensor, data: Any) -> Tensor:
    """The sources of each frame of a history [N, S, 9, R, T, 2], likewise; zero for the first, which none precedes."""
    frames, outputs = delta.shape[4], []
    for molecule in _molecules(data):
        steps = _Steps.of(molecule, strength[molecule.number], frames, data.frame_fs)
        z = molecule.into_modes(delta[molecule.atoms])
        drive = steps.drive[1:frames].movedim(0, -1)
        s = z[..., 1:] - steps.phase.unsqueeze(-1) * z[..., :-1] - drive
        outputs.append(molecule.out_of_modes(torch.nn.functional.pad(s, (1, 0)), delta[molecule.atoms]))
    return torch.cat(outputs)


class _Molecule(NamedTuple):
    """One molecule of a batch: where its atoms are, and its modes."""

    number: int
    atoms: slice
    particles: Any

    def into_modes(self, x: Tensor) -> Tensor:
        """Slots [n, S, 9, R, T, 2] -> complex amplitudes [M, S, T]."""
        slots = x.permute(0, 2, 3, 1, 4, 5).flatten(0, 2)
        return torch.view_as_complex((self.particles.to_modes @ slots.flatten(1)).view(-1, *slots.shape[1:]))

    def out_of_modes(self, z: Tensor, like: Tensor) -> Tensor:
        """Complex amplitudes [M, S, T] -> slots of the shape of ``like``."""
        parts = torch.view_as_real(z)
        n, _, components, radial = like.shape[:4]
        slots = (self.particles.from_modes @ parts.flatten(1)).view(n, components, radial, *parts.shape[1:])
        return slots.permute(0, 3, 1, 2, 4, 5)


def _molecules(data: Any) -> Iterator[_Molecule]:
    start = 0
    for index, size in enumerate(torch.bincount(data.batch, minlength=len(data.particles)).tolist()):
        particles = data.particles[index]
        if data.states is not None:
            particles = particles.of_states(data.states[index])
        yield _Molecule(index, slice(start, start + size), particles)
        start += size


class _Steps(NamedTuple):
    """Phase of one frame [M, S], and what the field adds in each of 2T frames [2T, M, S], complex."""

    phase: Tensor
    drive: Tensor

    @classmethod
    def of(cls, molecule: _Molecule, strength: Tensor, frames: int, frame_fs: float) -> _Steps:
        """Trapezoidal rule between the samples of the field; the one after the last is extrapolated."""
        omega, coupling = molecule.particles.frequencies_per_fs, molecule.particles.coupling
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
