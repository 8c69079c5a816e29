r"""The learning target: what an orbital does beyond turning its phase.

.. math:: \gamma_n(t) = \frac{\langle C_n(0) | S | C_n(t) \rangle}{|\cdot|}, \qquad
          \Delta_n(t) = \frac{C_n(t) / \gamma_n(t) - C_n(0)}{\beta}, \quad \beta = 10^{-3}

Without a field :math:`\gamma_n = e^{-i\varepsilon_n t}` and :math:`\Delta = 0`. Density, dipole and absorption do not
depend on :math:`\gamma`. Source: OrbEvo (arXiv 2603.03511), section 2.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from tdddft.analysis.observables import orbital_motion
from tdddft.trajectory import Provenance, Trajectory, electronic_dipole_au, orthonormality_error
from tdddft.units import AU_TIME_FS

DELTA_SCALE = 1e-3
Repair = Literal["none", "norm", "loewdin"]


def to_delta(trajectory: Trajectory, frame_coefficients: np.ndarray | None = None) -> np.ndarray:
    """Delta of every frame, or of other frames of the same molecule.

    Args:
        trajectory: Gives C(0), the overlap, and the frames where no others are given.
        frame_coefficients: Complex [F, S, A].

    Returns:
        complex128 [F, S, A].

    Raises:
        OpenShellError: for a trajectory of alpha and beta orbitals.
    """
    trajectory.refuse_open_shell("learning from orbitals")
    return orbital_motion(trajectory, frame_coefficients) / DELTA_SCALE


def moved_orbitals(delta: np.ndarray, trajectory: Trajectory, repair: Repair) -> np.ndarray:
    r"""Orbitals :math:`C_n(0) + \beta \Delta_n`, without the phase :math:`\gamma_n`.

    Args:
        delta: Complex [F, S, A].
        trajectory: Gives C(0) and the overlap.
        repair: ``loewdin`` makes the orbitals of each frame S-orthonormal, ``norm`` divides each by its norm, ``none``
            leaves them.

    Returns:
        complex128 [F, S, A].
    """
    c = trajectory.coefficients + DELTA_SCALE * np.asarray(delta, dtype=np.complex128)
    if repair == "none":
        return c
    return (loewdin if repair == "loewdin" else normalise)(c, trajectory.overlap)


def from_delta(delta: np.ndarray, trajectory: Trajectory, times_fs: np.ndarray) -> np.ndarray:
    r"""S-orthonormal orbitals from Delta, with the phase of free evolution :math:`\gamma_n = e^{-i\varepsilon_n t}`.

    Args:
        delta: Complex [F, S, A].
        trajectory: Gives C(0), the overlap and the orbital energies.
        times_fs: Times of the frames, fs [F].

    Returns:
        complex128 [F, S, A].
    """
    c = moved_orbitals(delta, trajectory, "loewdin")
    return c * np.exp(-1j * np.outer(times_fs / AU_TIME_FS, trajectory.energies_hartree))[..., None]


def normalise(coefficients: np.ndarray, overlap: np.ndarray) -> np.ndarray:
    """Divide each orbital by its norm.

    Args:
        coefficients: Complex [..., S, A].
        overlap: Of the atomic orbitals, [A, A].

    Returns:
        Likewise, [..., S, A].
    """
    norm = np.einsum("...a,ab,...b->...", coefficients.conj(), overlap, coefficients, optimize=True).real
    return np.asarray(coefficients / np.sqrt(norm)[..., None])


def loewdin(coefficients: np.ndarray, overlap: np.ndarray) -> np.ndarray:
    """The S-orthonormal orbitals nearest to the given ones (Loewdin).

    Args:
        coefficients: Complex [F, S, A].
        overlap: Of the atomic orbitals, [A, A].

    Returns:
        Likewise, [F, S, A].
    """
    gram = coefficients.conj() @ overlap @ np.swapaxes(coefficients, -1, -2)
    values, vectors = np.linalg.eigh(gram)
    inverse_root = (vectors / np.sqrt(values)[..., None, :]) @ np.swapaxes(vectors, -1, -2).conj()
    return np.asarray(np.swapaxes(inverse_root, -1, -2) @ coefficients)


def _without_field_until(trajectory: Trajectory, end_fs: float) -> Trajectory:
    """With samples of no field added up to a time."""
    fine = trajectory.field_times_fs
    spacing = fine[1] - fine[0]
    more = fine[-1] + spacing * np.arange(1, round((end_fs - fine[-1]) / spacing) + 1)
    field = np.concatenate([trajectory.field_au, np.zeros((len(more), 3))])
    return trajectory.replace(field_times_fs=np.concatenate([fine, more]), field_au=field)


def predicted_trajectory(delta: np.ndarray, trajectory: Trajectory, provenance: Provenance) -> Trajectory:
    """A trajectory of the file contract; its dipole is that of the coefficients as they are stored, energies are NaN.

    Args:
        delta: Predicted Delta, complex [F, S, A], frame 0 included; it may be longer than the trajectory.
        trajectory: Gives the ground state and the field, which is zero beyond its samples.
        provenance: What made the prediction, for the file.

    Returns:
        A trajectory of kind ``predicted``.
    """
    times = trajectory.times_fs[: len(delta)]
    if len(delta) > len(times):
        spacing = times[1] - times[0]
        times = np.concatenate([times, times[-1] + spacing * np.arange(1, len(delta) - len(times) + 1)])
        trajectory = _without_field_until(trajectory, times[-1])
    c = from_delta(delta, trajectory, times).astype(trajectory.frame_coefficients.dtype)
    return trajectory.replace(
        times_fs=times,
        frame_coefficients=c,
        dipole_au=electronic_dipole_au(c, trajectory) + trajectory.nuclear_dipole_au,
        energy_hartree=np.full(len(times), np.nan),
        norm_error=orthonormality_error(c, trajectory.overlap),
        provenance=provenance,
        kind="predicted",
    )
