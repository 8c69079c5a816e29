r"""High-harmonic spectra: what the accelerated dipole radiates.

.. math:: \frac{dE}{d\omega} = \frac{2}{3\pi c^3}\,\Big|\int w(t)\,\ddot{\boldsymbol\mu}(t)\,e^{i\omega t}\,dt\Big|^2
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import scipy.constants

from graphlearn.base.errors import InputError
from tdddft.fields.laser import Laser
from tdddft.fields.serialization import FieldSum
from tdddft.trajectory import Trajectory
from tdddft.units import AU_FIELD_V_PER_ANGSTROM, AU_TIME_FS, HARTREE_EV

Window = Literal["blackman", "hann"]
WINDOWS: dict[str, tuple[float, ...]] = {"blackman": (0.42, -0.5, 0.08), "hann": (0.5, -0.5)}  # cosine series
LIGHT_SPEED_AU = 1 / scipy.constants.alpha
MIN_FRAMES = 20
LEAST_PERIODS = 2.0
CUTOFF_FACTOR = 3.17


@dataclass(frozen=True, eq=False)
class HarmonicSpectrum:
    """Radiation of one trajectory against the order of the harmonic.

    Args:
        fundamental_ev: Photon energy of the driving field, eV.
        orders: Energy over that of the fundamental, float64 [W].
        yields: Radiated energy per energy of the radiation, polarised along x, y and z, float64 [W, 3], hartree per
            hartree.
        cutoff_order: Order of the classical cut-off, ionisation energy (by the highest occupied orbital) plus 3.17
            ponderomotive energies; None where the field is not one laser.
    """

    fundamental_ev: float
    orders: np.ndarray
    yields: np.ndarray
    cutoff_order: float | None = None

    @property
    def total(self) -> np.ndarray:
        """Sum over the polarisations, float64 [W]."""
        return np.asarray(self.yields.sum(axis=1))

    def harmonics(self) -> tuple[np.ndarray, np.ndarray]:
        """Whole orders [H], and the total yield there, float64 [H]."""
        orders = np.arange(1, int(self.orders[-1]) + 1)
        return orders, np.interp(orders, self.orders, self.total)


def harmonic_spectrum(
    trajectory: Trajectory,
    fundamental_ev: float | None = None,
    *,
    max_order: float = 30.0,
    window: Window = "blackman",
) -> HarmonicSpectrum:
    r"""Spectrum of the dipole acceleration, under a window over the whole trajectory.

    The window and its slope are zero at both ends, so that two integrations by parts move the derivatives from the
    dipole to :math:`w(t) e^{i\omega t}`, where they are exact: nothing is differentiated by differences of frames.

    Args:
        trajectory: Simulated or predicted, under a laser.
        fundamental_ev: Photon energy of the driving field; by default that of its one laser.
        max_order: Upper end of the axis.
        window: ``blackman``, of lower side lobes, or ``hann``, of narrower lines.

    Returns:
        The spectrum.

    Raises:
        InputError: where no fundamental is given or known, for an unknown window, and for frames that are too few, too
            far apart for the highest order, or shorter than two periods of the fundamental.
    """
    t = trajectory
    if window not in WINDOWS:
        raise InputError(f"window {window!r}: choose one of {', '.join(get_args(Window))}")
    lasers = _lasers(t)
    if fundamental_ev is None:
        fundamental_ev = _photon_energy(t, lasers)
    if fundamental_ev <= 0 or max_order <= 1:
        raise InputError("the fundamental must be positive, and the highest order above 1")
    times = t.times_fs / AU_TIME_FS
    length, spacing, omega_1 = times[-1] - times[0], times[1] - times[0], fundamental_ev / HARTREE_EV
    if len(times) < MIN_FRAMES or length < LEAST_PERIODS * 2 * np.pi / omega_1:
        periods_fs = LEAST_PERIODS * 2 * np.pi / omega_1 * AU_TIME_FS
        raise InputError(
            f"{t.name}: {len(times)} frames over {t.times_fs[-1]:.3g} fs are too few; harmonics of {fundamental_ev:g} "
            f"eV need {MIN_FRAMES}, and two periods ({periods_fs:.3g} fs) at least"
        )
    resolved = np.pi / (spacing * omega_1)
    if max_order > resolved:
        needed_fs = np.pi / (max_order * omega_1) * AU_TIME_FS
        raise InputError(
            f"{t.name}: frames {spacing * AU_TIME_FS:.3g} fs apart resolve {resolved:.1f} orders, not {max_order:g}: "
            f"store a frame every {needed_fs:.2g} fs, or lower --max-order"
        )
    step = np.pi / length / 4  # a fraction of the narrowest line
    omega = np.arange(step, max_order * omega_1 + step, step)
    acceleration = _windowed_acceleration(times - times[0], t.dipole_au - t.dipole_au[0], omega, WINDOWS[window])
    yields = 2 / (3 * np.pi * LIGHT_SPEED_AU**3) * np.abs(acceleration) ** 2
    cutoff = _cutoff_ev(t, lasers[0]) / fundamental_ev if len(lasers) == 1 else None
    return HarmonicSpectrum(float(fundamental_ev), omega / omega_1, yields, cutoff)


def _windowed_acceleration(
    times: np.ndarray, dipole: np.ndarray, omega: np.ndarray, series: tuple[float, ...]
) -> np.ndarray:
    r""":math:`\int \mu\, \tfrac{d^2}{dt^2}(w\, e^{i\omega t})\, dt` by the trapezoidal rule, complex [W, 3]."""
    angles = np.outer(2 * np.pi * np.arange(len(series)) / times[-1], times)
    rates, factors = (2 * np.pi * np.arange(len(series)) / times[-1])[:, None], np.array(series)[:, None]
    w = (factors * np.cos(angles)).sum(axis=0)
    slope = (-factors * rates * np.sin(angles)).sum(axis=0)
    curvature = (-factors * rates**2 * np.cos(angles)).sum(axis=0)
    weights = np.full(len(times), times[1] - times[0])
    weights[[0, -1]] *= 0.5
    waves = np.exp(1j * np.outer(omega, times)) * weights
    parts = [waves @ (factor[:, None] * dipole) for factor in (curvature, slope, w)]
    return np.asarray(parts[0] + 2j * omega[:, None] * parts[1] - omega[:, None] ** 2 * parts[2])


def _lasers(t: Trajectory) -> list[Laser]:
    source = t.field.source
    fields = source.fields if isinstance(source, FieldSum) else (source,)
    return [field for field in fields if isinstance(field, Laser)]


def _photon_energy(t: Trajectory, lasers: list[Laser]) -> float:
    if not np.any(t.field_au) and not np.any(t.field_impulse_au):
        raise InputError(f"{t.name}: no external field, so there are no harmonics")
    energies = sorted({laser.photon_energy_ev for laser in lasers})
    if len(energies) != 1:
        which = f"holds lasers of {', '.join(f'{e:g}' for e in energies)} eV" if energies else "is not a laser"
        raise InputError(f"{t.name}: the field {which}: give the fundamental, --fundamental-ev")
    return energies[0]


def _cutoff_ev(t: Trajectory, laser: Laser) -> float:
    """Ionisation energy by Koopmans' theorem plus 3.17 ponderomotive energies, eV."""
    peak = np.linalg.norm(laser.cosine_v_per_angstrom) ** 2 + np.linalg.norm(laser.sine_v_per_angstrom) ** 2
    omega = laser.photon_energy_ev / HARTREE_EV
    ponderomotive = peak / AU_FIELD_V_PER_ANGSTROM**2 / (4 * omega**2)
    return float((CUTOFF_FACTOR * ponderomotive - t.energies_hartree.max()) * HARTREE_EV)
