import numpy as np
import pytest

from tdddft import InputError, Kick, absorption_spectrum, propagate
from tdddft.analysis.spectrum import Spectrum, field_direction, find_peaks, line_strengths, polarizability_tensor
from tdddft.trajectory import FieldInfo
from tdddft.units import AU_TIME_FS, HARTREE_EV


def oscillator(trajectory, energies_ev, strengths, times_fs, kick_au=1e-3):
    """A trajectory whose dipole is that of undamped oscillators after a kick along z."""
    t = times_fs / AU_TIME_FS
    omegas = np.array(energies_ev) / HARTREE_EV
    signal = sum(kick_au * f / w * np.sin(w * t) for f, w in zip(strengths, omegas, strict=True))
    zeros = np.zeros((len(times_fs), 3))
    return trajectory.replace(
        times_fs=times_fs, dipole_au=zeros + np.outer(signal, [0, 0, 1]), field_times_fs=times_fs, field_au=zeros,
        field_impulse_au=np.array([0, 0, kick_au]), field=FieldInfo(),
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


def test_a_kick_shorter_than_the_stored_field_keeps_its_strength(water_trajectory):
    """The drive is integrated between the jumps of the field, not over its stored samples."""
    times = np.linspace(0, 10, 1001)
    base = oscillator(water_trajectory, [8.0], [0.5], times)
    for width in (0.002, 0.016):
        run = base.replace(
            field_impulse_au=np.zeros(3),
            field_au=np.outer(np.ones(1001), [0, 0, 1e-9]),
            field=FieldInfo(Kick(1e-3, (0, 0, 1), width_fs=width)),
        )
        a, b = (absorption_spectrum(t, hwhm_ev=0.3).strength_per_hartree.max() for t in (run, base))
        assert a == pytest.approx(b, rel=0.01)


def test_direction_of_the_field(water_trajectory):
    assert np.allclose(field_direction(water_trajectory), np.array([0.3, 0.5, 0.8]) / np.linalg.norm([0.3, 0.5, 0.8]))
    still = water_trajectory.replace(field_au=np.zeros_like(water_trajectory.field_au))
    with pytest.raises(InputError, match="no external field"):
        absorption_spectrum(still)
    turning = water_trajectory.field_au.copy()
    turning[:, 0] = np.roll(turning[:, 0], 37)
    with pytest.raises(InputError, match="the field turns"):
        absorption_spectrum(water_trajectory.replace(field_au=turning))


def test_peaks_and_strengths_of_a_flat_spectrum():
    energy = np.linspace(1, 10, 50)
    flat = Spectrum(energy, energy * 0j, energy * 0, energy * 0 + 1)
    assert find_peaks(flat) == []
    assert line_strengths(flat, []).shape == (0,)


@pytest.mark.parametrize("pade", [False, True])
def test_strengths_of_oscillators_come_back(water_trajectory, pade):
    times = np.linspace(0, 10, 1001)
    spectrum = absorption_spectrum(oscillator(water_trajectory, [7.5, 8.6, 13.2], [0.4, 0.2, 1.1], times), pade=pade)
    peaks = [e for e, _ in find_peaks(spectrum, relative_height=0.02)]
    assert np.abs(np.subtract.outer(peaks, [7.5, 8.6, 13.2])).min(axis=0).max() < (0.002 if pade else 0.02)
    assert line_strengths(spectrum, [7.5, 8.6, 13.2]) == pytest.approx([0.4, 0.2, 1.1], rel=0.02)


def test_pade_resolves_what_the_window_cannot(water_trajectory):
    """Two lines 0.2 eV apart after 8 fs."""
    signal = oscillator(water_trajectory, [7.5, 7.7], [1.0, 1.0], np.linspace(0, 8, 801))
    assert len(find_peaks(absorption_spectrum(signal), relative_height=0.1)) == 1
    energies = [e for e, _ in find_peaks(absorption_spectrum(signal, pade=True))]
    assert energies == pytest.approx([7.5, 7.7], abs=0.01)


def test_tensor_from_three_oblique_kicks(water_trajectory):
    """One oscillator along a known direction: its tensor, from kicks that are neither orthogonal nor of one length."""
    times = np.linspace(0, 20, 4001)
    axis = np.array([0.6, 0.0, 0.8])
    kicks = [np.array(k) for k in ([1e-3, 0, 0], [1e-3, 2e-3, 0], [0.5e-3, 0, 1e-3])]
    runs = []
    for kick in kicks:
        signal = (kick @ axis) / (10 / HARTREE_EV) * np.sin(10 / HARTREE_EV * times / AU_TIME_FS)
        zeros = np.zeros((len(times), 3))
        runs.append(
            water_trajectory.replace(
                times_fs=times, dipole_au=np.outer(signal, axis), field_times_fs=times, field_au=zeros,
                field_impulse_au=kick, field=FieldInfo(),
            )
        )  # fmt: skip
    tensor, isotropic = polarizability_tensor(runs, hwhm_ev=0.2)
    at = int(np.abs(isotropic.energy_ev - 10).argmin())
    shape = tensor[at].imag / np.trace(tensor[at].imag)
    assert np.allclose(shape, np.outer(axis, axis), atol=1e-8)
    assert line_strengths(isotropic, [10.0]) == pytest.approx([1 / 3], rel=0.02)
    with pytest.raises(InputError, match="lie in one plane"):
        polarizability_tensor([runs[0], runs[1], runs[0]])
    with pytest.raises(InputError, match="needs three trajectories"):
        polarizability_tensor(runs[:2])
