r"""Absorption spectra from dipoles in time.

.. math:: \alpha_{ab}(\omega) = \frac{\int (\mu_a(t) - \mu_a(0))\, w(t)\, e^{i\omega t}\, dt}
                                     {\int E_b(t)\, e^{i\omega t}\, dt}
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tdddft.errors import InputError
from tdddft.trajectory import Trajectory
from tdddft.units import AU_TIME_FS, HARTREE_EV

WINDOW_EXPONENT = 3.798
FIELD_FLOOR = 0.05


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
    """

    energy_ev: np.ndarray
    polarizability_au: np.ndarray
    strength_per_hartree: np.ndarray
    field_weight: np.ndarray


def absorption_spectrum(
    trajectory: Trajectory, *, hwhm_ev: float | None = None, max_energy_ev: float = 30.0, step_ev: float = 0.01
) -> Spectrum:
    r"""Absorption of one trajectory along its field.

    Args:
        trajectory: Simulated or predicted; its field must keep one direction.
        hwhm_ev: Half width of the Lorentzian line that the window :math:`e^{-\gamma t}` gives, eV. By
            default the window falls to e^-3.8 at the last frame (0.5 eV for 5 fs): no ripples from the cut.
        max_energy_ev: Upper end of the energy axis; at most what the spacing of the frames resolves.
        step_ev: Spacing of the energy axis.

    Raises:
        InputError: if there is no field, or it changes direction.
    """
    if len(trajectory.times_fs) < 3:
        raise InputError(f"{trajectory.name}: {len(trajectory.times_fs)} frames are too few for a spectrum")
    direction = field_direction(trajectory)
    if hwhm_ev is None:
        hwhm_ev = default_hwhm_ev(trajectory)
    nyquist_ev = np.pi * AU_TIME_FS / (trajectory.times_fs[1] - trajectory.times_fs[0]) * HARTREE_EV
    energies = np.arange(step_ev, min(max_energy_ev, nyquist_ev), step_ev)
    omega = energies / HARTREE_EV
    times = trajectory.times_fs / AU_TIME_FS
    window = np.exp(-hwhm_ev / HARTREE_EV * times)
    signal = (trajectory.dipole_au - trajectory.dipole_au[0]) @ direction
    response = _transform(signal * window, times, omega)
    field_times, field = trajectory.field_at_midpoints()
    field_times = field_times / AU_TIME_FS
    damping = np.exp(-hwhm_ev / HARTREE_EV * field_times)
    step = field_times[1] - field_times[0]
    drive = np.exp(1j * np.outer(omega, field_times)) @ ((field @ direction) * damping * step)
    drive = drive + trajectory.field_impulse_au @ direction
    alpha = response / drive
    weight = np.abs(drive) / np.abs(drive).max()
    return Spectrum(energies, alpha, 2 * omega / np.pi * alpha.imag, weight)


def default_hwhm_ev(trajectory: Trajectory) -> float:
    """Line width for which the window falls to e^-3.8 at the last frame, eV."""
    return float(WINDOW_EXPONENT * AU_TIME_FS / (trajectory.times_fs[-1] - trajectory.times_fs[0]) * HARTREE_EV)


def field_direction(trajectory: Trajectory) -> np.ndarray:
    """Unit vector of the field, float64 [3]; InputError without a field or with one that turns."""
    samples = np.concatenate([trajectory.field_au, trajectory.field_impulse_au[None]])
    strength = np.linalg.norm(samples, axis=1)
    if strength.max() == 0.0:
        raise InputError(f"{trajectory.name}: no external field, so there is no spectrum")
    parameters = trajectory.info.get("field", {}).get("direction")
    strongest = samples[strength.argmax()] / strength.max()
    direction = strongest if parameters is None else np.asarray(parameters) / np.linalg.norm(parameters)
    if np.abs(samples - np.outer(samples @ direction, direction)).max() > 1e-6 * strength.max():
        raise InputError(f"{trajectory.name}: the field turns; a spectrum along it is not defined")
    return direction


def average_spectrum(spectra: list[Spectrum]) -> Spectrum:
    """Mean over field directions; of three orthogonal ones it is the isotropic spectrum."""
    return Spectrum(
        spectra[0].energy_ev,
        np.mean([s.polarizability_au for s in spectra], axis=0),
        np.mean([s.strength_per_hartree for s in spectra], axis=0),
        np.min([s.field_weight for s in spectra], axis=0),
    )


def find_peaks(
    spectrum: Spectrum, relative_height: float = 0.02, field_floor: float = FIELD_FLOOR
) -> list[tuple[float, float]]:
    """Maxima of the strength function as (energy in eV, height), refined by a parabola through three points.

    Maxima lower than ``relative_height`` of the highest are left out, and those where the field excites nothing.
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


def _transform(values: np.ndarray, times: np.ndarray, omega: np.ndarray) -> np.ndarray:
    """Trapezoidal integral of values(t) exp(i omega t), complex [W]."""
    weights = np.full(len(times), times[1] - times[0])
    weights[[0, -1]] *= 0.5
    return np.exp(1j * np.outer(omega, times)) @ (values * weights)
