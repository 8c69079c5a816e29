import json

import numpy as np
import pytest

from tdddft import FieldSum, GaussianPulses, InputError, Kick, Laser, SampledField
from tdddft.fields.serialization import field_from_dict, field_to_dict
from tdddft.units import AU_FIELD_V_PER_ANGSTROM, AU_TIME_FS, HARTREE_EV


def test_the_papers_pulse_peaks_at_twice_the_amplitude():
    field = GaussianPulses((0, 0, 2)).at(np.array([0.75])) * AU_FIELD_V_PER_ANGSTROM
    assert np.allclose(field, [[0, 0, 0.02]])


def test_the_papers_pulse_against_a_hand_worked_value():
    t = 1.0
    expected = sum(0.01 * np.cos(2 * np.pi * f * 0.25) * np.exp(-(0.25**2) / (2 * 0.2**2)) for f in (3.66, 1.22))
    field = GaussianPulses((1, 0, 0)).at(np.array([t])) * AU_FIELD_V_PER_ANGSTROM
    assert np.allclose(field[0, 0], expected, rtol=1e-12)


def test_a_kick_of_finite_width_has_the_same_impulse():
    kick = Kick(2e-3, (0, 1, 0), width_fs=0.1)
    dt = 1e-4
    impulse = kick.at(np.arange(0, 1, dt)).sum(axis=0) * dt / AU_TIME_FS
    assert np.allclose(impulse, [0, 2e-3, 0], rtol=1e-3)
    assert not kick.impulse_au.any()
    assert np.allclose(Kick(2e-3, (0, 3, 0)).impulse_au, [0, 2e-3, 0])


FIELDS = [
    Kick(1e-3, (1.0, 0.0, 0.0), 0.01),
    GaussianPulses((0.0, 1.0, 1.0), 0.02, (1.0,)),
    Laser(3.1, (0.1, 0.0, 0.0), (0.0, 0.1, 0.0), envelope="trapezoid", duration_fs=5.0, ramp_fs=1.0),
    SampledField((0.0, 1.0), ((0.0, 0.0, 0.0), (0.1, 0.0, 0.2))),
    FieldSum((Kick(1e-3), Laser(2.0, envelope="cw", ramp_fs=0.5))),
]


@pytest.mark.parametrize("envelope", ["gaussian", "sin2", "trapezoid", "cw"])
def test_envelopes_against_hand_worked_values(envelope):
    """Carrier at its crest in the middle; the envelope at start, after 1 fs, in the middle and at the end of 6 fs."""
    duration = {} if envelope == "cw" else {"duration_fs": 6.0}
    ramp = {"ramp_fs": 2.0} if envelope in ("trapezoid", "cw") else {}
    laser = Laser(1e-9, (0.0, 0.0, 1.0), envelope=envelope, start_fs=2.0, **duration, **ramp)
    values = laser.at(np.array([1.9, 2.0, 3.0, 5.0, 8.0, 8.1]))[:, 2] * AU_FIELD_V_PER_ANGSTROM
    expected = {
        "gaussian": [np.exp(-(3.1**2) / 2), np.exp(-4.5), np.exp(-2.0), 1.0, np.exp(-4.5), np.exp(-(3.1**2) / 2)],
        "sin2": [0, 0, 0.25, 1.0, 0, 0],
        "trapezoid": [0, 0, 0.5, 1.0, 0, 0],
        "cw": [0, 0, 0.5, 1.0, 1.0, 1.0],
    }
    assert np.allclose(values, expected[envelope], atol=1e-12)
    jumps = {"gaussian": (), "sin2": (2.0, 8.0), "trapezoid": (2.0, 4.0, 6.0, 8.0), "cw": (2.0, 4.0)}
    assert laser.breaks_fs == jumps[envelope]


def test_circular_polarisation_turns_at_the_carrier_and_keeps_its_strength():
    laser = Laser(4.0, (0.01, 0.0, 0.0), (0.0, 0.01, 0.0), envelope="cw")
    times = np.linspace(0, 1, 50)
    field = laser.at(times) * AU_FIELD_V_PER_ANGSTROM
    assert np.allclose(np.linalg.norm(field, axis=1), 0.01)
    angle = np.unwrap(np.arctan2(field[:, 1], field[:, 0]))
    assert np.allclose(np.diff(angle) / np.diff(times), 4.0 / HARTREE_EV / AU_TIME_FS)


def test_a_sum_adds_fields_impulses_and_jumps():
    total = FIELDS[-1]
    times = np.linspace(0, 2, 7)
    assert np.allclose(total.at(times), sum(f.at(times) for f in total.fields))
    assert np.allclose(total.impulse_au, [0, 0, 1e-3])
    assert total.breaks_fs == (0.0, 0.5)


@pytest.mark.parametrize("field", FIELDS)
def test_round_trip_through_plain_data(field):
    assert field_from_dict(json.loads(json.dumps(field_to_dict(field)))) == field


def test_bad_fields_are_refused():
    with pytest.raises(InputError, match="unknown field kind 'maser'"):
        field_from_dict({"kind": "maser"})
    with pytest.raises(InputError, match="amplitude"):
        field_from_dict({"kind": "kick", "amplitude": 1.0})
    with pytest.raises(InputError, match="not all zero"):
        Kick(1.0, (0, 0, 0))
    with pytest.raises(InputError, match="strength_au = nan"):
        Kick(float("nan"))
    with pytest.raises(InputError, match="width_fs"):
        Kick(1.0, width_fs=-1.0)
    with pytest.raises(InputError, match="sigma_fs"):
        GaussianPulses(sigma_fs=0.0)
    with pytest.raises(InputError, match="photon_energy_ev = 'abc'"):
        Laser("abc")
    with pytest.raises(InputError, match="vectors of three"):
        Laser(3.0, (0.1, 0.2))
    with pytest.raises(InputError, match="at least one"):
        FieldSum(())
    with pytest.raises(InputError, match="is written as"):
        field_from_dict({"kind": "sum", "fields": [1]})
    with pytest.raises(InputError, match="unknown envelope"):
        Laser(3.0, envelope="square")
    with pytest.raises(InputError, match="do not fit"):
        Laser(3.0, envelope="trapezoid", duration_fs=1.0, ramp_fs=0.6)
    with pytest.raises(InputError, match="one vector of three"):
        SampledField((0.0, 1.0), ((0.0, 0.0, 0.0),))


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        (Kick(np.float32(0.5), np.array([0, 0, 1]), np.float64(0.1)), Kick(0.5, (0.0, 0.0, 1.0), 0.1)),
        (
            GaussianPulses(np.array([0.0, 1.0, 1.0]), np.array(0.5), np.array([1, 2]), np.float64(0.25), np.int64(1)),
            GaussianPulses((0.0, 1.0, 1.0), 0.5, (1.0, 2.0), 0.25, 1.0),
        ),
        (
            Laser(np.float64(3.0), np.array([0.5, 0, 0]), np.zeros(3), duration_fs=np.int32(2)),
            Laser(3.0, (0.5, 0.0, 0.0), (0.0, 0.0, 0.0), duration_fs=2.0),
        ),
        (
            SampledField(np.array([0, 1]), np.array([[0, 0, 0], [0.5, 0, 1]])),
            SampledField((0.0, 1.0), ((0.0, 0.0, 0.0), (0.5, 0.0, 1.0))),
        ),
    ],
)  # fmt: skip
def test_numbers_and_arrays_of_numpy_are_arguments(given, plain):
    assert given == plain
    assert field_to_dict(given) == field_to_dict(plain)
    assert field_from_dict(json.loads(json.dumps(field_to_dict(given)))) == plain
    assert hash(given) == hash(plain)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Kick("0.1"), "strength_au = '0.1' must be made of finite numbers"),
        (lambda: Kick(True), "strength_au = True must be"),
        (lambda: Kick(1j), "strength_au = 1j must be"),
        (lambda: Kick(np.array([1.0, 2.0])), "strength_au = .* must be one number"),
        (lambda: GaussianPulses(frequencies_per_fs=3.0), "frequencies_per_fs = 3.0 must be a sequence"),
        (lambda: Laser(3.0, envelope="cw", duration_fs=3.0), "duration_fs has no effect: a cw laser stays on"),
        (lambda: Laser(3.0, ramp_fs=0.5), "ramp_fs has no effect: the envelope sin2 has no ramps"),
    ],
)
def test_what_is_no_number_or_has_no_effect_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_a_stored_laser_with_ramps_that_it_does_not_have_still_loads():
    stored = {"kind": "laser", "photon_energy_ev": 3.0, "envelope": "sin2", "duration_fs": 2.0, "ramp_fs": 0.5}
    assert field_from_dict(stored) == Laser(3.0)
