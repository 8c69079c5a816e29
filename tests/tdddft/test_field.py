import numpy as np
import pytest

from tdddft import GaussianPulses, InputError, Kick
from tdddft.field import field_from_dict, field_to_dict
from tdddft.units import AU_FIELD_V_PER_ANGSTROM, AU_TIME_FS


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


@pytest.mark.parametrize("field", [Kick(1e-3, (1.0, 0.0, 0.0), 0.01), GaussianPulses((0.0, 1.0, 1.0), 0.02, (1.0,))])
def test_round_trip_through_plain_data(field):
    assert field_from_dict(field_to_dict(field)) == field


def test_bad_fields_are_refused():
    with pytest.raises(InputError, match="unknown field kind 'laser'"):
        field_from_dict({"kind": "laser"})
    with pytest.raises(InputError, match="amplitude"):
        field_from_dict({"kind": "kick", "amplitude": 1.0})
    with pytest.raises(InputError, match="not all zero"):
        Kick(1.0, (0, 0, 0)).at(np.zeros(1)), Kick(1.0, (0, 0, 0)).impulse_au
