"""Data sets that grow: more steps, further directions."""

import json
import shutil

import h5py
import numpy as np
import pytest
from typer.testing import CliRunner

from graphlearn.base.plain_files import file_hash
from graphlearn.base.recipes.reading import parse_recipe, recipe_hash
from tdddft import GenerateRecipe, InputError, generate, read_trajectory
from tdddft.cli import app
from tdddft.cli.status import describe, look
from tdddft.dataset.plan import plan
from tdddft.dataset.store import DatasetFolder
from tdddft.dataset.worker import make_jobs

Z, X = [0, 0, 1], [1, 0, 0]


def recipe(steps=20, directions=(Z,), **changes):
    data = {
        "name": "small",
        "molecules": ["g2:H2", "g2:HF"],
        "method": {"grid_level": 0, "response_grid": 0},
        "field": {"directions": list(directions)},
        "propagation": {"steps": steps, "save_every": 5, "propagator": "multirate", **changes.pop("propagation", {})},
        **changes,
    }
    return parse_recipe(data, GenerateRecipe)


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    folder = tmp_path_factory.mktemp("long")
    generate(recipe(40, (Z, X)), folder, jobs=1)
    return folder


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    folder = tmp_path_factory.mktemp("short")
    generate(recipe(), folder, jobs=1)
    return folder


@pytest.fixture
def copy(short, tmp_path):
    return shutil.copytree(short, tmp_path / "set")


def same(path, reference):
    a, b = read_trajectory(path), read_trajectory(reference)
    names = ("times_fs", "field_au", "frame_coefficients", "dipole_au", "energy_hartree")
    return all(np.array_equal(getattr(a, n), getattr(b, n)) for n in names)


def test_more_steps_and_a_further_direction_equal_the_long_set(copy, long):
    before = DatasetFolder(copy).records()
    summary = generate(recipe(40, (Z, X)), copy, jobs=1)
    assert (summary.total, summary.already_done, summary.done, summary.failed) == (4, 0, 4, [])
    for identifier, path in DatasetFolder(copy).finished().items():
        assert same(path, long / "trajectories" / path.name), identifier
        lengthened = (20,) if identifier in before else ()
        assert read_trajectory(path).provenance.lengthened_at == lengthened
    records = DatasetFolder(copy).records()
    assert {r["steps"] for r in records.values()} == {40}
    assert records["HF_d0"]["sha256"] == file_hash(copy / "trajectories/HF_d0.h5")
    again = generate(recipe(40, (Z, X)), copy, jobs=1)
    assert again.already_done == 4


def test_a_further_direction_keeps_the_others(copy):
    before = {p.name: file_hash(p) for p in (copy / "trajectories").iterdir()}
    summary = generate(recipe(20, (Z, X)), copy, jobs=1)
    assert (summary.already_done, summary.done) == (2, 4)
    after = {p.name: file_hash(p) for p in (copy / "trajectories").iterdir()}
    assert before.items() <= after.items()
    # a file of the smaller recipe that the index lost is still known as its own
    (copy / "index.jsonl").unlink()
    assert generate(recipe(20, (Z, X)), copy, jobs=1).already_done == 4


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        (recipe(15), "propagation.steps"),
        (recipe(20, (X,)), "field.directions"),
        (recipe(20, (X, Z)), "field.directions"),
        (recipe(40, propagation={"dt_fs": 0.01}), "propagation.dt_fs"),
        (recipe(40, method={"grid_level": 1, "response_grid": 0}), "method.grid_level"),
    ],
)
def test_any_other_change_is_refused_by_name(copy, changed, named):
    before = {p.name: p.read_bytes() for p in copy.rglob("*") if p.is_file()}
    with pytest.raises(InputError, match=f"these keys differ: {named}. Choose"):
        generate(changed, copy, jobs=1)
    assert {p.name: p.read_bytes() for p in copy.rglob("*") if p.is_file()} == before


def test_a_shard_does_not_grow_a_folder(copy):
    with pytest.raises(InputError, match="run the command once without --shard"):
        generate(recipe(40), copy, jobs=1, shard=(1, 2))
    generate(recipe(40), copy, jobs=1, limit=1)
    assert generate(recipe(40), copy, jobs=1, shard=(2, 2)).done == 1


def test_files_without_a_state_are_refused_or_made_again(copy, long):
    path = copy / "trajectories/HF_d0.h5"
    with h5py.File(path, "r+") as file:
        del file["last_state"]
    index = (copy / "index.jsonl").read_text()
    old = json.loads(next(line for line in index.splitlines() if "HF_d0" in line))
    (copy / "index.jsonl").write_text(index.replace(old["sha256"], file_hash(path)))
    before = (copy / "recipe.yaml").read_bytes()
    with pytest.raises(InputError, match=r"1 of 2 trajectories hold no state .*HF_d0.*--recompute"):
        generate(recipe(40), copy, jobs=1)
    assert (copy / "recipe.yaml").read_bytes() == before
    assert generate(recipe(40), copy, jobs=1, recompute=True).done == 2
    assert read_trajectory(path).provenance.lengthened_at == ()
    assert same(path, long / "trajectories/HF_d0.h5")


def test_a_broken_lengthening_loses_nothing(copy, long, monkeypatch):
    """The memory is too small; then the longer file was written, but the run died before its line in the index."""
    path = copy / "trajectories/HF_d0.h5"
    first = path.read_bytes()
    summary = generate(recipe(40), copy, jobs=1, memory_bytes=1.0)
    assert len(summary.failed) == 2
    assert path.read_bytes() == first
    folder = DatasetFolder(copy)
    assert folder.done_records()["HF_d0"]["steps"] == 20
    lines = (copy / "index.jsonl").read_bytes()
    assert generate(recipe(40), copy, jobs=1, retry_failed=True).done == 2
    assert read_trajectory(path).provenance.lengthened_at == (20,)
    done = path.read_bytes()
    (copy / "index.jsonl").write_bytes(lines)
    again = generate(recipe(40), copy, jobs=1, retry_failed=True)
    assert (again.already_done, path.read_bytes()) == (2, done)
    assert same(path, long / "trajectories/HF_d0.h5")


def test_only_shorter_and_intact_files_are_lengthened(copy):
    from tdddft.dataset.growth import to_lengthen

    grown, folder = recipe(40), DatasetFolder(copy)
    generate(grown, copy, jobs=1, limit=1)
    path = copy / "trajectories/HF_d0.h5"
    assert to_lengthen(folder, grown, ["H2_d0", "HF_d0"]) == {"HF_d0"}
    assert make_jobs(plan(grown), ["HF_d0"], folder, frozenset({"HF_d0"}))[0].shorter == {"HF_d0"}
    with h5py.File(path, "r+") as file:
        file["frames/dipole_au"][0] = 7.0
    assert to_lengthen(folder, grown, ["H2_d0", "HF_d0"]) == set()


def test_status_counts_what_is_to_be_lengthened(copy):
    folder = DatasetFolder(copy)
    generate(recipe(40, (Z, X)), copy, jobs=1, limit=1)
    now = look(folder, 4)
    assert (now.finished, now.shorter, now.missing) == (2, 1, 1)
    assert describe(folder, 4).startswith("2 finished, 1 to be lengthened, 0 failed, 1 missing of 4")


def test_the_key_that_keeps_the_state_does_not_change_the_hash():
    assert recipe_hash(recipe(propagation={"keep_state": True})) == recipe_hash(recipe())
    assert recipe_hash(recipe(propagation={"keep_state": False})) != recipe_hash(recipe())


def test_the_command_lengthens_a_file(copy, long, tmp_path):
    path, run = copy / "trajectories/HF_d0.h5", CliRunner().invoke
    alone = shutil.copy(path, tmp_path / "alone.h5")
    refused = run(app, ["lengthen", str(path), "--steps", "40"])
    assert "belongs to the data set" in str(refused.exception)
    done = run(app, ["lengthen", str(alone), "--steps", "40"])
    assert (done.exit_code, "9 frames" in done.output) == (0, True)
    assert same(alone, long / "trajectories/HF_d0.h5")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["alone.h5", "set"]
