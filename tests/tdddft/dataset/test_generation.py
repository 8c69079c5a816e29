"""Data sets: continuation, failures, ownership of folders."""

import json

import numpy as np
import pytest

from graphlearn.base.recipes.reading import parse_recipe
from tdddft import GenerateRecipe, InputError, generate, read_trajectory
from tdddft.dataset.plan import collect_molecules, distorted, trajectory_ids
from tdddft.dataset.recipe import Distortions
from tdddft.dataset.store import DatasetFolder
from tdddft.molecules.sources import read_molecules


def recipe(molecules=("g2:H2", "g2:HF"), **changes):
    data = {
        "name": "small",
        "molecules": list(molecules),
        "method": {"grid_level": 0, "response_grid": 0, **changes.pop("method", {})},
        "field": {"directions": [[0, 0, 1], [1, 0, 0]]},
        "propagation": {"steps": 20, "save_every": 5},
        **changes,
    }
    return parse_recipe(data, GenerateRecipe)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("set")
    summary = generate(recipe(), folder, jobs=2)
    return folder, summary


def test_every_molecule_and_direction_gets_a_valid_file(finished):
    folder, summary = finished
    assert (summary.total, summary.done, summary.failed) == (4, 4, [])
    files = DatasetFolder(folder).finished()
    assert set(files) == {"H2_d0", "H2_d1", "HF_d0", "HF_d1"}
    for name, path in files.items():
        t = read_trajectory(path)
        assert t.provenance.id == name
        assert len(t.times_fs) == 5


def test_running_again_does_nothing(finished):
    folder, _ = finished
    before = (folder / "index.jsonl").read_bytes()
    again = generate(recipe(), folder, jobs=1)
    assert (again.already_done, again.done) == (4, 4)
    assert (folder / "index.jsonl").read_bytes() == before


def test_lost_files_lost_lines_and_torn_lines_are_mended(finished, tmp_path):
    import shutil

    folder = tmp_path / "copy"
    shutil.copytree(finished[0], folder)
    reference = read_trajectory(folder / "trajectories/HF_d1.h5")
    (folder / "trajectories/HF_d1.h5").unlink()
    lines = [line for line in (folder / "index.jsonl").read_text().splitlines() if '"H2_d0"' not in line]
    (folder / "index.jsonl").write_text("\n".join(lines) + '\n{"id": "H2_d')
    summary = generate(recipe(), folder, jobs=1)
    assert (summary.already_done, summary.done) == (3, 4)
    again = read_trajectory(folder / "trajectories/HF_d1.h5")
    assert np.array_equal(again.frame_coefficients, reference.frame_coefficients)
    assert set(DatasetFolder(folder).finished()) == {"H2_d0", "H2_d1", "HF_d0", "HF_d1"}


def test_folder_of_another_recipe_is_refused_and_the_keys_are_named(finished):
    with pytest.raises(InputError, match=r"these keys differ: propagation\.dt_fs"):
        generate(recipe(propagation={"dt_fs": 0.004}), finished[0])


def test_unconverged_scf_gives_a_failure_line_and_no_file(tmp_path):
    summary = generate(recipe(["g2:HF"], method={"scf_max_cycles": 1}), tmp_path / "set", jobs=1)
    assert [r["id"] for r in summary.failed] == ["HF_d0", "HF_d1"]
    assert "SCF not converged in 1 cycles" in summary.failed[0]["error"]
    assert list((tmp_path / "set/trajectories").iterdir()) == []
    assert "SCF not converged" in (tmp_path / "set/log").read_text()
    records = [json.loads(line) for line in (tmp_path / "set/index.jsonl").read_text().splitlines()]
    assert {r["status"] for r in records} == {"failed"}
    with pytest.raises(InputError, match="holds no finished trajectory"):
        DatasetFolder(tmp_path / "set").finished()


def test_one_bad_molecule_does_not_stop_the_others(tmp_path):
    summary = generate(recipe(["g2:H2", "g2:SO2"], method={"scf_max_cycles": 3}), tmp_path / "set", jobs=2)
    assert {r["id"] for r in summary.failed} == {"SO2_d0", "SO2_d1"}
    assert set(DatasetFolder(tmp_path / "set").finished()) == {"H2_d0", "H2_d1"}


def test_what_cannot_work_is_refused_before_anything_is_written(tmp_path):
    (tmp_path / "iodine.xyz").write_text("2\n\nI 0 0 0\nI 0 0 2.7\n")
    for bad, message in (
        (recipe(["g2:H2", str(tmp_path / "iodine.xyz")]), "does not cover I"),
        (recipe(method={"basis": "nope"}), "basis 'nope'"),
        (recipe(method={"functional": "nope"}), "unknown functional"),
    ):
        with pytest.raises(InputError, match=message):
            generate(bad, tmp_path / "set")
    assert not (tmp_path / "set").exists()


def test_a_folder_without_results_takes_another_recipe(tmp_path):
    generate(recipe(["g2:HF"], method={"scf_max_cycles": 1}), tmp_path / "set", jobs=1)
    assert generate(recipe(["g2:H2"]), tmp_path / "set", jobs=1).done == 2


def test_damaged_files_are_made_again(finished, tmp_path):
    import shutil

    folder = tmp_path / "copy"
    shutil.copytree(finished[0], folder)
    path = folder / "trajectories/H2_d1.h5"
    whole = path.read_bytes()
    path.write_bytes(whole[:5000])
    summary = generate(recipe(), folder, jobs=1)
    assert (summary.already_done, summary.done) == (3, 4)
    assert np.array_equal(
        read_trajectory(path).dipole_au, read_trajectory(finished[0] / "trajectories/H2_d1.h5").dipole_au
    )


def test_random_directions_and_distortions_depend_on_the_name_alone():
    settings = recipe(field={"directions": "random"}, distortions={"count": 2, "sigma_angstrom": 0.05})
    (water,), (ammonia,) = read_molecules("H2O"), read_molecules("NH3")
    names = [m.name for m in collect_molecules(settings)]
    assert names == ["H2", "H2-g1", "H2-g2", "HF", "HF-g1", "HF-g2"]
    first, second = (trajectory_ids(m, settings) for m in (water, ammonia))
    assert first["H2O_d0"] == trajectory_ids(water, settings)["H2O_d0"]
    assert first["H2O_d0"].direction != second["NH3_d0"].direction
    a, b = distorted(water, Distortions(count=2))
    moves = a.positions_angstrom - water.positions_angstrom
    assert 0 < np.abs(moves).max() < 0.3
    assert not np.allclose(a.positions_angstrom, b.positions_angstrom)
    assert distorted(water, Distortions(count=2, only=("NH3",))) == []


def test_molecules_of_the_same_name_are_refused():
    with pytest.raises(InputError, match="these clash: H2O"):
        collect_molecules(recipe(["H2O", "g2:H2O"]))


def test_a_larger_limit_goes_on_from_a_smaller_one_and_shards_fill_a_folder(tmp_path):
    whole = recipe(["g2"], selection={"count": 4, "seed": 3, "max_atoms": 3})
    names = [m.name for m in collect_molecules(whole)]
    first = generate(whole, tmp_path / "set", jobs=1, limit=1)
    assert (first.total, first.done) == (2, 2)
    assert {i.split("_d")[0] for i in DatasetFolder(tmp_path / "set").finished()} == {names[0]}
    second = generate(whole, tmp_path / "set", jobs=1, limit=3, shard=(1, 2))
    assert (second.total, second.already_done, second.done) == (4, 2, 4)
    assert {i.split("_d")[0] for i in DatasetFolder(tmp_path / "set").finished()} == {names[0], names[2]}
    table = (tmp_path / "set/selection.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in table[1:]] == names


def test_failures_stay_until_they_are_asked_for(tmp_path):
    bad = recipe(["g2:HF"], method={"scf_max_cycles": 1})
    assert len(generate(bad, tmp_path / "set", jobs=1).failed) == 2
    lines = (tmp_path / "set/index.jsonl").read_text()
    kept = generate(bad, tmp_path / "set", jobs=1)
    assert [r["id"] for r in kept.failed] == ["HF_d0", "HF_d1"]
    assert (tmp_path / "set/index.jsonl").read_text() == lines
    assert len(generate(bad, tmp_path / "set", jobs=1, retry_failed=True).failed) == 2
    assert len((tmp_path / "set/index.jsonl").read_text().splitlines()) == 4


def test_an_overview_shows_results_and_failures(finished, tmp_path):
    import shutil

    from tdddft.dataset.figure import dataset_figure

    folder = DatasetFolder(tmp_path / "copy")
    shutil.copytree(finished[0], folder.root)
    assert "4 finished, 0 failed" in dataset_figure(folder).get_suptitle()
    folder.append({"id": "X_d0", "status": "failed", "error": "ConvergenceError: X: no"})
    drawn = dataset_figure(folder)
    assert "4 finished, 1 failed" in drawn.get_suptitle()
    assert [t.get_text() for t in drawn.axes[5].get_yticklabels()] == ["ConvergenceError"]
    for path in folder.trajectories.iterdir():
        path.write_bytes(b"damaged")
    with pytest.raises(InputError, match="can be read; see 'tdddft validate"):
        dataset_figure(folder)
