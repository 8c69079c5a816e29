import json

import h5py
import numpy as np
import pytest

from graphlearn.cli import app
from graphlearn.datasets import Normalizer, TDDFTTrajectories, dataset_statistics
from graphlearn.orbitals.data.statistics import trajectory_sums
from graphlearn.orbitals.data.statistics_file import FILE_NAME
from graphlearn.orbitals.data.target import to_delta
from tdddft import ContractError, GenerateRecipe, InputError
from tdddft.dataset.ownership import locked
from tdddft.dataset.store import DatasetFolder
from tdddft.trajectory import write_trajectory


@pytest.fixture
def folder(tmp_path, water_trajectory, ammonia_trajectory):
    dataset = DatasetFolder(tmp_path / "set")
    with locked(dataset, GenerateRecipe(name="set", molecules=("g2:H2O", "g2:NH3")), "name\n"):
        pass
    for identifier, t in (("H2O_d0", water_trajectory), ("NH3_d0", ammonia_trajectory)):
        write_trajectory(dataset.path(identifier), t)
        dataset.append(dataset.done_record(identifier, t))
    return dataset.root


def test_root_mean_squares_are_pooled_over_every_number(folder, water_trajectory, ammonia_trajectory):
    found = dataset_statistics(folder)
    pair = (water_trajectory, ammonia_trajectory)
    c0 = np.concatenate([t.coefficients.ravel() for t in pair])
    delta = np.concatenate([to_delta(t)[1:].ravel() for t in pair])
    assert np.isclose(found.rms_0, np.sqrt((c0**2).mean()), rtol=1e-12)
    assert np.isclose(found.rms_t, np.sqrt((np.abs(delta) ** 2).mean()), rtol=1e-12)
    assert (found.trajectories, found.mean_atoms, found.mean_states) == (2, 3.5, 4.0)
    assert np.isclose(found.frame_fs, 0.05)


def test_only_what_is_new_is_read_and_a_changed_file_counts_as_new(folder, water_trajectory):
    read = []
    trajectory_sums(folder, on_file=lambda *progress: read.append(progress))
    assert read == [(1, 2), (2, 2)]
    trajectory_sums(folder, on_file=lambda *progress: read.append(progress))
    assert len(read) == 2
    dataset = DatasetFolder(folder)
    changed = water_trajectory.replace(frame_coefficients=water_trajectory.frame_coefficients * 1.001)
    write_trajectory(dataset.path("H2O_d0"), changed)
    dataset.append(dataset.done_record("H2O_d0", changed))
    before = json.loads((folder / FILE_NAME).read_text())["pooled"]["rms_t"]
    trajectory_sums(folder, on_file=lambda *progress: read.append(progress))
    assert read[2:] == [(1, 1)]
    assert json.loads((folder / FILE_NAME).read_text())["pooled"]["rms_t"] != before


def test_a_damaged_statistics_file_is_replaced(folder):
    first = dataset_statistics(folder)
    (folder / FILE_NAME).write_text('{"schema_version": 1, "trajectories": {"H2O_d0": 7}}')
    assert dataset_statistics(folder) == first


def test_a_selection_has_its_own_statistics_and_normalizer(folder):
    water = dataset_statistics(folder, ["H2O_d0"])
    fitted = Normalizer.fit(TDDFTTrajectories(folder, select=["H2O_d0"]))
    assert (fitted.c0_rms, fitted.delta_rms) == (water.rms_0, water.rms_t)
    assert water.rms_0 != dataset_statistics(folder).rms_0
    with pytest.raises(InputError, match="no finished trajectory CO"):
        dataset_statistics(folder, ["CO"])


def test_a_bad_file_among_good_ones_is_left_out_named_and_exit_code_one(folder, water_trajectory, capsys):
    path = DatasetFolder(folder).path("H2O_d0")
    with h5py.File(path, "r+") as file:
        del file["frames/dipole_au"]
    with pytest.raises(ContractError, match="dipole_au is missing"):
        trajectory_sums(folder)
    with pytest.raises(SystemExit) as stop:
        app(["statistics", str(folder)])
    said = capsys.readouterr()
    assert stop.value.code == 1
    assert said.err.count("left out: ") == 1
    assert f"{path}: damaged or incomplete (frames/dipole_au is missing)" in said.err
    assert "trajectories               1" in said.out
    path.unlink()
    DatasetFolder(folder).path("NH3_d0").write_bytes(b"no")
    (folder / FILE_NAME).unlink()
    with pytest.raises(InputError, match=r"no trajectory of .* can be read"):
        app(["statistics", str(folder)], standalone_mode=False)


@pytest.mark.parametrize("key", ["sha256", "atoms", "states", "c0_square_sum", "frame_fs"])
def test_sums_of_another_type_are_made_again(folder, key):
    first = dataset_statistics(folder)
    kept = json.loads((folder / FILE_NAME).read_text())
    kept["trajectories"]["H2O_d0"][key] = ["x"]
    (folder / FILE_NAME).write_text(json.dumps(kept))
    assert dataset_statistics(folder) == first


def test_a_file_of_version_1_is_read_without_opening_a_trajectory(folder):
    expected = dataset_statistics(folder)
    kept = json.loads((folder / FILE_NAME).read_text())
    kept["schema_version"], kept["all_below"] = 1, kept.pop("pooled")
    (folder / FILE_NAME).write_text(json.dumps(kept))
    for path in DatasetFolder(folder).finished().values():
        path.write_bytes(b"not a trajectory")
    assert dataset_statistics(folder) == expected


def test_a_file_of_a_later_version_is_left_out_of_account(folder):
    expected = dataset_statistics(folder)
    kept = json.loads((folder / FILE_NAME).read_text())
    (folder / FILE_NAME).write_text(json.dumps({**kept, "schema_version": 3}))
    read = []
    trajectory_sums(folder, on_file=lambda *progress: read.append(progress))
    assert read == [(1, 2), (2, 2)]
    assert dataset_statistics(folder) == expected
