"""Errors of predicted trajectories, as OrbEvo defines them. Perfect is 0; no motion gives 1 in those over signal."""

from __future__ import annotations

import numpy as np

from graphlearn.orbitals.data.target import moved_orbitals
from tdddft.analysis.spectrum import WINDOW_EXPONENT, field_direction
from tdddft.trajectory import Trajectory, electronic_dipole_au
from tdddft.units import AU_TIME_FS, HARTREE_EV

ZERO_PADDING = 10
ABSORPTION_MAX_EV = 20.0


def l2_error(predicted: np.ndarray, target: np.ndarray, atom_of_orbital: np.ndarray) -> float:
    r"""Mean over frames, states and atoms of :math:`\lVert \hat\Delta_{n,i} - \Delta_{n,i} \rVert_2`, in Delta's units.

    Args:
        predicted: Complex [F, S, A], without the frame at t = 0.
        target: Likewise.
        atom_of_orbital: Atom of each orbital, int [A].

    Returns:
        The mean distance.
    """
    square = np.abs(predicted - target) ** 2
    per_atom = np.stack([square[..., atom_of_orbital == a].sum(-1) for a in range(atom_of_orbital.max() + 1)], -1)
    return float(np.sqrt(per_atom).mean())


def wavefunction_nrmse(predicted: np.ndarray, target: np.ndarray, frames: int | None = None) -> float:
    r"""Mean over states of :math:`\lVert\hat\Delta_n-\Delta_n\rVert_F` over that of :math:`\lVert\Delta_n\rVert_F`.

    Args:
        predicted: Complex [F, S, A], without the frame at t = 0.
        target: Likewise.
        frames: Number of first frames to use; all by default.

    Returns:
        The ratio.
    """
    error = np.linalg.norm((predicted - target)[:frames], axis=(0, 2)).mean()
    return float(error / np.linalg.norm(target[:frames], axis=(0, 2)).mean())


def wavefunction_nrmse_by_frame(predicted: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Error of each frame over the root mean square of the target over all frames.

    Args:
        predicted: Complex [F, S, A], without the frame at t = 0.
        target: Likewise.

    Returns:
        float64 [F].
    """
    scale = np.linalg.norm(target, axis=2).mean(1)
    return np.asarray(np.linalg.norm(predicted - target, axis=2).mean(1) / np.sqrt((scale**2).mean()))


def induced_dipole_au(delta: np.ndarray, trajectory: Trajectory) -> np.ndarray:
    """Dipole minus its ground-state value, of orbitals that are divided by their norm.

    Args:
        delta: Complex [F, S, A].
        trajectory: Gives the ground state.

    Returns:
        Electron charges times bohr, float64 [F, 3].
    """
    ground = trajectory.coefficients.astype(np.complex128)[None]
    moved = moved_orbitals(delta, trajectory, "norm")
    return np.asarray(electronic_dipole_au(moved, trajectory) - electronic_dipole_au(ground, trajectory))


def dipole_nrmse(predicted: np.ndarray, target: np.ndarray) -> float:
    """Norm of the error of the induced dipole over the norm of the dipole.

    Args:
        predicted: Electron charges times bohr, [F, 3] or, along the field, [F].
        target: Likewise.

    Returns:
        The ratio.
    """
    return float(np.linalg.norm(predicted - target) / np.linalg.norm(target))


def paper_absorption(dipole_along_field: np.ndarray, trajectory: Trajectory) -> tuple[np.ndarray, np.ndarray]:
    r"""Absorption :math:`|\mathrm{Im}(\mathrm{FFT}\,\mu / \mathrm{FFT}\,E)|` as the OrbEvo paper defines its error.

    Dipole and field are taken at the frames, both multiplied by exp(-3.798 t/T), and padded with zeros to ten times
    their length. :func:`tdddft.analysis.spectrum.absorption_spectrum` is the spectrum to look at: it damps the dipole
    alone, integrates the field over its own samples, and keeps the sign. This one exists beside it because an error
    can be compared with published ones only if it is formed as they are.

    Args:
        dipole_along_field: Induced dipole without the frame at t = 0, e bohr, float64 [F].
        trajectory: Gives times and field.

    Returns:
        Energies, eV, and absorption, atomic units of the polarisability, both up to 20 eV.

    Source: OrbEvo (arXiv 2603.03511).
    """
    times = trajectory.times_fs
    dipole = np.concatenate([[0.0], dipole_along_field])
    field = _field_at_frames(trajectory)
    window = np.exp(-WINDOW_EXPONENT * times / times[-1])
    length = ZERO_PADDING * len(times)
    ratio = np.fft.fft(dipole * window, length) / np.fft.fft(field * window, length)
    energies = 2 * np.pi * np.fft.fftfreq(length, (times[1] - times[0]) / AU_TIME_FS) * HARTREE_EV
    keep = (energies >= 0) & (energies < ABSORPTION_MAX_EV)
    return energies[keep], np.abs(ratio.imag[keep])


def absorption_nrmse(predicted: np.ndarray, target: np.ndarray, trajectory: Trajectory) -> float:
    """Norm of the error of :func:`paper_absorption` over its norm.

    Args:
        predicted: Induced dipole along the field without the frame at t = 0, electron charges times bohr [F].
        target: Likewise.
        trajectory: Gives times and field.

    Returns:
        The ratio.
    """
    return dipole_nrmse(paper_absorption(predicted, trajectory)[1], paper_absorption(target, trajectory)[1])


def _field_at_frames(trajectory: Trajectory) -> np.ndarray:
    """Field along its direction at the times of the frames, float64 [F + 1]."""
    along = trajectory.field_au @ field_direction(trajectory)
    return np.asarray(np.interp(trajectory.times_fs, trajectory.field_times_fs, along))
