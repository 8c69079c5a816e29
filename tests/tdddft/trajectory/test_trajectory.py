import h5py
import numpy as np
import pytest
import scipy.linalg

from tdddft import ContractError, InputError, read_trajectory, write_trajectory
from tdddft.trajectory import electronic_dipole_au
from tdddft.trajectory.validation import failures, validate


@pytest.fixture
def path(tmp_path, water_trajectory):
    return write_trajectory(tmp_path / "water.h5", water_trajectory)


def test_round_trip(path, water_trajectory):
    again = read_trajectory(path)
    for name in ("numbers", "ao_table", "overlap", "frame_coefficients", "dipole_au", "field_au", "times_fs"):
        assert np.array_equal(getattr(again, name), getattr(water_trajectory, name)), name
    for name in ("molecule", "method", "ground_state", "field", "provenance"):
        assert getattr(again, name) == getattr(water_trajectory, name), name
    assert again.name == "H2O"
    assert [p.name for p in path.parent.iterdir()] == ["water.h5"]


def test_file_says_its_schema_and_units(path):
    with h5py.File(path) as file:
        assert file.attrs["schema_version"] == 3
        groups = {"molecule", "method", "basis", "ground_state", "field", "frames", "provenance", "last_state"}
        assert set(file) == groups
        assert {"coefficients", "dipole_au", "energy_hartree", "norm_error", "times_fs"} == set(file["frames"])
        assert file["frames/coefficients"].dtype == np.complex64


def test_other_schema_foreign_and_damaged_files(path, tmp_path):
    with h5py.File(path, "r+") as file:
        file.attrs["schema_version"] = 7
    with pytest.raises(ContractError, match="schema version 7, this tdddft reads versions up to 3"):
        read_trajectory(path)
    with h5py.File(tmp_path / "foreign.h5", "w") as file:
        file["x"] = 1
    with pytest.raises(ContractError, match="not a tdddft trajectory"):
        read_trajectory(tmp_path / "foreign.h5")
    (tmp_path / "text.h5").write_text("hello")
    with pytest.raises(ContractError, match="damaged or incomplete"):
        read_trajectory(tmp_path / "text.h5")
    with pytest.raises(InputError, match="there is no such file"):
        read_trajectory(tmp_path / "missing.h5")


def test_truncated_files_are_refused_wherever_they_are_cut(path, tmp_path):
    whole = path.read_bytes()
    for fraction in (0.1, 0.5, 0.9, 0.99):
        cut = tmp_path / "cut.h5"
        cut.write_bytes(whole[: int(fraction * len(whole))])
        with pytest.raises(ContractError):
            read_trajectory(cut)


def test_wrong_shapes_are_refused(tmp_path, water_trajectory):
    wrong = write_trajectory(tmp_path / "w.h5", water_trajectory.replace(dipole_au=water_trajectory.dipole_au[:5]))
    with pytest.raises(ContractError, match="dipole_au has shape"):
        read_trajectory(wrong)


def test_unwritable_folder_is_named(tmp_path, water_trajectory):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="choose a folder you can write to"):
        write_trajectory(tmp_path / "file" / "water.h5", water_trajectory)


def test_dipole_from_stored_coefficients(path):
    t = read_trajectory(path)
    recomputed = electronic_dipole_au(t.frame_coefficients, t) + t.nuclear_dipole_au
    assert np.abs(recomputed - t.dipole_au).max() < 1e-4 * np.ptp(t.dipole_au, axis=0).max()


def test_a_good_trajectory_passes_every_rule(water_trajectory):
    assert [v.rule for v in validate(water_trajectory) if v.passed is not True] == []


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda t: {"dipole_au": t.dipole_au * 1.01}, "dipole from coefficients"),
        (lambda t: {"frame_coefficients": t.frame_coefficients * 1.0001}, "S-orthonormality"),
        (lambda t: {"energy_hartree": t.energy_hartree + 1e-5 * t.times_fs}, "energy after the field"),
        (lambda t: {"times_fs": t.times_fs[::-1].copy()}, "times increase"),
        (lambda t: {"dipole_au": np.where(t.dipole_au > 1e9, 0, np.nan)}, "finite numbers"),
        (
            lambda t: {"ground_state": t.ground_state.model_copy(update={"converged": False})},
            "SCF converged",
        ),
    ],
)
def test_each_rule_catches_its_fault(water_trajectory, change, rule):
    broken = failures(water_trajectory.replace(**change(water_trajectory)))
    assert any(line.startswith(rule) for line in broken), broken


def test_validate_names_a_state_whose_lowest_orbitals_are_not_occupied(water_trajectory):
    """The occupied orbital of least energy is exchanged for the lowest empty one."""
    t = water_trajectory
    _, orbitals = scipy.linalg.eigh(t.fock_hartree, t.overlap)
    chosen = [*range(1, len(t.occupations)), len(t.occupations)]
    excited = t.replace(coefficients=orbitals.T[chosen])
    (result,) = [v for v in validate(excited) if v.rule == "lowest orbitals occupied"]
    assert result.passed is False
    assert "hartree from the lowest orbitals" in result.detail
