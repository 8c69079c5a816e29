"""The folder of a training: one at a time, nothing half-written left, damaged best weights, SIGTERM."""

from __future__ import annotations

import fcntl
import json
import os
import signal

import pytest
import yaml
from graph_files import write_rings
from helpers import SMALL, train_orbitals as train
from safetensors import safe_open

from graphlearn.base.cli.shell import run
from graphlearn.base.errors import ContractError, InputError, StoppedError
from graphlearn.cli.train import train as train_command
from graphlearn.datasets import TDDFTTrajectories
from graphlearn.orbitals.recipe import OrbitalOptimisation, OrbitalRecipe, Validation
from graphlearn.training.run_folder import run_folder
from tdddft.trajectory import write_trajectory

RECIPE = OrbitalRecipe(
    name="test", model=SMALL, validation=Validation(every=2, trajectories=1),
    optimisation=OrbitalOptimisation(steps=4, batch_size=2, checkpoint_every=2, learning_rate=2e-3),
)  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory, water_trajectory):
    path = write_trajectory(tmp_path_factory.mktemp("data") / "water.h5", water_trajectory)
    return TDDFTTrajectories({"water": path})


def stopped_training(data, folder, after=2):
    """Train until a step, then stop as SIGTERM does."""
    steps = []
    with pytest.raises(StoppedError):
        train(
            RECIPE, data, folder, validation=data, on_step=lambda *s: steps.append(s), stop=lambda: len(steps) >= after
        )


def test_a_second_training_in_one_folder_is_refused(tmp_path, data):
    with (tmp_path / ".lock").open("a") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(InputError, match=f"another training is at work in {tmp_path}; wait for it, or choose"):
            train(RECIPE, data, tmp_path)
    assert not (tmp_path / "model.json").exists()


def test_the_folder_is_free_again_after_an_error(tmp_path):
    with pytest.raises(RuntimeError, match="fault"), run_folder(tmp_path):
        raise RuntimeError("fault")
    with run_folder(tmp_path):
        pass


def test_what_killed_runs_left_half_written_is_removed_and_nothing_else(tmp_path):
    stale = [".best.safetensors.0123.tmp", ".model.json.4567.tmp", "best.tmp", "training_state.tmp"]
    for name in [*stale, "mine.tmp", "notes.txt"]:
        (tmp_path / name).write_text("half")
    with run_folder(tmp_path):
        assert {p.name for p in tmp_path.iterdir()} == {".lock", "mine.tmp", "notes.txt"}


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(InputError, match=r"cannot write to .*file.*choose another folder"),
        run_folder(tmp_path / "file"),
    ):
        pass


def test_weights_are_flushed_to_the_disk_before_they_get_their_name(tmp_path, data, monkeypatch):
    flushed, renamed = set(), []
    real_fsync, real_replace = os.fsync, os.replace

    def fsync(handle):
        flushed.add(os.fstat(handle).st_ino)
        real_fsync(handle)

    def note(source):
        renamed.append((os.fspath(source), os.stat(source).st_ino in flushed))

    def replace(self, target):
        note(self)
        real_replace(self, target)
        return target

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr("pathlib.Path.replace", replace)
    train(RECIPE, data, tmp_path, validation=data)
    assert renamed
    assert all(done for _, done in renamed)


def test_a_damaged_state_says_what_to_do(tmp_path, data):
    stopped_training(data, tmp_path)
    file = tmp_path / "training_state.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(ContractError, match=r"training_state.safetensors: damaged .*; remove it to start again"):
        train(RECIPE, data, tmp_path, validation=data)


def test_sigterm_at_any_time_gives_75(capsys):
    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(SystemExit) as stop:
            run("graphlearn", lambda: os.kill(os.getpid(), signal.SIGTERM))
    finally:
        signal.signal(signal.SIGTERM, before)
    assert stop.value.code == 75
    assert "run the same command again" in capsys.readouterr().err


@pytest.fixture
def rings(tmp_path):
    write_rings(tmp_path)
    content = {
        "name": "rings", "data": {"kind": "tu", "name": "RINGS", "folds": 0, "root": str(tmp_path)},
        "network": {"channels": 8}, "depths": [2], "readouts": ["mean", "max"], "test_folds": [0],
        "budget": {"epochs": 3, "batch_size": 10},
    }  # fmt: skip
    (tmp_path / "rings.yaml").write_text(yaml.safe_dump(content))
    return tmp_path


def test_sigterm_ends_a_training_of_graphs_with_75_and_it_goes_on(rings, terminated):
    command = ("train", rings / "rings.yaml", "--out", rings / "model")
    assert terminated("training", *command) == 75
    assert not (rings / "model/model.json").exists()
    (losses,) = [json.loads(load_facts(rings / "model"))["losses"]]
    assert len(losses) == 2
    train_command(str(rings / "rings.yaml"), rings / "model")
    assert json.loads(load_facts(rings / "model"))["losses"][:2] == losses
    assert (rings / "model/model.json").exists()


def load_facts(folder):
    with safe_open(folder / "training_state.safetensors", framework="pt") as file:
        return file.metadata()["facts"]


def test_sigterm_ends_a_comparison_with_75_and_keeps_what_is_finished(rings, terminated):
    command = ("compare", rings / "rings.yaml", "--out", rings / "runs", "-j", 1)
    assert terminated("runs", *command) == 75
    (line,) = (rings / "runs/runs.jsonl").read_text().splitlines()
    assert json.loads(line)["variant"] == "mean"


@pytest.fixture
def small_recipe(tmp_path):
    content = {
        "name": "small",
        "model": {**SMALL, "num_frames": 4, "field_samples": 80},
        "split": {"test": {"held out": ["HF_d0"]}}, "optimisation": {"steps": 3, "batch_size": 2},
    }  # fmt: skip
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(content))
    return tmp_path / "small.yaml"


def test_sigterm_ends_the_training_of_the_demo_with_75_and_it_goes_on(tmp_path, small_recipe, terminated):
    molecules = {
        "name": "tiny", "molecules": ["H2", "HF"], "method": {"grid_level": 0, "response_grid": 0},
        "field": {"directions": "random"}, "propagation": {"steps": 240, "save_every": 10},
    }  # fmt: skip
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(molecules))
    command = ("demo", "--out", tmp_path / "demo", "--data-recipe", tmp_path / "tiny.yaml", "--recipe", small_recipe,
               "-j", 1)  # fmt: skip
    assert terminated("training", *command) == 75
    assert (tmp_path / "demo/model/training_state.safetensors").is_file()
    assert not (tmp_path / "demo/model/model.json").exists()
