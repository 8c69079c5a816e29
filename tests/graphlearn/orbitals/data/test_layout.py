import numpy as np
import pytest

from graphlearn.orbitals.data.layout import OrbitalLayout
from tdddft import InputError


def test_slots_and_back_are_exact(water_trajectory):
    t = water_trajectory
    layout = OrbitalLayout(t.ao_table, 3)
    slots = layout.to_slots(t.frame_coefficients)
    assert slots.shape == (*t.frame_coefficients.shape[:-1], 3, 9, 2)
    assert np.array_equal(layout.from_slots(slots), t.frame_coefficients)
    assert layout.mask.sum() == 23
    assert layout.mask[1].sum(axis=0).tolist() == [4, 1]  # hydrogen: s and p, then the second s


def test_p_functions_stand_as_y_z_x():
    table = np.array([[0, 1, 0, 1], [0, 1, 0, -1], [0, 1, 0, 0]])  # PySCF's order x, y, z
    slots = OrbitalLayout(table, 1).to_slots(np.array([1.0, 2.0, 3.0]))
    assert slots[0, 1:4, 0].tolist() == [2.0, 3.0, 1.0]


def test_a_basis_that_does_not_fit_is_named():
    table = np.array([[0, 0, radial, 0] for radial in range(3)])
    with pytest.raises(InputError, match=r"basis 'def2-tzvp' does not fit the model: atom 0 has s shell number 3"):
        OrbitalLayout(table, 1, basis="def2-tzvp")
    with pytest.raises(InputError, match="f shell"):
        OrbitalLayout(np.array([[0, 3, 0, m] for m in range(-3, 4)]), 1)
