"""Graph prediction through the real commands: results, resumption, messages and exit codes."""

from __future__ import annotations

import json
import signal
import subprocess
import time

import pytest
from graph_files import write_rings
from test_commands import COMMANDS, run

RECIPE = """
schema_version: 1
name: rings
data: {kind: tu, name: RINGS, folds: 0}
network: {channels: 8}
depths: [2]
readouts: [history, mean]
test_folds: [0, 1]
budget: {epochs: 4, batch_size: 10, learning_rate: 0.01}
"""


@pytest.fixture
def rings(tmp_path):
    """A recipe and its data."""
    write_rings(tmp_path)
    (tmp_path / "rings.yaml").write_text(RECIPE)
    return tmp_path


def test_train_writes_a_model_and_pictures(rings):
    out = rings / "model"
    printed = run(
        "graphlearn", "train", rings / "rings.yaml", "--data", rings, "--out", out, "--set", "budget.epochs=30"
    )
    assert "48 for training, 6 for choosing the epoch, 6 for the test" in printed
    assert "test accuracy 100.0 % (the commonest class: 50.0 %)" in printed
    for name in ("learning_curve.png", "history.png"):
        assert (out / name).read_bytes().startswith(b"\x89PNG")
    assert json.loads((out / "model.json").read_text())["class"] == "HistographGNN"
    message = run("graphlearn", "rollout", out / "model.json", "--weights", out, "--out", rings / "x.h5", code=2)
    assert message.startswith("error: ")


def test_compare_prints_a_table_and_goes_on(rings):
    out = rings / "runs"
    command = ["graphlearn", "compare", rings / "rings.yaml", "--data", rings, "--out", out, "-j", 1]
    printed = run(*command)
    assert "| history |" in printed
    assert "| the commonest class | 50.0 |" in printed
    assert (out / "comparison.png").read_bytes().startswith(b"\x89PNG")
    summary = json.loads((out / "summary.json").read_text())
    assert [row["variant"] for row in summary["rows"]] == ["history", "mean"]
    before = (out / "runs.jsonl").read_text()
    assert "| jk_max |" in run(*command, "--readout", "history", "--readout", "jk_max")
    assert (out / "runs.jsonl").read_text().startswith(before)
    assert len((out / "runs.jsonl").read_text().splitlines()) == 6
    message = run(*command, "--set", "network.channels=16", code=2)
    assert "differ in network.channels" in message


def test_killed_comparison_goes_on(rings):
    out = rings / "runs"
    command = ["graphlearn", "compare", rings / "rings.yaml", "--data", rings, "--out", out, "-j", "1"]
    command += ["--set", "budget.epochs=60", "--set", "budget.patience=60"]
    process = subprocess.Popen([COMMANDS / command[0], *command[1:]], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not ((out / "runs.jsonl").is_file() and (out / "runs.jsonl").read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = (out / "runs.jsonl").read_text().splitlines()
    assert kept
    run(*command)
    lines = (out / "runs.jsonl").read_text().splitlines()
    assert len(lines) == 4
    assert lines[: len(kept)] == kept


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["histograph/mutagg"], "no recipe 'histograph/mutagg'"),
        (["rings.yaml", "--set", "readouts=[histroy]"], "unknown readout 'histroy'"),
        (["rings.yaml", "--set", "budget.epoch=3"], "did you mean 'optimisation.epochs'"),
        (["rings.yaml", "--set", "data.folds=stored"], "RINGS.json: not readable as a split file"),
        (["rings.yaml", "--set", "readout_options={history: {heads: 3}}"], "heads=3 must divide"),
    ],
)
def test_bad_input_is_one_line(rings, arguments, message):
    name, *rest = arguments
    recipe = rings / name if name.endswith(".yaml") else name
    printed = run("graphlearn", "compare", recipe, *rest, "--data", rings, "--out", rings / "runs", code=2)
    assert message in printed
    assert printed.count("\n") == 1


def test_training_on_trajectories_needs_data(tmp_path):
    assert "give --data" in run("graphlearn", "train", "orbevo/demo", "--out", tmp_path / "m", code=2)
