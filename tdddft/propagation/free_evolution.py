"""A trajectory in which nothing happens: where a prediction starts from."""

from __future__ import annotations

import numpy as np

from graphlearn.base.numbers import one_float, whole_number
from graphlearn.base.provenance import package_versions
from tdddft.electronic.ground_state import GroundState
from tdddft.fields.custom import FieldLike, as_field
from tdddft.propagation.checkpoint import Frames
from tdddft.propagation.propagate import assemble
from tdddft.trajectory.trajectory import Trajectory, electronic_dipole_au
from tdddft.units import AU_TIME_FS


def free_evolution(
    ground_state: GroundState, field: FieldLike, steps: int, dt_fs: float, *, save_every: int = 1
) -> Trajectory:
    r"""The ground state as it would evolve without the field, with the field that it is about to meet.

    .. math:: C_n(t) = C_n(0)\, e^{-i\varepsilon_n t}

    Args:
        ground_state: A converged ground state.
        field: Sampled at every step, but not acting.
        steps: Number of steps.
        dt_fs: Time between field samples, fs.
        save_every: Steps between frames.
    """
    steps, save_every = whole_number("steps", steps), whole_number("save_every", save_every)
    dt_fs, coming = one_float("dt_fs", dt_fs), as_field(field)
    times_fs = np.arange(steps + 1) * dt_fs
    occupied = ground_state.num_occupied
    states = np.eye(len(ground_state.energies_hartree))[:, :occupied]
    phase = np.outer(times_fs[::save_every] / AU_TIME_FS, ground_state.energies_hartree[:occupied])
    still = np.zeros(len(phase))
    frames = Frames(list(states * np.exp(-1j * phase)[:, None]), list(np.zeros((len(phase), 3))), list(still))
    facts: dict[str, object] = {
        "propagator": "free evolution", "dt_fs": dt_fs, "steps": steps, "save_every": save_every,
        "versions": package_versions(),
    }  # fmt: skip
    trajectory = assemble(ground_state, coming, frames, times_fs, save_every, "complex64", facts)
    dipole = electronic_dipole_au(trajectory.frame_coefficients, trajectory) + trajectory.nuclear_dipole_au
    return trajectory.replace(dipole_au=dipole, kind="predicted", energy_hartree=np.full(len(phase), np.nan))
