"""Predictions that cost nothing, to be reported beside every model."""

from __future__ import annotations

import numpy as np

from graphlearn.orbitals.data.mode_basis import GroundStateOrbitals
from graphlearn.orbitals.data.target import to_delta
from tdddft.trajectory import Trajectory
from tdddft.units import AU_TIME_FS


def zero(target: np.ndarray) -> np.ndarray:
    """No motion: Delta = 0, of the shape of the target."""
    return np.zeros_like(target)


def persistence(target: np.ndarray, bundle: int) -> np.ndarray:
    """Each bundle repeats the last true frame before it (the first one: the ground state).

    Args:
        target: True Delta without the frame at t = 0, complex [F, S, A].
        bundle: Frames of a bundle.

    Returns:
        Delta, likewise.
    """
    padded = np.concatenate([np.zeros_like(target[:1]), target])
    starts = (np.arange(len(target)) // bundle) * bundle
    return padded[starts]


def frozen_hamiltonian(trajectory: Trajectory, bundle: int | None = None) -> np.ndarray:
    r"""Uncoupled response: propagate with :math:`F_0 + \mathbf{E}(t)\cdot\mathbf{r}`, the ground-state Fock matrix.

    Args:
        trajectory: Gives the ground state, the field, and the true frames where ``bundle`` is set.
        bundle: Start again from the true frame every ``bundle`` frames; None for one run from t = 0.

    Returns:
        Delta without the frame at t = 0, complex128 [F, S, A].
    """
    t = trajectory
    energies, orbitals = GroundStateOrbitals.of(t)
    dipole = orbitals.T @ t.dipole_ao_au @ orbitals
    into = orbitals.T @ t.overlap
    frames = t.frame_coefficients.astype(np.complex128)
    state = into @ frames[0].T
    fine = np.searchsorted(t.field_times_fs, t.times_fs - 1e-9)
    field_au = t.field_at_midpoints()[1]
    predicted = [frames[0]]
    for frame in range(1, len(t.times_fs)):
        if bundle is not None and (frame - 1) % bundle == 0:
            state = into @ frames[frame - 1].T
        for k in range(fine[frame - 1], fine[frame]):
            dt = (t.field_times_fs[k + 1] - t.field_times_fs[k]) / AU_TIME_FS
            half = np.exp(-0.5j * dt * energies)[:, None]
            state = half * state
            if np.abs(field_au[k]).max() > 1e-12:
                kick = np.einsum("x,xmn->mn", dt * field_au[k], dipole)
                state = state - 1j * kick @ state - 0.5 * kick @ (kick @ state)
            state = half * state
        predicted.append((orbitals @ state).T)
    return to_delta(t.replace(frame_coefficients=np.array(predicted)))[1:]
