r"""Transitions behind the peaks of a propagation: Fourier components of its density matrix.

After the field, and to first order in it, virtual-occupied elements of the density matrix move as

.. math:: \rho_{ai}(t) = \sum_k \alpha_k X^k_{ia} e^{-i\omega_k t} + \alpha_k^* Y^k_{ia} e^{i\omega_k t}
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.linalg

from graphlearn.base.errors import InputError
from tdddft.analysis.spectrum import absorption_spectrum, field_direction, find_peaks, line_strengths
from tdddft.analysis.transition import Transition
from tdddft.electronic.mole import build_mol
from tdddft.trajectory import Trajectory, level_of_theory, orthonormal_basis
from tdddft.trajectory.validation import field_end_index
from tdddft.units import AU_TIME_FS, HARTREE_EV

LEAST_FRAMES = 20
WEAKEST_LINE = 3e-3  # of the highest, to be told apart from the others
SMALLEST_RATIO = 1e-6  # of an eigenvalue of the normal equations


def peaks_of(trajectory: Trajectory) -> tuple[np.ndarray, np.ndarray]:
    """Energies in eV and oscillator strengths, along the field, of the peaks of a trajectory, rising in energy.

    Args:
        trajectory: Simulated or predicted.

    Returns:
        float64 [L] each, from a Padé approximant.

    Raises:
        InputError: as :func:`tdddft.analysis.spectrum.absorption_spectrum`, and where there is no peak.
    """
    spectrum = absorption_spectrum(trajectory, pade=True)
    energies = np.array([energy for energy, _ in find_peaks(spectrum, WEAKEST_LINE)])
    if len(energies) == 0:
        raise InputError(f"{trajectory.name}: the spectrum has no peak")
    return energies, line_strengths(spectrum, energies)


def peak_transitions(trajectory: Trajectory, energies_ev: Sequence[float], within_ev: float = 0.2) -> list[Transition]:
    r"""Transitions at the peaks that lie nearest to given energies.

    The oscillations of all peaks are fitted to the frames after the field at once, by least squares under a Hann
    window, so that neighbours that the length of the run tells apart do not mix. One common phase makes X + Y real.

    Args:
        trajectory: Simulated or predicted, after a weak field.
        energies_ev: Energies, eV.
        within_ev: Largest distance of a peak, eV.

    Returns:
        One per energy.

    Raises:
        InputError: for too few frames after the field, and an energy without a peak.
        OpenShellError: for alpha and beta orbitals.
    """
    t = trajectory
    t.refuse_open_shell("the transition of a peak")
    lines, strengths = peaks_of(t)
    chosen = [int(np.abs(lines - energy).argmin()) for energy in energies_ev]
    for energy, line in zip(energies_ev, lines[chosen], strict=True):
        if abs(energy - line) > within_ev:
            seen = ", ".join(f"{e:.2f}" for e in lines)
            raise InputError(f"{t.name}: no peak within {within_ev:g} eV of {energy:g} eV; there are {seen}")
    half = orthonormal_basis(t.overlap)
    orbitals = half @ scipy.linalg.eigh(half.T @ t.fock_hartree @ half)[1]
    start = 0 if t.field_impulse_au.any() and not t.field_au.any() else field_end_index(t)
    mol, direction, found = build_mol(*level_of_theory(t)), field_direction(t), []
    amplitudes = t.frame_coefficients[start:].astype(np.complex128) @ (t.overlap @ orbitals)
    occupied, virtual = np.split(amplitudes, [len(t.occupations)], axis=2)
    filters = _filters(t, lines, start)[:, chosen]
    for line, up, down in zip(chosen, *filters, strict=True):
        x, y = (np.einsum("f,fsi,fsa->ia", f, occupied.conj(), virtual, optimize=True) for f in (up, down))
        x, y = _normalised(t.name, float(lines[line]), x, y.conj())
        found.append(
            Transition(float(lines[line]), x, y, mol, orbitals, t.dipole_ao_au, float(strengths[line]), direction)
        )
    return found


def _filters(t: Trajectory, lines_ev: np.ndarray, start: int) -> np.ndarray:
    r"""Weights that take the amplitudes of :math:`e^{\mp i\omega_k t}` out of a signal in frames, complex [2, L, F]."""
    times = t.times_fs[start:] / AU_TIME_FS
    if len(times) < max(LEAST_FRAMES, 4 * len(lines_ev)):
        raise InputError(
            f"{t.name}: {len(times)} frames after the field are too few for {len(lines_ev)} peaks; propagate longer, "
            "or store more frames"
        )
    omega = lines_ev / HARTREE_EV
    waves = np.exp(-1j * np.outer(np.concatenate([omega, -omega]), times))
    windowed = waves.conj() * np.hanning(len(times) + 2)[1:-1]
    filters = scipy.linalg.pinvh(windowed @ waves.T, rtol=SMALLEST_RATIO) @ windowed
    return np.asarray(filters.reshape(2, len(omega), -1))


def _normalised(name: str, energy_ev: float, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Real amplitudes with the sum of X^2 - Y^2 equal to one."""
    turn = np.exp(-0.5j * np.angle(((x + y) ** 2).sum()))
    x, y = (x * turn).real, (y * turn).real
    norm = (x**2).sum() - (y**2).sum()
    if norm <= 0:
        raise InputError(f"{name}: the density matrix holds no excitation at {energy_ev:.2f} eV; propagate longer")
    sign = np.sign(x.flat[np.abs(x).argmax()])
    return sign * x / np.sqrt(norm), sign * y / np.sqrt(norm)
