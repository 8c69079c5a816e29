"""Training, evaluation and rollouts of OrbEvo through the real commands."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from tdddft import read_trajectory

COMMANDS = Path(sys.executable).parent
RECIPE = """
name: tiny
architecture: ResponseOrbEvo
model: {channels: 8, heads: 2, num_radial: 8, num_frames: 4, field_samples: 80, auxiliary: [2, 1]}
split: {held_out: 2, validation: 1}
validation: {every: 10, trajectories: 1}
optimisation: {steps: 40, batch_size: 4, windows_per_trajectory: 4, learning_rate: 0.003, push_forward: 0,
               checkpoint_every: 5}
"""


def run(*arguments, code=0):
    program, *rest = [str(a) for a in arguments]
    done = subprocess.run([COMMANDS / program, *rest], capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout if code == 0 else done.stderr


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("orbevo")
    (folder / "data.yaml").write_text(
        "name: tiny\nmolecules: [HF, H2O]\ndistortions: {count: 2}\nmethod: {grid_level: 0, response_grid: 0}\n"
        "propagation: {steps: 240, save_every: 10}\n"
    )
    (folder / "recipe.yaml").write_text(RECIPE)
    run("tdddft", "generate", folder / "data.yaml", "--out", folder / "data")
    printed = run("graphlearn", "train", folder / "recipe.yaml", "--data", folder / "data", "--out", folder / "model")
    assert "2 for held out, 1 for validation, 3 for train" in printed
    return folder


def test_variants_are_compared_on_the_test_sets(trained, tmp_path):
    changes = ["--set", "optimisation.steps=6", "--set", "comparison.seeds=[0]"]
    changes += ["--set", "comparison.variants={one: [], fast: [optimisation.learning_rate=0.01]}"]
    command = ["graphlearn", "compare", trained / "recipe.yaml", "--data", trained / "data", "--out", tmp_path / "runs"]
    printed = run(*command, "-j", 1, "--device", "cpu", *changes)
    for name in ("one", "fast", "frozen Hamiltonian", "zero"):
        assert f"| {name} |" in printed
    before = (tmp_path / "runs/runs.jsonl").read_text()
    lines = [json.loads(line) for line in before.splitlines()]
    assert [line["variant"] for line in lines] == ["one", "fast"]
    assert set(lines[0]["figures"]) == {f"held out: {k}_nrmse" for k in ("wavefunction", "dipole", "absorption")}
    assert json.loads((tmp_path / "runs/one-0-0/model.json").read_text())["class"] == "ResponseOrbEvo"
    assert (tmp_path / "runs/comparison.png").read_bytes().startswith(b"\x89PNG")
    run(*command, "-j", 1, *changes)
    assert (tmp_path / "runs/runs.jsonl").read_text() == before
    message = run(*command, *changes, "--set", "model.channels=16", code=2)
    assert "differ in model.channels" in message


def test_evaluate_writes_tables_figures_and_json(trained, tmp_path):
    out, numbers = tmp_path / "evaluation", tmp_path / "errors.json"
    run(
        "graphlearn", "evaluate", trained / "model", "--data", trained / "data", "--out", out, "--json", numbers,
        "--casida", 2, "--kernel", "fitted", "--kernel", "none",
    )  # fmt: skip
    for figure in ("dipole", "absorption", "error_growth"):
        assert (out / f"figures/{figure}.png").read_bytes().startswith(b"\x89PNG")
    (held_out,) = json.loads(numbers.read_text()).values()
    assert len(held_out["trajectories"]) == 2
    assert held_out["errors"]["linear response, 2 states"]["dipole_nrmse"] > 0.0
    assert held_out["errors"]["linear kernel, fitted"]["wavefunction_nrmse"] < 0.1
    assert held_out["errors"]["linear kernel, none"]["wavefunction_nrmse"] > 0.3
    assert held_out["errors"]["zero"]["wavefunction_nrmse"] == pytest.approx(1.0)
    rows = list(csv.DictReader((out / "trajectories.csv").open()))
    mean = np.mean([float(r["wavefunction_nrmse"]) for r in rows if r["method"] == "ResponseOrbEvo"])
    assert mean == pytest.approx(held_out["errors"]["ResponseOrbEvo"]["wavefunction_nrmse"], rel=1e-4)
    assert "| ResponseOrbEvo |" in (out / "results.md").read_text()
    for name in held_out["trajectories"]:
        predicted = read_trajectory(out / f"predictions/{name}.h5")
        assert predicted.provenance.model == "ResponseOrbEvo"
    one = tmp_path / "one.json"
    run("graphlearn", "evaluate", trained / "model", "--data", trained / "data", "--limit", 1, "--json", one)
    (limited,) = json.loads(one.read_text()).values()
    assert limited["trajectories"] == held_out["trajectories"][:1]


def test_evaluate_refuses_what_it_cannot_write_before_it_computes(trained, tmp_path):
    common = ("graphlearn", "evaluate", trained / "model", "--data", trained / "data")
    (tmp_path / "file").touch()
    assert "is a file" in run(*common, "--out", tmp_path / "file", code=2)
    assert "there is no folder" in run(*common, "--json", tmp_path / "no/where.json", code=2)
    assert "no model 'orbevo/none'" in run("graphlearn", "evaluate", "orbevo/none", "--data", trained, code=2)


def test_rollout_of_a_molecule_in_another_field_and_for_longer(trained, tmp_path):
    common = ("graphlearn", "rollout", "H2O", "--weights", trained / "model", "--frames", 49)
    for name, options in (("x", ("--direction", 1, 0, 0)), ("twice", ("--direction", 1, 0, 0, "--strength", 2))):
        printed = run(*common, *options, "--out", tmp_path / f"{name}.h5", "--figure", tmp_path / f"{name}.png")
        assert "48 frames" in printed
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    once, twice = (read_trajectory(tmp_path / f"{name}.h5") for name in ("x", "twice"))
    assert len(once.times_fs) == 49
    assert np.abs(once.field_au[:, 1:]).max() == 0.0
    first, second = (t.dipole_au - t.dipole_au[0] for t in (once, twice))
    assert np.abs(second - 2 * first).max() < 0.02 * np.abs(second).max()
    assert "1 of 1 valid" in run("tdddft", "validate", tmp_path / "x.h5")


@pytest.mark.parametrize(("stop", "code"), [(signal.SIGTERM, 75), (signal.SIGINT, 130)])
def test_a_stopped_training_goes_on_to_the_same_weights(trained, tmp_path, stop, code):
    arguments = ["train", trained / "recipe.yaml", "--data", trained / "data", "--out", tmp_path / "model"]
    process = subprocess.Popen(
        [COMMANDS / "graphlearn", *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    while not (tmp_path / "model/training_state.safetensors").exists() and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(stop)
    _, said = process.communicate(timeout=120)
    assert process.returncode == code, said
    assert "run the same command again" in said
    assert not (tmp_path / "model/model.json").exists()
    run("graphlearn", *arguments)
    one, other = (load_file(f / "model.safetensors") for f in (trained / "model", tmp_path / "model"))
    assert all(np.array_equal(one[k], other[k]) for k in one)


OUTSIDE = """
from graphlearn.models import ResponseOrbEvo

class OutsideModel(ResponseOrbEvo):
    pass

class UnofferedModel(ResponseOrbEvo):
    pass
"""


@pytest.fixture
def outside(tmp_path, monkeypatch):
    """An installed package with two models, one of which it offers by an entry point."""
    place = tmp_path / "site"
    (place / "outside_package-1.0.dist-info").mkdir(parents=True)
    (place / "outside_package.py").write_text(OUTSIDE)
    info = place / "outside_package-1.0.dist-info"
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: outside-package\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[graphlearn.models]\nOutsideModel = outside_package:OutsideModel\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(place), *filter(None, [os.environ.get("PYTHONPATH")])]))


def test_a_model_of_another_package_trains_and_is_loaded_again(trained, tmp_path, outside):
    few = ["--set", "optimisation.steps=2", "--set", "validation.every=2", "--device", "cpu"]
    command = ["graphlearn", "train", trained / "recipe.yaml", "--data", trained / "data", *few]
    printed = run(*command, "--out", tmp_path / "offered", "--set", "architecture=OutsideModel")
    assert "OutsideModel with" in printed
    assert json.loads((tmp_path / "offered/model.json").read_text())["class"] == "OutsideModel"
    file = next((trained / "data").glob("**/*.h5"))
    run("graphlearn", "rollout", file, "--weights", tmp_path / "offered", "--out", tmp_path / "a.h5")

    name, own = "outside_package:UnofferedModel", tmp_path / "own"
    unallowed = run(*command, "--out", own, "--set", f"architecture={name}", code=2)
    assert "--allow-code" in unallowed
    run(*command, "--out", own, "--set", f"architecture={name}", "--allow-code")
    assert json.loads((own / "model.json").read_text())["class"] == name
    rollout = ["graphlearn", "rollout", file, "--weights", own, "--out", tmp_path / "b.h5"]
    assert "name it again" in " ".join(run(*rollout, code=2).split())
    run(*rollout, "--model-class", name)
    assert read_trajectory(tmp_path / "b.h5").provenance.model == name
