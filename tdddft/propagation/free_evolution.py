"""The free evolution of a ground state: the trajectory that a prediction starts from."""

from __future__ import annotations

import numpy as np

from graphlearn.base.provenance import package_versions
from tdddft.electronic.ground_state import GroundState
from tdddft.fields.custom import FieldLike, as_field
from tdddft.propagation.frames import Frame, TimeGrid, assemble, atomic_coefficients
from tdddft.trajectory import Provenance, Trajectory, electronic_dipole_au
from tdddft.units import AU_TIME_FS

PRECISION = "complex64"


def free_evolution(
    ground_state: GroundState, field: FieldLike, steps: int, dt_fs: float, *, save_every: int = 1
) -> Trajectory:
    r"""The ground state as it would evolve without the field, stored with the field that will act on it.

    .. math:: C_n(t) = C_n(0)\, e^{-i\varepsilon_n t}

    Args:
        ground_state: A converged ground state.
        field: Sampled at every step, but not acting.
        steps: Number of steps.
        dt_fs: Time between field samples, fs.
        save_every: Steps between frames.

    Returns:
        A trajectory of kind ``predicted``, whose energies are NaN.

    Raises:
        InputError: for steps, times and fields that :func:`tdddft.propagate` refuses.
    """
    grid, sampled = TimeGrid(steps, dt_fs, save_every), as_field(field)
    columns = max(channel.num_occupied for channel in ground_state.channels)
    each = [
        np.eye(len(c.energies_hartree), columns) * (np.arange(columns) < c.num_occupied)
        * np.exp(-1j * np.outer(grid.frame_times_fs / AU_TIME_FS, c.energies_hartree[:columns]))[:, None]
        for c in ground_state.channels
    ]  # fmt: skip
    orbitals = list(np.stack(each, axis=1))
    stored = atomic_coefficients(orbitals, ground_state).astype(PRECISION)
    dipoles = electronic_dipole_au(stored, ground_state)
    frames = [Frame(o, dipole, np.array(np.nan)) for o, dipole in zip(orbitals, dipoles, strict=True)]
    provenance = Provenance(
        propagator="free evolution", dt_fs=grid.dt_fs, steps=grid.steps, save_every=grid.save_every,
        versions=package_versions(),
    )  # fmt: skip
    return assemble(ground_state, sampled, frames, grid, provenance, precision=PRECISION, kind="predicted")
