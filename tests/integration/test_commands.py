"""The real commands in their own processes: results, messages and exit codes."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tdddft import read_trajectory

COMMANDS = Path(sys.executable).parent
FAST = ["--set", "method.grid_level=0", "--set", "method.response_grid=0", "--set", "propagation.steps=60"]


def run(*arguments, code=0, **options):
    program, *rest = [str(a) for a in arguments]
    done = subprocess.run([COMMANDS / program, *rest], capture_output=True, text=True, check=False, **options)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout if code == 0 else done.stderr


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "set"
    run("tdddft", "generate", "H2O", "smiles:N", "--out", folder, *FAST)
    return folder


def test_generate_validate_status_spectrum_show(dataset, tmp_path):
    assert "2 of 2 valid" in run("tdddft", "validate", dataset)
    assert "2 finished, 0 failed, 0 missing of 2" in run("tdddft", "status", dataset)
    file = dataset / "trajectories/H2O_d0.h5"
    printed = run("tdddft", "spectrum", file, "--csv", tmp_path / "s.csv", "--figure", tmp_path / "s.png")
    assert "energy (eV)" in printed
    table = np.loadtxt(tmp_path / "s.csv", delimiter=",", skiprows=1)
    assert table.shape[1] == 2
    run("tdddft", "show", file, "--figure", tmp_path / "t.png")
    run("tdddft", "show", dataset)
    for picture in (tmp_path / "s.png", tmp_path / "t.png", dataset / "overview.png"):
        assert picture.read_bytes().startswith(b"\x89PNG")


def bad_inputs(tmp_path):
    (tmp_path / "broken.xyz").write_text("3\n\nO 0 0\n")
    (tmp_path / "odd.xyz").write_text("1\n\nH 0 0 0\n")
    (tmp_path / "typo.yaml").write_text("name: x\nmolecules: [H2O]\nmetod: {}\n")
    (tmp_path / "text.h5").write_text("no")
    (tmp_path / "iodine.xyz").write_text("2\n\nI 0 0 0\nI 0 0 2.7\n")
    out = ["--out", tmp_path / "out"]
    return [
        (["tdddft", "generate", "missing.xyz", *out], "no such file: missing.xyz"),
        (["tdddft", "generate", tmp_path / "broken.xyz", *out], "not readable as xyz"),
        (["tdddft", "generate", tmp_path / "odd.xyz", *out], "odd number"),
        (["tdddft", "generate", "H2O", "--set", "method.grid=3", *out], "unknown key 'method.grid'"),
        (["tdddft", "generate", tmp_path / "typo.yaml", *out], "did you mean"),
        (["tdddft", "generate", "H2O", "--out", tmp_path / "text.h5"], "choose another --out"),
        (["tdddft", "validate", tmp_path / "text.h5"], "damaged or incomplete"),
        (["tdddft", "validate", tmp_path / "none.h5"], "there is no such file"),
        (["tdddft", "generate", tmp_path / "iodine.xyz", *out], "does not cover I"),
        (["tdddft", "status", tmp_path], "not a data-set folder"),
        (["graphlearn", "train", "orbevo/nothing", "--data", tmp_path, *out], "orbevo/demo"),
        (["graphlearn", "evaluate", tmp_path, "--data", tmp_path], "holds no model"),
        (["graphlearn", "rollout", "none.h5", "--weights", tmp_path, "--out", tmp_path / "p.h5"], "no such file"),
    ]  # fmt: skip


@pytest.mark.parametrize("case", range(13))
def test_bad_input_is_one_line_and_exit_code_two(tmp_path, case):
    arguments, message = bad_inputs(tmp_path)[case]
    said = run(*arguments, code=2)
    assert message in said
    assert said.count("\n") == 1
    assert list((tmp_path / "out").rglob("*.h5")) == []


def test_a_basis_that_does_not_fit_the_model_is_named(tmp_path):
    run(
        "tdddft",
        "generate",
        "H2",
        "--out",
        tmp_path / "set",
        *FAST,
        "--set",
        "method.basis=6-311g",
        "--set",
        "method.pseudopotential=null",
    )
    said = run(
        "graphlearn", "train", "orbevo/demo", "--data", tmp_path / "set", "--out", tmp_path / "run",
        "--set", "split.test={}", code=2,
    )  # fmt: skip
    assert "basis '6-311g' does not fit the model" in said


def test_validate_finds_a_changed_file(dataset, tmp_path):
    from tdddft import write_trajectory

    t = read_trajectory(dataset / "trajectories/H2O_d0.h5")
    bad = write_trajectory(tmp_path / "bad.h5", t.replace(dipole_au=t.dipole_au * 1.5))
    done = subprocess.run([COMMANDS / "tdddft", "validate", bad], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "FAIL dipole from coefficients" in done.stdout


def test_validate_names_lost_files_and_generate_replaces_them(dataset, tmp_path):
    folder = tmp_path / "set"
    shutil.copytree(dataset, folder)
    (folder / "trajectories/N_d0.h5").unlink()
    done = subprocess.run([COMMANDS / "tdddft", "validate", folder], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "FAIL N_d0: readable: the file is gone" in done.stdout
    assert "1 finished, 0 failed, 1 missing of 2" in run("tdddft", "status", folder)
    run("tdddft", "generate", "H2O", "smiles:N", "--out", folder, *FAST, "--set", "name=set")
    assert "2 of 2 valid" in run("tdddft", "validate", folder)


def test_spectra_of_files_with_one_name_stay_apart(dataset, tmp_path):
    file = dataset / "trajectories/H2O_d0.h5"
    shutil.copy(file, tmp_path / file.name)
    run("tdddft", "spectrum", file, tmp_path / file.name, "--csv", tmp_path / "s.csv")
    header = (tmp_path / "s.csv").read_text().splitlines()[0]
    assert header.count("strength_per_ev") == 2
    assert "mean" not in header


def test_killed_generation_goes_on_where_it_was(dataset, tmp_path):
    """kill -9 while it runs; the same command finishes the set with the same numbers."""
    folder = tmp_path / "set"
    arguments = ["generate", "H2O", "smiles:N", "--out", folder, *FAST]
    process = subprocess.Popen([COMMANDS / "tdddft", *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not list(folder.rglob("*.h5")) and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    run("tdddft", *arguments)
    assert "2 of 2 valid" in run("tdddft", "validate", folder)
    for name in ("H2O_d0", "N_d0"):
        a, b = (read_trajectory(f / f"trajectories/{name}.h5") for f in (dataset, folder))
        assert np.array_equal(a.frame_coefficients, b.frame_coefficients)


def test_interrupt_says_how_to_go_on(tmp_path):
    process = subprocess.Popen(
        [COMMANDS / "tdddft", "generate", "CH3OH", "--out", tmp_path / "set"], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    while not (tmp_path / "set/run.json").exists() and process.poll() is None:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "run the same command again to continue" in said
    assert "Traceback" not in said


@pytest.fixture(scope="module")
def tiny_recipes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recipes")
    (folder / "data.yaml").write_text(
        "name: tiny\nmolecules: [H2, HF]\ndistortions: {count: 2, only: [HF]}\n"
        "method: {grid_level: 0, response_grid: 0}\nfield: {directions: random}\n"
        "propagation: {steps: 240, save_every: 10}\n"
    )
    (folder / "train.yaml").write_text(
        "name: tiny\nmodel: {channels: 8, heads: 2, alpha_channels: 4, num_density_blocks: 1, num_blocks: 0,"
        " density_lmax: 2, num_radial: 8, num_frames: 4, field_samples: 80}\n"
        "split: {test: {held out: [HF_d0], other: [H2_d0]}}\n"
        "optimisation: {steps: 120, batch_size: 4, checkpoint_every: 5, push_forward_bundles: 2}\n"
    )
    return ["--data-recipe", folder / "data.yaml", "--recipe", folder / "train.yaml"]


@pytest.fixture(scope="module")
def demo_folder(tiny_recipes, tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo") / "whole"
    printed = run("graphlearn", "demo", "--out", folder, *tiny_recipes)
    for expected in ("held out", "OrbEvo", "frozen Hamiltonian", "persistence", "zero", "finished in"):
        assert expected in printed
    return folder


def test_demo_writes_table_figures_and_readable_predictions(demo_folder, tmp_path):
    assert "| held out | OrbEvo |" in (demo_folder / "results.md").read_text()
    for name in ("dipole", "absorption", "error_growth", "learning_curve"):
        assert (demo_folder / f"figures/{name}.png").read_bytes().startswith(b"\x89PNG")
    predicted = demo_folder / "predictions/HF_d0.h5"
    assert "1 of 1 valid" in run("tdddft", "validate", predicted)
    run("tdddft", "spectrum", predicted, "--figure", tmp_path / "s.png")
    run("tdddft", "show", predicted, "--figure", tmp_path / "t.png")
    again = run(
        "graphlearn",
        "rollout",
        demo_folder / "data/trajectories/HF_d0.h5",
        "--weights",
        demo_folder / "model",
        "--out",
        tmp_path / "p.h5",
    )
    assert "wrote" in again
    assert np.array_equal(
        read_trajectory(predicted).frame_coefficients, read_trajectory(tmp_path / "p.h5").frame_coefficients
    )
    assert "OrbEvo" in run("graphlearn", "evaluate", demo_folder / "model", "--data", demo_folder / "data")


def test_interrupted_demo_equals_uninterrupted(demo_folder, tiny_recipes, tmp_path):
    """Killed in the middle of training, then run again: the same results and weights."""
    folder = tmp_path / "parts"
    shutil.copytree(demo_folder / "data", folder / "data")
    process = subprocess.Popen(
        [COMMANDS / "graphlearn", "demo", "--out", folder, *tiny_recipes],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not (folder / "model/training_state.safetensors").exists() and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (folder / "model/model.json").exists()
    run("graphlearn", "demo", "--out", folder, *tiny_recipes)
    assert (folder / "results.json").read_text() == (demo_folder / "results.json").read_text()
    assert (folder / "model/model.safetensors").read_bytes() == (demo_folder / "model/model.safetensors").read_bytes()


def test_kick_spectrum_is_checked_against_linear_response(tmp_path):
    folder = tmp_path / "kick"
    run(
        "tdddft", "generate", "H2O", "--out", folder, "--set", "method.response_grid=coarse",
        "--set", "field.kind=kick", "--set", "field.directions=[[1,0,0],[0,1,0],[0,0,1]]", "--set",
        "propagation.dt_fs=0.02", "--set", "propagation.save_every=1", "--set", "propagation.steps=300",
        "--set", "propagation.dipole_tolerance=1e-3",
    )  # fmt: skip
    files = sorted((folder / "trajectories").glob("*.h5"))
    options = ("--pade", "--check", "--roots", 12, "--max-energy-ev", 14)
    printed = run("tdddft", "spectrum", *files, *options, "--figure", tmp_path / "s.png", "--csv", tmp_path / "s.csv")
    assert "peaks and linear response agree" in printed
    assert "isotropic" in printed
    assert "im_alpha_zz_au" in (tmp_path / "s.csv").read_text().splitlines()[0]
    assert (tmp_path / "s.png").read_bytes().startswith(b"\x89PNG")
    run("tdddft", "spectrum", *files, *options, "--check-tolerance-ev", 0, code=1)


def test_observe_and_density(dataset, tmp_path):
    file = dataset / "trajectories/H2O_d0.h5"
    printed = run("tdddft", "observe", file, "--csv", tmp_path / "o.csv", "--figure", tmp_path / "o.png")
    assert "electrons outside the occupied orbitals" in printed
    header, first = (tmp_path / "o.csv").read_text().splitlines()[:2]
    assert {"population_0", "charge_O0_e", "field_energy_hartree"} <= set(header.split(","))
    assert len(first.split(",")) == len(header.split(","))
    assert (tmp_path / "o.png").read_bytes().startswith(b"\x89PNG")
    run("tdddft", "density", file, "--frame", 1, "--frame", 3, "--spacing-au", 0.8, "--out", tmp_path / "cubes")
    names = {p.name for p in (tmp_path / "cubes").iterdir()}
    assert names == {"H2O_d0_frame1_change.cube", "H2O_d0_frame3_change.cube"}
    assert "no frame 99" in run("tdddft", "density", file, "--frame", 99, "--out", tmp_path, code=2)


def test_a_field_from_a_file_and_a_named_scheme(tmp_path):
    (tmp_path / "field.csv").write_text("time (fs),Ex (V/nm),Ey (V/nm),Ez (V/nm)\n0,0,0,0\n0.1,0,0,0.5\n0.2,0,0,0\n")
    folder = tmp_path / "set"
    run(
        "tdddft", "generate", "H2O", "--out", folder, *FAST, "--set", "field.kind=file", "--set",
        f"field.file={tmp_path / 'field.csv'}", "--set", "propagation.propagator=etrs",
    )  # fmt: skip
    t = read_trajectory(folder / "trajectories/H2O_d0.h5")
    assert np.abs(t.field_au[:, 2]).max() > 5e-4
    assert "time-reversal" in t.provenance.propagator
    message = run("tdddft", "generate", "H2O", "--out", tmp_path / "x", "--set", "field.kind=file", code=2)
    assert "field.file is missing" in message
