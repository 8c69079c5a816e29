r"""Absorption spectra from dipoles in time.

.. math:: \alpha_{ab}(\omega) = \frac{\int (\mu_a(t) - \mu_a(0))\, w(t)\, e^{i\omega t}\, dt}
                                     {\int E_b(t)\, e^{i\omega t}\, dt}
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.optimize

from graphlearn.base.errors import InputError
from tdddft.analysis.pade import pade_transform
from tdddft.trajectory import Trajectory
from tdddft.units import AU_TIME_FS, HARTREE_EV

WINDOW_EXPONENT = 3.798
FIELD_FLOOR = 0.05
MIN_FRAMES = 5
PADE_SHARPER = 0.2


@dataclass(frozen=True, eq=False)
class Spectrum:
    r"""Absorption along the field: the polarisability and the dipole strength function
    :math:`S(\omega) = \frac{2\omega}{\pi}\,\mathrm{Im}\,\alpha(\omega)` (its integral counts electrons).

    Args:
        energy_ev: float64 [W], eV.
        polarizability_au: Complex [W], along the field, atomic units.
        strength_per_hartree: float64 [W], 1/hartree.
        field_weight: Modulus of the field's transform over its largest, float64 [W]; where it is small, nothing was
            excited and the ratio means nothing.
        hwhm_ev: Half width of the lines, eV.
        duration_fs: Length of the transformed signal, fs; infinite for a Padé approximant.
    """

    energy_ev: np.ndarray
    polarizability_au: np.ndarray
    strength_per_hartree: np.ndarray
    field_weight: np.ndarray
    hwhm_ev: float = 0.1
    duration_fs: float = np.inf


def absorption_spectrum(
    trajectory: Trajectory,
    *,
    hwhm_ev: float | None = None,
    max_energy_ev: float = 30.0,
    step_ev: float = 0.01,
    pade: bool = False,
) -> Spectrum:
    r"""Absorption of one trajectory along its field.

    Args:
        trajectory: Simulated or predicted; its field must keep one direction.
        hwhm_ev: Half width of the Lorentzian line that the window :math:`e^{-\gamma t}` gives, eV. By
            default the window falls to e^-3.8 at the last frame (0.5 eV for 5 fs): no ripples from the cut. With
            ``pade`` a fifth of that.
        max_energy_ev: Upper end of the energy axis; at most what the spacing of the frames resolves.
        step_ev: Spacing of the energy axis.
        pade: Continue the signal by a Padé approximant (:func:`tdddft.analysis.pade.pade_transform`) instead of
            cutting it.

    Returns:
        Polarisability and strength function on the energy axis.

    Raises:
        InputError: if there is no field, it changes direction, or the frames are too few.
    """
    direction = field_direction(trajectory)
    energies, width = _axis([trajectory], hwhm_ev, max_energy_ev, step_ev, pade)
    response, drive = _response_and_drive(trajectory, energies, width, pade)
    response, drive = response @ direction, drive @ direction
    if np.abs(drive).max() == 0.0:
        raise InputError(f"{trajectory.name}: the stored field has no strength at these energies")
    return _spectrum(energies, response / drive, np.abs(drive), width, trajectory, pade)


def polarizability_tensor(
    trajectories: Sequence[Trajectory],
    *,
    hwhm_ev: float | None = None,
    max_energy_ev: float = 30.0,
    step_ev: float = 0.01,
    pade: bool = False,
) -> tuple[np.ndarray, Spectrum]:
    r"""Polarisability :math:`\alpha_{ab}(\omega)` of one molecule from three fields that are not in one plane.

    Solves :math:`\boldsymbol\mu^{(k)}(\omega) = \alpha(\omega)\, \mathbf E^{(k)}(\omega)` for the three trajectories k.
    Arguments are those of :func:`absorption_spectrum`.

    Args:
        trajectories: Three, of one molecule at the same times.
        hwhm_ev: Half width of the lines, eV, see :func:`absorption_spectrum`.
        max_energy_ev: Upper end of the energy axis, eV.
        step_ev: Spacing of the energy axis, eV.
        pade: Continue the signals by Padé approximants.

    Returns:
        Complex [W, 3, 3], atomic units, and the isotropic spectrum,
        :math:`S = \frac{2\omega}{3\pi}\,\mathrm{Im\,Tr}\,\alpha`.

    Raises:
        InputError: for other than three trajectories, other molecules or times, or directions in one plane.
    """
    first = trajectories[0]
    if len(trajectories) != 3 or not same_molecule(trajectories):
        raise InputError("a polarisability tensor needs three trajectories of one molecule at the same times")
    if not independent_directions(trajectories):
        raise InputError("the fields of the three trajectories lie in one plane; a tensor needs three directions")
    energies, width = _axis(trajectories, hwhm_ev, max_energy_ev, step_ev, pade)
    pairs = [_response_and_drive(t, energies, width, pade) for t in trajectories]
    responses, drives = (np.stack(part, axis=-1) for part in zip(*pairs, strict=True))  # [W, 3, K]
    tensor = np.swapaxes(np.linalg.solve(np.swapaxes(drives, 1, 2), np.swapaxes(responses, 1, 2)), 1, 2)
    weight = np.linalg.norm(drives, axis=1).min(axis=1)
    isotropic = np.einsum("waa->w", tensor) / 3
    return tensor, _spectrum(energies, isotropic, weight, width, first, pade)


def same_molecule(trajectories: Sequence[Trajectory]) -> bool:
    """Whether all are of one geometry at the same times, and all simulated or all predicted."""
    first = trajectories[0]
    arrays = ("numbers", "positions_angstrom", "times_fs")
    return all(
        t.kind == first.kind and all(np.array_equal(getattr(t, a), getattr(first, a)) for a in arrays)
        for t in trajectories
    )


def independent_directions(trajectories: Sequence[Trajectory]) -> bool:
    """Whether the fields of three trajectories span space."""
    return bool(abs(np.linalg.det([field_direction(t) for t in trajectories])) > 1e-3)


def can_form_tensor(trajectories: Sequence[Trajectory]) -> bool:
    """Whether :func:`polarizability_tensor` takes them."""
    return len(trajectories) == 3 and same_molecule(trajectories) and independent_directions(trajectories)


def line_strengths(spectrum: Spectrum, energies_ev: Sequence[float] | np.ndarray) -> np.ndarray:
    r"""Oscillator strengths of lines at given energies: the non-negative fit of their shapes to the strength function.

    A line of strength f at :math:`\omega_k` has the shape that the window gives to
    :math:`\tfrac{f}{\omega_k}\sin\omega_k t`.

    Args:
        spectrum: Gives strength function, line width and duration.
        energies_ev: Energies of the lines [L], eV.

    Returns:
        float64, one per line; those along the field for a single trajectory, the isotropic ones for a tensor.
    """
    omega, gamma = spectrum.energy_ev / HARTREE_EV, spectrum.hwhm_ev / HARTREE_EV
    inside = spectrum.field_weight > FIELD_FLOOR
    lines, duration = np.asarray(energies_ev) / HARTREE_EV, spectrum.duration_fs / AU_TIME_FS
    if len(lines) == 0:
        return np.zeros(0)
    up, down = (_damped_integral(omega[:, None] + sign * lines, gamma, duration) for sign in (1, -1))
    shapes = 2 * omega[:, None] / np.pi * ((up - down) / 2j).imag / lines  # [W, L]
    return scipy.optimize.nnls(shapes[inside], spectrum.strength_per_hartree[inside])[0]


def _damped_integral(omega: np.ndarray, gamma: float, duration: float) -> np.ndarray:
    r""":math:`\int_0^T e^{(i\omega - \gamma) t} dt`."""
    rate = 1j * omega - gamma
    end = 0.0 if np.isinf(duration) else np.exp(rate * duration)
    return np.asarray((end - 1.0) / rate)


def _axis(
    trajectories: Sequence[Trajectory], hwhm_ev: float | None, max_energy_ev: float, step_ev: float, pade: bool
) -> tuple[np.ndarray, float]:
    """Energies in eV [W] and the line width."""
    first = trajectories[0]
    if len(first.times_fs) < MIN_FRAMES:
        raise InputError(f"{first.name}: {len(first.times_fs)} frames are too few for a spectrum")
    width = hwhm_ev or max(default_hwhm_ev(t, pade=pade) for t in trajectories)
    nyquist_ev = np.pi * AU_TIME_FS / (first.times_fs[1] - first.times_fs[0]) * HARTREE_EV
    return np.arange(step_ev, min(max_energy_ev, nyquist_ev), step_ev), width


def _response_and_drive(
    trajectory: Trajectory, energies_ev: np.ndarray, hwhm_ev: float, pade: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Damped transforms of the induced dipole and of the field, complex [W, 3] each."""
    omega, gamma = energies_ev / HARTREE_EV, hwhm_ev / HARTREE_EV
    times = trajectory.times_fs / AU_TIME_FS
    signal = (trajectory.dipole_au - trajectory.dipole_au[0]) * np.exp(-gamma * times)[:, None]
    if pade:
        columns = [
            pade_transform(column, times, omega) if np.abs(column).max() > 1e-6 * np.abs(signal).max() else 0 * omega
            for column in signal.T
        ]
        response = np.stack(columns, axis=1).astype(np.complex128)
    else:
        weights = np.full(len(times), times[1] - times[0])
        weights[[0, -1]] *= 0.5  # the trapezoidal rule
        response = np.exp(1j * np.outer(omega, times)) @ (signal * weights[:, None])
    field_times_fs, weights_fs, field = trajectory.field_quadrature()
    field_times = field_times_fs / AU_TIME_FS
    damped = field * (np.exp(-gamma * field_times) * weights_fs / AU_TIME_FS)[:, None]
    return response, np.exp(1j * np.outer(omega, field_times)) @ damped + trajectory.field_impulse_au


def _spectrum(
    energies_ev: np.ndarray, alpha: np.ndarray, weight: np.ndarray, hwhm_ev: float, trajectory: Trajectory, pade: bool
) -> Spectrum:
    strength = 2 * energies_ev / HARTREE_EV / np.pi * alpha.imag
    duration = np.inf if pade else float(trajectory.times_fs[-1] - trajectory.times_fs[0])
    return Spectrum(energies_ev, alpha, strength, weight / weight.max(), hwhm_ev, duration)


def default_hwhm_ev(trajectory: Trajectory, *, pade: bool = False) -> float:
    """Line width for which the window falls to e^-3.8 at the last frame, eV; a fifth of it with a Padé approximant.

    Args:
        trajectory: Gives the times of the frames.
        pade: Whether a Padé approximant follows.

    Returns:
        Half width, eV.
    """
    width = WINDOW_EXPONENT * AU_TIME_FS / (trajectory.times_fs[-1] - trajectory.times_fs[0]) * HARTREE_EV
    return float(width * (PADE_SHARPER if pade else 1.0))


def field_direction(trajectory: Trajectory) -> np.ndarray:
    """Unit vector of the field, float64 [3].

    Args:
        trajectory: With a field of one direction.

    Returns:
        The direction; that of the field's parameters where the file holds them.

    Raises:
        InputError: without a field, or with one that turns.
    """
    samples = np.concatenate([trajectory.field_au, trajectory.field_impulse_au[None]])
    strength = np.linalg.norm(samples, axis=1)
    if strength.max() == 0.0:
        raise InputError(f"{trajectory.name}: no external field, so there is no spectrum")
    parameters = getattr(trajectory.field.source, "direction", None)
    strongest = samples[strength.argmax()] / strength.max()
    direction = np.asarray(strongest if parameters is None else np.asarray(parameters) / np.linalg.norm(parameters))
    if np.abs(samples - np.outer(samples @ direction, direction)).max() > 1e-6 * strength.max():
        raise InputError(f"{trajectory.name}: the field turns; a spectrum along it is not defined")
    return direction


def find_peaks(
    spectrum: Spectrum, relative_height: float = 0.02, field_floor: float = FIELD_FLOOR
) -> list[tuple[float, float]]:
    """Maxima of the strength function as (energy in eV, height), refined by a parabola through three points.

    Maxima lower than ``relative_height`` of the highest are left out, and those where the field excites nothing.

    Args:
        spectrum: The spectrum.
        relative_height: Lowest maximum, as a fraction of the highest.
        field_floor: Smallest ``field_weight`` at which the field counts as exciting.

    Returns:
        Energy in eV and height in 1/hartree of each peak, by rising energy.
    """
    y, x = spectrum.strength_per_hartree, spectrum.energy_ev
    inner = np.arange(1, len(y) - 1)
    tops = inner[(y[inner] > y[inner - 1]) & (y[inner] >= y[inner + 1]) & (spectrum.field_weight[inner] > field_floor)]
    if len(tops) == 0:
        return []
    tops = tops[y[tops] > relative_height * y[tops].max()]
    left, middle, right = y[tops - 1], y[tops], y[tops + 1]
    offset = 0.5 * (left - right) / (left - 2 * middle + right)
    return [(float(x[t] + o * (x[1] - x[0])), float(y[t])) for t, o in zip(tops, offset, strict=True)]
