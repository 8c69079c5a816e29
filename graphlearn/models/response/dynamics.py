r"""Orbitals under the ground-state Hamiltonian, a field, and the response of the Hamiltonian to their own density.

In the basis of the ground-state orbitals, with frequencies and couplings of
:class:`graphlearn.datasets.ModeBasis` and a real symmetric kernel K,

.. math:: i \dot\delta_{mn} = \omega_{mn}\, \delta_{mn} + \kappa_{mn}\, e(t)
          + \sum_{m'n'} K_{mn,m'n'}\, \mathrm{Re}\, \delta_{m'n'} .

Each step is a half kick of the imaginary parts, the exact rotation by :math:`\omega h`, and a half kick: symplectic, of
second order, and stable over any time where the true motion is.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from graphlearn.models.batch import OrbitalInput
from graphlearn.models.orbevo.mode_basis import ModeBasis
from graphlearn.models.orbevo.modes import MoleculeModes, molecules_of, with_end_point
from graphlearn.models.response.kernel import Kernel


def propagate(kernels: Sequence[Kernel], data: OrbitalInput, frames: int) -> Tensor:
    """The frames that follow from the last one of the history and the field.

    Args:
        kernels: One for each molecule of which ``data`` holds ``data.windows_per_trajectory`` windows.
        data: A batch with ``modes``, ``delta``, ``field_strength`` and ``frame_fs``.
        frames: How many.

    Returns:
        [N, S, 9, R, T, 2], all states.
    """
    windows, each = list(molecules_of(data, all_states=True)), data.windows_per_trajectory
    outputs = []
    for number, kernel in enumerate(kernels):
        outputs += _molecule(kernel, windows[number * each : (number + 1) * each], data, frames)
    return torch.cat(outputs)


def _molecule(kernel: Kernel, windows: Sequence[MoleculeModes], data: OrbitalInput, frames: int) -> list[Tensor]:
    last = [data.delta[w.atoms, :, :, :, -1:] for w in windows]
    z = torch.cat([w.modes.into_modes(x) for w, x in zip(windows, last, strict=True)], dim=-1)  # [M, S, W]
    moved = frames_ahead(kernel, z, windows[0].modes, _strength(windows, data, frames), frames, data.frame_fs)
    return [
        w.modes.out_of_modes(moved[:, :, i], x.expand(-1, -1, -1, -1, frames, -1))
        for i, (w, x) in enumerate(zip(windows, last, strict=True))
    ]


def frames_ahead(kernel: Kernel, z: Tensor, modes: ModeBasis, strength: Tensor, frames: int, frame_fs: float) -> Tensor:
    """Propagate amplitudes in modes.

    Args:
        kernel: Of the molecule.
        z: Complex amplitudes of W windows, [M, S, W].
        modes: Frequencies and coupling of the molecule.
        strength: Of the field at evenly spaced times from now to the last frame, [steps + 1, W].
        frames: How many; they divide the steps.
        frame_fs: Time between two of them, fs.

    Returns:
        Complex [M, S, W, T].
    """
    steps = len(strength) - 1
    step_fs = frames * frame_fs / steps
    angle = modes.frequencies_per_fs.reshape(-1, 1) * step_fs
    cosine, sine, coupling = angle.cos(), angle.sin(), modes.coupling.reshape(-1, 1)
    shape, outputs = z.shape, []
    x, y = z.real.flatten(0, 1), z.imag.flatten(0, 1)
    half_kick = 0.5 * step_fs * (kernel(x) + coupling * strength[0])
    for step in range(1, steps + 1):
        y = y - half_kick
        x, y = cosine * x + sine * y, cosine * y - sine * x
        half_kick = 0.5 * step_fs * (kernel(x) + coupling * strength[step])
        y = y - half_kick
        if step % (steps // frames) == 0:
            outputs.append(torch.complex(x, y).view(shape))
    return torch.stack(outputs, dim=-1)


def _strength(windows: Sequence[MoleculeModes], data: OrbitalInput, frames: int) -> Tensor:
    """Samples of the field over the frames to come, with the one after the last extrapolated, [steps + 1, W]."""
    rows = torch.stack([data.field_strength[w.number] for w in windows], dim=1).to(data.c0)
    return with_end_point(rows[len(rows) // 2 :])
