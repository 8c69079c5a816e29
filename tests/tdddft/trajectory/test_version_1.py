"""Files of schema version 1 load with the numbers that h5py finds in them, validate, and go on."""

import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

from graphlearn.orbitals.data.statistics_file import read_sums
from tdddft import Kick, Method, ground_state, propagate, read_trajectory, write_trajectory
from tdddft.dataset.check import check_folder
from tdddft.dataset.store import DatasetFolder
from tdddft.trajectory import ARRAYS, level_of_theory, read_frames
from tdddft.trajectory.validation import failures

FOLDER = Path(__file__).parents[2] / "data/version_1"
FILES = ("kick", "pulse", "sum", "custom", "predicted", "dataset/trajectories/H2_d0")
OLD_GROUPS = {"molecule": "molecule", "method": "basis", "ground_state": "ground_state", "field": "field",
              "provenance": "provenance"}  # fmt: skip


def as_plain(data):
    return json.loads(json.dumps(data))


@pytest.mark.parametrize("name", FILES)
def test_an_old_file_loads_bit_equal_and_is_valid(name):
    t = read_trajectory(FOLDER / f"{name}.h5")
    with h5py.File(FOLDER / f"{name}.h5") as file:
        assert file.attrs["schema_version"] == 1
        assert file.attrs["kind"] == t.kind
        assert not t.open_shell
        for attribute, stored in ((n, a) for n, a in ARRAYS.items() if not a.only):
            here, there = getattr(t, attribute), file[stored.path][()]
            assert here.dtype == there.dtype, attribute
            assert np.array_equal(here, there, equal_nan=True), attribute
        for attribute, group in OLD_GROUPS.items():
            assert as_plain(getattr(t, attribute).to_dict()) == json.loads(file[group].attrs["info"]), attribute
        assert np.array_equal(read_frames(FOLDER / f"{name}.h5", 1, 3), file["frames/coefficients"][1:3])
    assert failures(t) == []


@pytest.mark.parametrize("name", FILES)
def test_an_old_file_that_is_written_again_is_one_of_the_present_version_with_the_same_content(tmp_path, name):
    old = read_trajectory(FOLDER / f"{name}.h5")
    path = write_trajectory(tmp_path / "new.h5", old)
    new = read_trajectory(path)
    with h5py.File(path) as file:
        assert file.attrs["schema_version"] == 3
        assert "info" not in file["basis"].attrs
    names = [name for name, stored in ARRAYS.items() if not stored.only]
    assert all(np.array_equal(getattr(new, n), getattr(old, n), equal_nan=True) for n in names)
    assert new.spins is old.spins is None
    assert all(getattr(new, n) == getattr(old, n) for n in OLD_GROUPS)


def test_numbers_of_an_old_file():
    t = read_trajectory(FOLDER / "kick.h5")
    assert (t.name, t.method.basis, t.ground_state.scf_solver) == ("H2", "sto-3g", "DIIS")
    assert t.field.source == Kick(1e-3, (0.0, 0.0, 1.0))
    assert t.ground_state.ion_charges == (1, 1)
    assert level_of_theory(t)[1].basis == "sto-3g"


def test_an_old_prediction_names_its_model():
    assert read_trajectory(FOLDER / "predicted.h5").provenance.model == "ResponseOrbEvo"


def test_an_old_folder_is_valid_and_keeps_its_statistics():
    report = check_folder(DatasetFolder(FOLDER / "dataset"))
    assert (report.files, report.broken, report.bad_lines, report.unlisted) == (1, {}, [], [])
    assert read_sums(FOLDER / "dataset")["H2_d0"].delta_square_sum == 2.2488754062270395


def test_an_old_checkpoint_goes_on(tmp_path):
    """It ends where the whole propagation of the same version ended."""
    shutil.copy(FOLDER / "unfinished.h5", tmp_path / "c.h5")
    method = Method(basis="sto-3g", pseudopotential=None, density_fitting=False, grid_level=0, response_grid="coarse")
    seen = []
    t = propagate(
        ground_state("g2:H2", method), Kick(1e-3, (0, 0, 1)), steps=12, dt_fs=0.01, save_every=4,
        checkpoint=tmp_path / "c.h5", progress=lambda step, _: seen.append(step),
    )  # fmt: skip
    assert seen == [12]
    assert np.abs(t.dipole_au - read_trajectory(FOLDER / "kick.h5").dipole_au).max() < 1e-9
