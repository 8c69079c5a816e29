import time

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
        ({"positions_angstrom": [[0, 0, 0], [0, 0, 0.1], [0, 0, 0.1]]}, "atoms 1 and 2 are 0.000 angstrom apart"),
        ({"charge": 0.9}, "the charge must be whole, not 0.9"),
        ({"charge": True}, "the charge must be whole, not True"),
        ({"charge": "0"}, "the charge must be whole, not 0"),
        ({"charge": None}, "the charge must be whole, not None"),
        ({"charge": np.nan}, "the charge must be whole, not nan"),
        ({"charge": [0, 0, 0]}, r"the charge must be whole, not \[0, 0, 0\]"),
        ({"charge": 10}, "the charge 10 leaves 0 electrons"),
        ({"numbers": [8, 1.5, 1]}, r"atomic numbers must be whole, not \[8, 1\.5, 1\]"),
        ({"numbers": ["8", "1", "1"]}, "atomic numbers must be whole"),
        ({"numbers": [True, True, False]}, "atomic numbers must be whole"),
        ({"numbers": [8 + 0j, 1, 1]}, "atomic numbers must be whole"),
        ({"numbers": [1e300, 1, 1]}, "atomic numbers must be whole"),
        ({"numbers": [[8, 1], [1]]}, "atomic numbers: no array of numbers"),
        ({"positions_angstrom": np.eye(3) * (1 + 0j)}, "positions must be real numbers, not complex128"),
        ({"positions_angstrom": np.eye(3).astype(str)}, "positions must be real numbers"),
        ({"positions_angstrom": np.eye(3, dtype=bool)}, "positions must be real numbers, not bool"),
        ({"positions_angstrom": [[0, 0], [0, 0, 1], [1, 1, 1]]}, "positions: no array of numbers"),
    ],
)
def test_unusable_molecules_are_refused_by_name(changes, message):
    with pytest.raises(InputError, match=message) as caught:
        make(**changes)
    assert "water" in str(caught.value)


def test_whole_numbers_of_any_type_are_taken_as_they_are():
    molecule = make(numbers=np.array([8.0, 1.0, 1.0]), charge=np.float64(-2.0))
    assert (molecule.numbers.dtype, molecule.charge) == (np.int64, -2)
    assert isinstance(molecule.charge, int)


def test_too_many_atoms_are_refused_at_once_and_the_message_names_the_option(monkeypatch):
    many, apart = np.full(100_000, 2), np.arange(300_000, dtype=float).reshape(-1, 3)
    started = time.process_time()
    with pytest.raises(InputError, match=r"100000 atoms are more than the limit of 1000.*GRAPHLEARN_MAX_ATOMS"):
        make(numbers=many, positions_angstrom=apart)
    assert time.process_time() - started < 1.0
    with pytest.raises(InputError, match="1001 atoms are more than the limit of 1000"):
        make(numbers=many[:1001], positions_angstrom=apart[:1001])
    assert len(make(numbers=many[:1000], positions_angstrom=apart[:1000]).numbers) == 1000
    monkeypatch.setenv("GRAPHLEARN_MAX_ATOMS", "20000")
    assert len(make(numbers=many[:20_000], positions_angstrom=apart[:20_000]).numbers) == 20_000


@pytest.mark.parametrize("value", ["0", "-5", "many", "nan"])
def test_a_limit_of_atoms_that_is_none_is_refused(monkeypatch, value):
    monkeypatch.setenv("GRAPHLEARN_MAX_ATOMS", value)
    with pytest.raises(InputError, match=r"GRAPHLEARN_MAX_ATOMS=.*a positive number of atoms is expected"):
        make()
