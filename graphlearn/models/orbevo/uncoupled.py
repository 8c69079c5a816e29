r"""Propagation under the ground-state Hamiltonian, with sources for what it leaves out.

In the basis of the ground-state orbitals, from frame k - 1 to frame k a time :math:`\tau` later,

.. math:: \delta_{mn}(k) = e^{-i\omega_{mn}\tau}\,\delta_{mn}(k-1)
          - i \kappa_{mn} \int_0^\tau e^{-i\omega_{mn}(\tau - t)}\, e(t)\, dt + s_{mn}(k)

with frequencies and couplings of :class:`graphlearn.datasets.ModeBasis`. The sources s hold the response of
the Hamiltonian to the moving density; without them the particles are independent.
"""

from __future__ import annotations

import torch
from torch import Tensor

from graphlearn.models.batch import OrbitalInput
from graphlearn.models.orbevo.modes import FrameSteps, molecules_of


def propagate(last: Tensor, sources: Tensor, strength: Tensor, data: OrbitalInput) -> Tensor:
    """The frames that follow from the last one, the field and the sources.

    Args:
        last: Last frame of the history, [N, S, 9, R, 2].
        sources: Of each frame to come, [N, S, 9, R, T, 2].
        strength: Samples of the field over T frames before and T frames after the last one, [B, P].
        data: Gives ``modes`` (one per molecule), ``states``, ``batch`` and ``frame_fs``.

    Returns:
        [N, S, 9, R, T, 2].
    """
    frames, outputs = sources.shape[4], []
    last, sources, strength = (x.to(data.c0) for x in (last, sources, strength))
    for molecule in molecules_of(data):
        steps = FrameSteps.of(molecule.modes, strength[molecule.number], frames, data.frame_fs)
        z = molecule.modes.into_modes(last[molecule.atoms].unsqueeze(4))[..., 0]
        s = molecule.modes.into_modes(sources[molecule.atoms])
        moved = []
        for k in range(frames):
            z = steps.phase * z + steps.drive[frames + k] + s[..., k]
            moved.append(z)
        outputs.append(molecule.modes.out_of_modes(torch.stack(moved, dim=-1), sources[molecule.atoms]))
    return torch.cat(outputs)


def past_sources(delta: Tensor, strength: Tensor, data: OrbitalInput) -> Tensor:
    """The sources of each frame of a history.

    Args:
        delta: The history, [N, S, 9, R, T, 2].
        strength: Samples of the field over T frames before and T frames after the last one, [B, P].
        data: As for :func:`propagate`.

    Returns:
        Like ``delta``; zero for the first frame, which none precedes.
    """
    frames, outputs = delta.shape[4], []
    delta, strength = delta.to(data.c0), strength.to(data.c0)
    for molecule in molecules_of(data):
        steps = FrameSteps.of(molecule.modes, strength[molecule.number], frames, data.frame_fs)
        z = molecule.modes.into_modes(delta[molecule.atoms])
        drive = steps.drive[1:frames].movedim(0, -1)
        s = z[..., 1:] - steps.phase.unsqueeze(-1) * z[..., :-1] - drive
        outputs.append(molecule.modes.out_of_modes(torch.nn.functional.pad(s, (1, 0)), delta[molecule.atoms]))
    return torch.cat(outputs)
