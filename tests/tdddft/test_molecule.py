import numpy as np
import pytest

from tdddft import InputError, Molecule


def make(**changes):
    arguments = {
        "name": "water",
        "numbers": [8, 1, 1],
        "positions_angstrom": [[0, 0, 0], [0, 0.76, 0.59], [0, -0.76, 0.59]],
    }
    return Molecule(**{**arguments, **changes})


def test_formula_is_in_hill_order():
    assert make().formula == "H2O"
    assert Molecule("x", [6, 8, 1, 1], np.eye(4, 3) * 2).formula == "CH2O"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"charge": 1}, "9 electrons is an odd number"),
        ({"numbers": [8, 1]}, "needs N atomic numbers"),
        ({"numbers": [8, 1, 99]}, "atomic numbers must lie"),
        ({"positions_angstrom": [[0, 0, 0], [0, 0, np.nan], [1, 1, 1]]}, "NaN"),
        ({"positions_angstrom": [[0, 0, 0], [0, 0, 0.1], [1, 1, 1]]}, "atoms 0 and 1 are 0.100 angstrom apart"),
        ({"numbers": [], "positions_angstrom": np.zeros((0, 3))}, "N >= 1"),
    ],
)
def test_unusable_molecules_are_refused_by_name(changes, message):
    with pytest.raises(InputError, match=message) as caught:
        make(**changes)
    assert "water" in str(caught.value)
