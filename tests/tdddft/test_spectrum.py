import numpy as np
import pytest

from tdddft import InputError, Kick, absorption_spectrum, propagate
from tdddft.spectrum import Spectrum, average_spectrum, field_direction, find_peaks
from tdddft.units import AU_TIME_FS, HARTREE_EV


def oscillator(trajectory, energies_ev, strengths, times_fs, kick_au=1e-3):
    """A trajectory whose dipole is that of undamped oscillators after a kick along z."""
    t = times_fs / AU_TIME_FS
    omegas = np.array(energies_ev) / HARTREE_EV
    signal = sum(kick_au * f / w * np.sin(w * t) for f, w in zip(strengths, omegas, strict=True))
    zeros = np.zeros((len(times_fs), 3))
    return trajectory.replace(
        times_fs=times_fs, dipole_au=zeros + np.outer(signal, [0, 0, 1]), field_times_fs=times_fs, field_au=zeros,
        field_impulse_au=np.array([0, 0, kick_au]), info={**trajectory.info, "field": {}},
    )  # fmt: skip


def test_oscillators_give_lines_at_their_energies_with_their_strengths(water_trajectory):
    times = np.linspace(0, 20, 8001)
    spectrum = absorption_spectrum(oscillator(water_trajectory, [7.5, 13.2], [0.4, 1.1], times), hwhm_ev=0.25)
    peaks = find_peaks(spectrum, relative_height=0.1)
    assert [e for e, _ in peaks] == pytest.approx([7.5, 13.2], abs=0.01)
    step = (spectrum.energy_ev[1] - spectrum.energy_ev[0]) / HARTREE_EV
    first = spectrum.energy_ev < 10.3
    total = [(spectrum.strength_per_hartree[part] * step).sum() for part in (first, ~first)]
    assert total == pytest.approx([0.4, 1.1], rel=0.05)


def test_kick_and_pulse_give_the_same_spectrum(water, water_trajectory):
    direction = (0.3, 0.5, 0.8)
    kicked = propagate(water, Kick(1e-3, direction), steps=400, save_every=2)
    a, b = (absorption_spectrum(t, hwhm_ev=2.0, max_energy_ev=16.0) for t in (kicked, water_trajectory))
    window = a.energy_ev > 6
    gap = np.abs(a.strength_per_hartree - b.strength_per_hartree)[window].max()
    assert gap < 0.1 * a.strength_per_hartree[window].max()


def test_a_short_rectangular_kick_gives_the_spectrum_of_the_delta_kick(water):
    dt = 0.005
    kicks = (Kick(1e-3, (0, 0, 1)), Kick(1e-3, (0, 0, 1), width_fs=dt))
    runs = [propagate(water, kick, steps=300, dt_fs=dt, save_every=2) for kick in kicks]
    a, b = (absorption_spectrum(t, hwhm_ev=1.5, max_energy_ev=20.0).strength_per_hartree for t in runs)
    assert np.abs(a - b).max() < 0.05 * a.max()


def test_direction_of_the_field(water_trajectory):
    assert np.allclose(field_direction(water_trajectory), np.array([0.3, 0.5, 0.8]) / np.linalg.norm([0.3, 0.5, 0.8]))
    still = water_trajectory.replace(field_au=np.zeros_like(water_trajectory.field_au))
    with pytest.raises(InputError, match="no external field"):
        absorption_spectrum(still)
    turning = water_trajectory.field_au.copy()
    turning[:, 0] = np.roll(turning[:, 0], 37)
    with pytest.raises(InputError, match="the field turns"):
        absorption_spectrum(water_trajectory.replace(field_au=turning))


def test_average_and_peaks_of_a_flat_spectrum():
    energy = np.linspace(1, 10, 50)
    flat = Spectrum(energy, energy * 0j, energy * 0, energy * 0 + 1)
    assert find_peaks(flat) == []
    assert np.array_equal(average_spectrum([flat, flat]).energy_ev, energy)
