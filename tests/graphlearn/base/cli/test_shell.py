"""Habits of the shell, of both commands: help, version, completion, colour, silence, JSON."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from graphlearn.cli import app as graphlearn_app
from tdddft.cli import app as tdddft_app

COMMANDS = Path(sys.executable).parent
APPS = {"graphlearn": graphlearn_app, "tdddft": tdddft_app}
SUB_COMMANDS = [(name, c.callback.__name__) for name, app in APPS.items() for c in app.registered_commands]
HELP_OF_ALL = """
import contextlib, importlib, io, json, sys
pages = {}
for program in ("graphlearn", "tdddft"):
    app = importlib.import_module(f"{program}.cli").app
    for name in ["", *(c.callback.__name__ for c in app.registered_commands)]:
        with contextlib.redirect_stdout(io.StringIO()) as page:
            try:
                app([*filter(None, [name]), "--help"], prog_name=program)
            except SystemExit as stop:
                assert stop.code == 0, (program, name)
        pages[f"{program} {name}".strip()] = page.getvalue()
print(json.dumps({"pages": pages, "modules": sorted(sys.modules)}))
"""
HEAVY = {"torch", "torch_geometric", "e3nn", "pyscf", "rdkit", "Bio", "ase", "matplotlib", "transformers", "sklearn"}


def run(program, *arguments, code=0, **variables):
    done = subprocess.run(
        [COMMANDS / program, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=120,
        env={**os.environ, "COLUMNS": "200", **variables},
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def helped():
    done = subprocess.run(
        [sys.executable, "-c", HELP_OF_ALL], capture_output=True, text=True, check=True, timeout=120,
        env={**os.environ, "COLUMNS": "200"},
    )  # fmt: skip
    return json.loads(done.stdout)


def test_help_of_every_command_has_an_example_and_the_exit_codes(helped):
    assert {f"{program} {name}" for program, name in SUB_COMMANDS} < set(helped["pages"])
    for command, page in helped["pages"].items():
        assert "Exit codes: 0 done" in page, command
        if " " in command:
            assert f"Example: {command}" in page, command


def test_help_needs_no_heavy_package(helped):
    assert not HEAVY & set(helped["modules"])


@pytest.mark.parametrize("program", APPS)
def test_version_and_completion(program):
    assert run(program, "--version").stdout == f"{program} {_version()}\n"
    script = run(program, "--show-completion", "bash", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1").stdout
    assert f"complete -o default -F _{program}_completion {program}" in script
    asked = {f"_{program.upper()}_COMPLETE": "complete_bash", "COMP_WORDS": f"{program} s", "COMP_CWORD": "1"}
    offered = run(program, **asked).stdout.split()
    assert offered == [name for p, name in SUB_COMMANDS if p == program and name.startswith("s")]


def _version():
    from importlib.metadata import version

    return version("graphlearn")


def test_verbose_says_where_an_error_arose_and_quiet_does_not(tmp_path):
    usual, more, less = (run("tdddft", *option, "status", tmp_path, code=2) for option in ([], ["-v"], ["--quiet"]))
    assert usual.stderr == less.stderr
    assert usual.stderr.count("\n") == 1
    assert "Traceback" in more.stderr
    assert "in recipe" in more.stderr
    assert more.stderr.endswith(usual.stderr)
    assert "not both" in run("graphlearn", "-v", "-q", "models", code=2).stderr


def test_verbose_and_quiet_may_stand_behind_the_sub_command(tmp_path):
    assert "Traceback" in run("tdddft", "status", tmp_path, "-v", code=2).stderr
    assert "not both" in run("graphlearn", "models", "--quiet", "-v", code=2).stderr


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "set"
    quick = ("method.grid_level=0", "method.response_grid=0", "propagation.steps=60", "method.functional=LDA")
    settings = [word for setting in quick for word in ("--set", setting)]
    done = run("tdddft", "-q", "generate", "H2", "HF", "--out", folder, *settings)
    assert done.stdout == f"2 of 2 trajectories in {folder}, 0 failed\n"  # no progress
    return folder


def test_progress_where_it_was_not_asked_to_be_quiet(dataset):
    assert "checking 2/2" in run("tdddft", "validate", dataset).stdout
    assert "checking" not in run("tdddft", "-q", "validate", dataset).stdout
    assert "checking" not in run("tdddft", "validate", dataset, "-q").stdout


def test_json_is_all_that_is_printed(dataset):
    file = dataset / "trajectories/HF_d0.h5"
    status = json.loads(run("tdddft", "status", dataset, "--json").stdout)
    assert (status["finished"], status["missing"], status["wanted"], status["failures"]) == (2, 0, 2, {})
    whole = json.loads(run("tdddft", "validate", dataset, "--json").stdout)
    assert whole["valid"]
    assert whole["rules"]["SCF converged"] == {"passed": 2, "failed": 0, "skipped": 0}
    one = json.loads(run("tdddft", "validate", file, "--json").stdout)
    assert one["rules"]["finite numbers"]["passed"]
    spectrum = json.loads(run("tdddft", "spectrum", file, "--json", "--hwhm-ev", 3).stdout)
    assert spectrum["hwhm_ev"] == 3
    assert all(peak["energy_ev"] > 0 for peak in spectrum["peaks"]["HF_d0"])
    assert "leave out --watch" in run("tdddft", "status", dataset, "--json", "--watch", code=2).stderr


def test_json_of_what_is_broken_comes_with_exit_code_one(dataset, tmp_path):
    from tdddft import read_trajectory, write_trajectory

    t = read_trajectory(dataset / "trajectories/HF_d0.h5")
    bad = write_trajectory(tmp_path / "bad.h5", t.replace(dipole_au=t.dipole_au * 1.5))
    report = json.loads(run("tdddft", "validate", bad, "--json", code=1).stdout)
    assert not report["valid"]
    assert not report["rules"]["dipole from coefficients"]["passed"]


def on_terminal(*command, **variables):
    """What a command writes to a terminal."""
    ours, theirs = pty.openpty()
    environment = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR")}
    process = subprocess.Popen(
        command, stdout=theirs, stderr=theirs, stdin=theirs, env={**environment, "TERM": "xterm-256color", **variables}
    )
    os.close(theirs)
    written = b""
    try:
        while part := os.read(ours, 4096):
            written += part
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    process.wait(60)
    return written.decode()


def test_colour_on_a_terminal_only_and_not_if_no_color_is_set(tmp_path):
    status = (COMMANDS / "tdddft", "status", tmp_path)
    red = "\x1b[31m"
    assert red in on_terminal(*status)
    assert red not in on_terminal(*status, NO_COLOR="1")
    for program in APPS:
        assert "\x1b[" not in run(program, "--help").stdout
    assert "\x1b[" not in run("tdddft", "status", tmp_path, code=2).stderr


def test_an_error_is_one_line_whatever_a_name_holds():
    done = run("tdddft", "generate", "bad\nname\x1b[31m.xyz", "--out", "x", code=2)
    assert done.stderr.startswith(r"error: no such file: bad\nname\x1b[31m.xyz")
    assert done.stderr.count("\n") == 1
