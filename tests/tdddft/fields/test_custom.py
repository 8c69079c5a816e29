"""Fields of a user's own: a class with the members of the protocol, or a function."""

import numpy as np
import pytest

from tdddft import (
    FieldSum,
    GaussianPulses,
    InputError,
    Kick,
    Method,
    free_evolution,
    ground_state,
    propagate,
    read_trajectory,
    write_trajectory,
)
from tdddft.fields.custom import as_field

PULSE = GaussianPulses((0.0, 0.0, 1.0), 0.05, (2.0,), 0.1, 0.2)


class Own:
    """No kind, no dataclass: what the protocol asks for and nothing else."""

    impulse_au = np.array([0.0, 0.0, 1e-3])
    breaks_fs = ()

    def at(self, times_fs):
        return PULSE.at(times_fs)


@pytest.fixture(scope="module")
def hydrogen():
    return ground_state("g2:H2", Method(basis="sto-3g", pseudopotential=None, grid_level=0, response_grid=0))


def test_a_class_and_a_function_act_like_the_fields_of_the_package(hydrogen, tmp_path):
    theirs = propagate(hydrogen, PULSE, 40, 0.01)
    function = propagate(hydrogen, PULSE.at, 40, 0.01)
    assert np.array_equal(function.dipole_au, theirs.dipole_au)
    assert np.array_equal(function.field_au, theirs.field_au)
    own = propagate(hydrogen, Own(), 40, 0.01)
    both = propagate(hydrogen, FieldSum((PULSE, Kick(1e-3))), 40, 0.01)
    assert np.array_equal(own.dipole_au, both.dipole_au)
    assert own.field.to_dict() == {"custom": f"{__name__}.Own"}
    read = read_trajectory(write_trajectory(tmp_path / "own.h5", own))
    middle, field = read.field_at_midpoints()
    assert np.abs(field - PULSE.at(middle)).max() < 0.05 * np.abs(PULSE.at(middle)).max()


def test_a_function_may_stand_in_a_sum_and_at_rest(hydrogen):
    total = FieldSum((PULSE.at, Kick(1e-3)))
    assert np.array_equal(total.at(np.arange(3.0)), PULSE.at(np.arange(3.0)))
    assert propagate(hydrogen, total, 10, 0.01).field.to_dict() == {"custom": "sum"}
    assert np.array_equal(free_evolution(hydrogen, PULSE.at, 10, 0.01).field_au, PULSE.at(np.arange(11) * 0.01))


def test_numbers_of_numpy_are_steps_and_times(hydrogen):
    plain = propagate(hydrogen, PULSE, 20, 0.01, save_every=10)
    given = propagate(hydrogen, PULSE, np.int64(20), np.float64(0.01), save_every=np.array(10))
    assert np.array_equal(plain.dipole_au, given.dipole_au)
    assert plain.provenance.dt_fs == given.provenance.dt_fs == 0.01
    assert free_evolution(hydrogen, PULSE, np.int32(4), np.float32(0.5)).field_times_fs[-1] == 2.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"steps": 20.0}, "steps = 20.0 must be a whole number"),
        ({"steps": True}, "steps = True must be a whole number"),
        ({"dt_fs": np.array([0.01])}, "dt_fs = .* must be one number"),
        ({"dt_fs": "0.01"}, "dt_fs = '0.01' must be one number"),
        ({"dt_fs": np.nan}, "dt_fs"),
        ({"field": object()}, "is no field: it lacks impulse_au, breaks_fs, at"),
        ({"field": lambda t: np.zeros(len(t))}, r"the field must be finite real numbers of shape \[\d+, 3\]"),
        ({"field": lambda t: 1j * np.zeros((len(t), 3))}, "finite real numbers"),
        ({"field": lambda t: np.full((len(t), 3), np.nan)}, "finite real numbers"),
    ],
)
def test_what_is_no_field_or_number_is_refused_in_words(hydrogen, arguments, message):
    with pytest.raises(InputError, match=message):
        propagate(hydrogen, **{"field": PULSE, "steps": 20, "dt_fs": 0.01, **arguments})


def test_a_class_that_lacks_a_member_is_named():
    class Half:
        def at(self, times_fs):
            return np.zeros((len(times_fs), 3))

    with pytest.raises(InputError, match="it lacks impulse_au, breaks_fs of"):
        as_field(Half())
