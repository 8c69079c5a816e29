"""Pump and probe: a two-level system bleaches by its inversion, a molecule at its root."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from tdddft import GaussianPulses, InputError, Kick, Laser, Method, Midpoint, Molecule, ground_state, propagate
from tdddft.analysis.spectrum import absorption_spectrum
from tdddft.analysis.transient_absorption import transient_absorption
from tdddft.fields.pump_probe import probe_pulse
from tdddft.fields.serialization import FieldSum
from tdddft.trajectory import FieldInfo
from tdddft.units import AU_TIME_FS, HARTREE_EV

GAP_EV, STEP_FS, FRAMES = 10.0, 0.02, 601
PUMP = Laser(GAP_EV, cosine_v_per_angstrom=(0, 0, 1.2), duration_fs=3.0)


def two_level(small, field):
    """A trajectory with the dipole of the Bloch equations, and the inversion after the field."""
    gap, times_fs = GAP_EV / HARTREE_EV, STEP_FS * np.arange(FRAMES)

    def bloch(t, uvw):
        u, v, w = uvw
        rabi = 2 * field.at(np.array([t * AU_TIME_FS]))[0, 2]
        return [gap * v, -gap * u + rabi * w, -rabi * v]

    span = (0, times_fs[-1] / AU_TIME_FS)
    u, _, w = solve_ivp(bloch, span, [0, 0, -1.0], t_eval=times_fs / AU_TIME_FS, rtol=1e-9, atol=1e-11, max_step=0.5).y
    t = small.replace(
        times_fs=times_fs, field_times_fs=times_fs, field_au=field.at(times_fs), field=FieldInfo(field),
        dipole_au=np.outer(-u, [0, 0, 1.0]),
    )  # fmt: skip
    return t, w


@pytest.fixture(scope="module")
def bloch_runs(small_trajectory):
    probes = [probe_pulse(1e-3, (0, 0, 1), 1.5 + delay) for delay in (2.0, 3.5)]
    fields = {
        "pump": PUMP,
        "probe": probes[0],
        "late": FieldSum((PUMP, probes[1])),
        "early": FieldSum((PUMP, probes[0])),
    }
    runs = {name: two_level(small_trajectory, field) for name, field in fields.items()}
    return {name: t for name, (t, _) in runs.items()}, runs["pump"][1][-1]


def test_a_two_level_system_absorbs_by_its_inversion(bloch_runs):
    """The linear response of a mixture of both levels is minus the inversion times that of the lower one."""
    runs, inversion = bloch_runs
    assert -0.7 < inversion < 0.9  # the pump moves much
    found = transient_absorption(runs, max_energy_ev=15.0)
    assert found.delays_fs.tolist() == [2.0, 3.5]
    ground = found.unpumped.strength_per_hartree
    assert found.unpumped.energy_ev[ground.argmax()] == pytest.approx(GAP_EV, abs=0.02)
    for difference in found.difference_per_hartree:
        assert np.abs(difference - (-inversion - 1) * ground).max() < 0.01 * ground.max()


def test_the_unpumped_spectrum_is_that_of_a_kick(bloch_runs, small_trajectory):
    found = transient_absorption(bloch_runs[0], hwhm_ev=0.5, max_energy_ev=15.0)
    kicked, _ = two_level(small_trajectory, probe_pulse(1e-3, (0, 0, 1), 0.1))
    alone = absorption_spectrum(kicked, hwhm_ev=0.5, max_energy_ev=15.0).strength_per_hartree
    assert np.abs(found.unpumped.strength_per_hartree - alone).max() < 0.02 * alone.max()


def test_a_probe_has_the_impulse_of_a_kick():
    probe = probe_pulse(2e-3, (0, 1, 1), 1.0, 0.05)
    times = np.linspace(0, 2, 2001)
    impulse = probe.at(times).sum(axis=0) * 1e-3 / AU_TIME_FS
    assert np.allclose(impulse, Kick(2e-3, (0, 1, 1)).impulse_au, atol=1e-9)
    with pytest.raises(InputError, match=r"begins before t = 0: its centre must lie at 0\.25 fs"):
        probe_pulse(2e-3, (0, 0, 1), 0.2, 0.05)


def test_a_molecule_bleaches_at_its_root():
    """Hydrogen, pumped at its bright root: the line loses strength."""
    molecule = Molecule("H2", [1, 1], [[0, 0, -0.37], [0, 0, 0.37]])
    level = Method(basis="6-31g", pseudopotential=None, functional="LDA,VWN", grid_level=1, response_grid=0)
    state = ground_state(molecule, level)
    pump = Laser(14.5, cosine_v_per_angstrom=(0, 0, 0.3), duration_fs=1.5)
    probe = probe_pulse(1e-3, (0, 0, 1), 2.0)
    fields = {"pump": pump, "probe": probe, "both": FieldSum((pump, probe))}
    runs = {
        name: propagate(state, field, 800, 0.01, save_every=2, propagator=Midpoint(), precision="complex128")
        for name, field in fields.items()
    }
    found = transient_absorption(runs, max_energy_ev=20.0)
    line = found.unpumped.strength_per_hartree
    top = int(line.argmax())
    assert found.unpumped.energy_ev[top] == pytest.approx(14.51, abs=0.1)
    change = found.difference_per_hartree[0]
    assert change.min() < -0.02 * line[top]
    assert abs(found.unpumped.energy_ev[change.argmin()] - 14.5) < 1.0


def test_a_missing_run_and_other_mistakes_are_named(bloch_runs):
    runs = bloch_runs[0]
    for name, missing in (("pump", "the pump of late alone"), ("probe", "the probe of late alone")):
        with pytest.raises(InputError, match=missing):
            transient_absorption({key: t for key, t in runs.items() if key != name})
    with pytest.raises(InputError, match="no trajectory holds a pump and a probe"):
        transient_absorption({"pump": runs["pump"]})
    with pytest.raises(InputError, match="another molecule"):
        transient_absorption({**runs, "far": runs["pump"].replace(positions_angstrom=np.ones((2, 3)))})
    coarse = {key: t.replace(field_times_fs=t.field_times_fs[::5], field_au=t.field_au[::5]) for key, t in runs.items()}
    with pytest.raises(InputError, match="do not resolve a probe"):
        transient_absorption(coarse)
    linear = runs["pump"].provenance.model_copy(update={"propagator": "linear, kernel fitted"})
    with pytest.raises(InputError, match="a pump changes nothing"):
        transient_absorption({**runs, "pump": runs["pump"].replace(provenance=linear)})
    late = FieldSum((PUMP, GaussianPulses(center_fs=50.0, frequencies_per_fs=(0.0,), sigma_fs=0.02)))
    with pytest.raises(InputError, match="behind the last frame"):
        transient_absorption({**runs, "behind": runs["late"].replace(field=FieldInfo(late))})
