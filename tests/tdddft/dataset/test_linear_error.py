"""The error of a linearly propagated data set: measured once, kept, and shown."""

import pytest

from graphlearn.base.errors import StoppedError
from graphlearn.base.recipes.reading import parse_recipe
from tdddft import GenerateRecipe, InputError, generate, read_trajectory
from tdddft.dataset.linear_error import FILE_NAME, deviation, linear_error
from tdddft.dataset.plan import plan
from tdddft.dataset.store import DatasetFolder


def _recipe(propagator):
    return parse_recipe(
        {
            "name": "linear", "molecules": ["g2:H2"],
            "method": {"grid_level": 0, "response_grid": "coarse"},
            "propagation": {"steps": 300, "save_every": 10, "propagator": propagator},
        },
        GenerateRecipe,
    )  # fmt: skip


@pytest.fixture(scope="module")
def linear_set(tmp_path_factory):
    folder = tmp_path_factory.mktemp("linear")
    assert generate(_recipe("linear"), folder, jobs=1).done == 1
    return plan(_recipe("linear")), DatasetFolder(folder)


def test_the_error_is_measured_once_and_kept(linear_set, monkeypatch):
    the_plan, folder = linear_set
    with pytest.raises(StoppedError):
        linear_error(the_plan, folder, lambda: True)
    measured = linear_error(the_plan, folder)
    assert measured.id == "H2_d0"
    assert 1e-4 < measured.orbitals < 0.1
    assert 1e-4 < measured.dipole < 0.1
    assert "H2_d0 against the full propagation" in str(measured)
    monkeypatch.setattr("tdddft.propagation.propagate.propagate", None)
    assert linear_error(the_plan, folder) == measured


@pytest.mark.parametrize("content", ["no JSON", "{}", '{"id": "x", "orbitals": [], "dipole": 1}'])
def test_a_damaged_file_says_what_to_do(linear_set, content):
    the_plan, folder = linear_set
    (folder.root / FILE_NAME).write_text(content)
    with pytest.raises(InputError, match=FILE_NAME):
        linear_error(the_plan, folder)
    (folder.root / FILE_NAME).unlink()


def test_other_propagators_have_no_such_error(linear_set):
    assert linear_error(plan(_recipe("adaptive")), linear_set[1]) is None


def test_nothing_is_wrong_with_itself_and_all_with_what_does_not_move(linear_set):
    _, folder = linear_set
    t = read_trajectory(folder.finished()["H2_d0"])
    assert deviation(t, t) == (0.0, 0.0)
    still = t.replace(
        frame_coefficients=t.coefficients[None].repeat(len(t.times_fs), 0),
        dipole_au=t.dipole_au[:1].repeat(len(t.times_fs), 0),
    )
    assert deviation(still, t) == pytest.approx((1.0, 1.0))
