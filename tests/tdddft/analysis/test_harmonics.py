"""High-harmonic spectra against closed forms and a driven two-level system."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.signal.windows import blackman, hann

from tdddft import InputError, Laser, Method, Midpoint, Molecule, ground_state, propagate
from tdddft.analysis.harmonics import LIGHT_SPEED_AU, harmonic_spectrum
from tdddft.fields.serialization import FieldSum
from tdddft.trajectory import FieldInfo
from tdddft.units import AU_FIELD_V_PER_ANGSTROM, AU_TIME_FS, HARTREE_EV

OMEGA = 0.1  # of the fundamental, hartree


def trajectory(small, times_au, dipole, field=None):
    """The small trajectory with another dipole along z, under another field."""
    frames = {"times_fs": times_au * AU_TIME_FS, "dipole_au": np.outer(dipole, [0.0, 0.0, 1.0])}
    return small.replace(**frames, field=FieldInfo(field or Laser(OMEGA * HARTREE_EV)))


def test_a_sum_of_waves_radiates_by_the_fourth_power_of_its_frequencies(small_trajectory):
    times = np.arange(0, 40 * 2 * np.pi / OMEGA, 0.5)
    amplitudes = {1: 1.0, 3: 1e-3, 5: 1e-5}
    t = trajectory(small_trajectory, times, sum(a * np.cos(n * OMEGA * times) for n, a in amplitudes.items()))
    orders, yields = harmonic_spectrum(t, max_order=7).harmonics()
    assert orders.tolist() == list(range(1, 8))
    area = 0.42 * (times[-1] - times[0])  # of the window
    for n, a in amplitudes.items():
        exact = 2 / (3 * np.pi * LIGHT_SPEED_AU**3) * (0.5 * a * (n * OMEGA) ** 2 * area) ** 2
        assert yields[n - 1] == pytest.approx(exact, rel=1e-3)
    assert yields[[1, 3, 5]].max() < 1e-3 * yields[4]


@pytest.mark.parametrize(("name", "window"), [("blackman", blackman), ("hann", hann)])
def test_a_driven_two_level_system_radiates_its_acceleration(small_trajectory, name, window):
    """The acceleration of the Bloch equations, transformed directly."""
    gap, dipole, strength, steps = 0.4, 1.0, 0.05, 4001

    def field(t):
        return strength * np.sin(np.pi * t / 400) ** 2 * np.cos(OMEGA * t)

    def bloch(t, uvw):  # coherences and inversion
        u, v, w = uvw
        rabi = 2 * dipole * field(t)
        return [gap * v, -gap * u + rabi * w, -rabi * v]

    times = np.linspace(0, 400, steps)
    u, _, w = solve_ivp(bloch, (0, 400), [0.0, 0.0, -1.0], t_eval=times, rtol=1e-10, atol=1e-12).y
    acceleration = dipole * gap * (-gap * u + 2 * dipole * field(times) * w)
    spectrum = harmonic_spectrum(trajectory(small_trajectory, times, dipole * u), max_order=12, window=name)
    weights = window(steps) * (times[1] - times[0])
    direct = np.exp(1j * np.outer(spectrum.orders * OMEGA, times)) @ (weights * acceleration)
    exact = 2 / (3 * np.pi * LIGHT_SPEED_AU**3) * np.abs(direct) ** 2
    assert np.abs(spectrum.total - exact).max() < 1e-5 * exact.max()
    third = np.abs(spectrum.orders - 3) < 0.5
    assert np.abs(spectrum.total - exact)[third].max() < 1e-3 * exact[third].max()
    assert exact[third].max() > 10 * exact[np.abs(spectrum.orders - 2) < 0.1].max()


def test_the_energy_is_that_of_larmor(small_trajectory):
    """Integrated over the spectrum: 2 a^2 / 3 c^3, integrated over time."""
    times = np.linspace(0, 600, 3001)
    t = trajectory(small_trajectory, times, np.exp(-(((times - 300) / 60) ** 2)) * np.cos(OMEGA * times))
    spectrum = harmonic_spectrum(t, max_order=6)
    acceleration = np.gradient(np.gradient(t.dipole_au[:, 2], times), times) * blackman(3001)
    energy = spectrum.total.sum() * (spectrum.orders[1] - spectrum.orders[0]) * OMEGA
    assert energy == pytest.approx(2 / 3 / LIGHT_SPEED_AU**3 * (acceleration**2).sum() * 0.2, rel=2e-3)


def test_a_centrosymmetric_molecule_has_no_even_harmonic():
    molecule = Molecule("H2", [1, 1], [[0, 0, -0.37], [0, 0, 0.37]])
    state = ground_state(molecule, Method(basis="6-31g", pseudopotential=None, functional="HF"))
    laser = Laser(2.0, cosine_v_per_angstrom=(0, 0, 1.5), duration_fs=12.0)
    t = propagate(state, laser, 600, 0.02, save_every=1, precision="complex128", propagator=Midpoint())
    spectrum = harmonic_spectrum(t, max_order=5)
    assert spectrum.yields[:, :2].max() < 1e-12 * spectrum.yields.max()
    heights = [spectrum.total[np.abs(spectrum.orders - n) < 0.1].max() for n in (1, 2, 3)]
    assert heights[0] > heights[2] > 10 * heights[1]
    ponderomotive = (1.5 / AU_FIELD_V_PER_ANGSTROM) ** 2 / 4 / (2.0 / HARTREE_EV) ** 2
    cutoff = (3.17 * ponderomotive - state.energies_hartree[0]) * HARTREE_EV / 2.0
    assert spectrum.cutoff_order == pytest.approx(cutoff)


def test_what_a_trajectory_cannot_tell_is_refused(small_trajectory):
    times = np.arange(0, 1000, 1.0)
    t = trajectory(small_trajectory, times, np.cos(OMEGA * times))
    with pytest.raises(InputError, match=r"resolve 31\.4 orders, not 40: store a frame every 0\.019 fs"):
        harmonic_spectrum(t, max_order=40)
    with pytest.raises(InputError, match="two periods"):
        harmonic_spectrum(trajectory(small_trajectory, times[:100], np.cos(OMEGA * times[:100])), max_order=5)
    with pytest.raises(InputError, match="window 'flat'"):
        harmonic_spectrum(t, window="flat")
    two = FieldSum((Laser(1.0), Laser(2.0)))
    with pytest.raises(InputError, match=r"holds lasers of 1, 2 eV.*--fundamental-ev"):
        harmonic_spectrum(trajectory(small_trajectory, times, np.cos(times), two))
    with pytest.raises(InputError, match="is not a laser"):
        harmonic_spectrum(t.replace(field=FieldInfo()))
    dark = t.replace(field=FieldInfo(), field_au=0 * t.field_au)
    with pytest.raises(InputError, match="no external field"):
        harmonic_spectrum(dark)
