"""Basis sets that are Python, and working folders full of Python: no command runs any of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from graphlearn.base.errors import ContractError
from graphlearn.base.recipes.reading import parse_recipe
from graphlearn.orbitals.baselines import LinearResponse
from graphlearn.training.packaged import model_folder
from tdddft import Kick, Method, generate, ground_state, propagate, read_trajectory, write_trajectory
from tdddft.dataset.recipe import GenerateRecipe
from tdddft.trajectory import level_of_theory

COMMANDS = Path(sys.executable).parent
FAST = {"functional": "LDA,VWN", "basis": "sto-3g", "pseudopotential": None, "grid_level": 0, "response_grid": 0}
RECIPE = {
    "name": "set", "molecules": ["H2"], "method": FAST, "propagation": {"steps": 20, "save_every": 10},
}  # fmt: skip
REFUSAL = "takes the name of one that PySCF ships, not its text and not a file"


@pytest.fixture
def working_folder(tmp_path):
    """A folder with modules and a configuration of PySCF that leave a mark if they are run."""
    folder = tmp_path / "work"
    folder.mkdir()
    for name in (".pyscf_conf.py", "multiprocessing.py", "numpy.py", "pyscf.py", "struct.py", "sitecustomize.py"):
        (folder / name).write_text(f"open({str(tmp_path / 'canary')!r}, 'a').write({name!r})")
    return folder


def payload(tmp_path):
    """A basis of hydrogen whose exponent is an expression."""
    return f"H S\n 1.0+0*open({str(tmp_path / 'canary')!r},'w').write('') 1.0"


def run(folder, *arguments, **variables):
    """Exit code and output of a command that is started in the folder."""
    program, *rest = [str(a) for a in arguments]
    done = subprocess.run(
        [COMMANDS / program, *rest], capture_output=True, text=True, check=False, cwd=folder,
        env={**os.environ, **variables},
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def trajectory():
    return propagate(ground_state("g2:H2", Method(**FAST)), Kick(1e-3, (0, 0, 1)), steps=4, dt_fs=0.01, save_every=1)


def with_method(trajectory, **changes):
    return trajectory.replace(method=trajectory.method.model_copy(update=changes))


def refused(folder, *arguments):
    code, said = run(folder, *arguments)
    assert (code, REFUSAL in said) == (2, True), said
    assert not (folder.parent / "canary").exists()


@pytest.mark.parametrize("key", ["basis", "pseudopotential", "ecp"])
def test_text_in_a_recipe_is_refused(working_folder, tmp_path, key):
    recipe = {**RECIPE, "method": {**FAST, key: payload(tmp_path)}}
    (working_folder / "r.yaml").write_text(yaml.safe_dump(recipe))
    refused(working_folder, "tdddft", "generate", "r.yaml", "--out", "out")


def test_text_in_an_override_is_refused(working_folder, tmp_path):
    text = json.dumps(payload(tmp_path))
    refused(working_folder, "tdddft", "generate", "H2", "--out", "out", "--set", f"method.basis={text}")


def test_text_for_an_element_is_refused(working_folder, tmp_path):
    text = json.dumps({"default": "sto-3g", "H": payload(tmp_path)})
    refused(working_folder, "tdddft", "generate", "H2", "--out", "out", "--set", f"method.basis={text}")


@pytest.mark.parametrize("command", [("density",), ("spectrum", "--check")])
def test_text_in_a_trajectory_is_refused(working_folder, tmp_path, trajectory, command):
    write_trajectory(working_folder / "t.h5", with_method(trajectory, basis=payload(tmp_path)))
    refused(working_folder, "tdddft", *command, "t.h5")


def test_text_in_a_trajectory_is_refused_by_the_linear_response_baseline(tmp_path, trajectory):
    with pytest.raises(ContractError, match=REFUSAL):
        LinearResponse(states=1)(with_method(trajectory, basis=payload(tmp_path)))
    assert not (tmp_path / "canary").exists()


def test_text_in_a_received_folder_is_refused(working_folder, tmp_path):
    generate(parse_recipe(RECIPE, GenerateRecipe), working_folder / "set", jobs=1)
    changed = {**RECIPE, "method": {**FAST, "basis": payload(tmp_path)}}
    (working_folder / "set/recipe.yaml").write_text(yaml.safe_dump(changed))
    (working_folder / "set/trajectories/H2_d0.h5").unlink()
    refused(working_folder, "tdddft", "validate", "set", "--repair")


def test_text_in_a_model_is_refused(working_folder, tmp_path):
    shutil.copytree(model_folder("orbevo/qm9"), working_folder / "model")
    card = json.loads((working_folder / "model/model.json").read_text())
    card["simulation"]["method"]["basis"] = payload(tmp_path)
    (working_folder / "model/model.json").write_text(json.dumps(card))
    refused(working_folder, "graphlearn", "rollout", "g2:H2", "--weights", "model", "--out", "p.h5")


def test_files_of_the_working_folder_are_not_run(working_folder, tmp_path):
    """Neither by a command nor by the processes that it starts, also where PYSCF_CONFIG_FILE names no file."""
    (working_folder / "r.yaml").write_text(yaml.safe_dump(RECIPE))
    code, said = run(working_folder, "tdddft", "generate", "r.yaml", "--out", "out", PYSCF_CONFIG_FILE="no-such-file")
    assert code == 0, said
    assert not (tmp_path / "canary").exists()


def test_the_import_runs_no_file_of_the_working_folder(working_folder, tmp_path):
    (working_folder / "sitecustomize.py").unlink()
    code = "import tdddft.electronic.ground_state; from pyscf.gto import mole; print(mole.DISABLE_EVAL)"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=working_folder, capture_output=True, text=True, check=True
    )
    assert done.stdout == "True\n"
    assert not (tmp_path / "canary").exists()


def test_the_doctor_runs_no_file_of_the_working_folder(working_folder, tmp_path):
    code, said = run(working_folder, "graphlearn", "doctor")
    assert "real-time TDDFT" in said
    assert code == 0, said
    assert not (tmp_path / "canary").exists()


def test_old_level_of_theory_sections_are_still_read(tmp_path, trajectory):
    """Those of files and weights that were made before core potentials had a key of their own."""
    path = write_trajectory(tmp_path / "t.h5", trajectory)
    assert level_of_theory(read_trajectory(path))[1].basis == "sto-3g"
