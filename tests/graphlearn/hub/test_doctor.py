"""The doctor: a sound installation, one without packages, one with broken ones, each in its own process."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

GRAPHLEARN = Path(sys.executable).parent / "graphlearn"
HIDE = """
import importlib.metadata, sys
HIDDEN = {hidden!r}
class Hide:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in HIDDEN:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Hide())
found = importlib.metadata.version
def version(name):
    if name in HIDDEN:
        raise importlib.metadata.PackageNotFoundError(name)
    return found(name)
importlib.metadata.version = version
"""


def doctor(*options, code=0, site=None, **environment):
    paths = [*([str(site)] if site else []), *filter(None, [os.environ.get("PYTHONPATH")])]
    done = subprocess.run(
        [GRAPHLEARN, "doctor", *options], capture_output=True, text=True, check=False, timeout=180,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), **environment},
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


def findings(*options, **settings):
    report = json.loads(doctor("--json", *options, **settings))
    return report["ok"], {(f["section"], f["part"]): f for f in report["findings"]}


def test_a_sound_installation(tmp_path):
    ok, found = findings(GRAPHLEARN_DATA=str(tmp_path))
    assert ok
    parts = {part for section, part in found if section == "self-test"}
    assert parts == {"torch", "HISTOGRAPH", "OrbEvo", "ProteinRPN", "weights", "HDF5", "real-time TDDFT"}
    assert found["self-test", "real-time TDDFT"]["status"] == "ok"
    assert "1 thread a worker" in found["self-test", "real-time TDDFT"]["detail"]
    assert found["folders", "GRAPHLEARN_DATA"]["detail"] == f"{tmp_path}: empty"
    assert all(f["advice"] for f in found.values() if f["status"] != "ok")


def test_without_pyscf_and_a_required_package_everything_else_is_looked_at(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(HIDE.format(hidden=("pyscf", "parsl", "e3nn")))
    ok, found = findings(code=1, site=tmp_path)
    assert not ok
    assert found["packages", "e3nn"]["status"] == "missing"
    assert found["packages", "e3nn"]["advice"].startswith('pip install "e3nn')
    assert found["extras", "pyscf [tdddft]"]["detail"] == "optional, for tdddft"
    assert found["self-test", "real-time TDDFT"] | {"detail": ""} == {
        "section": "self-test", "part": "real-time TDDFT", "status": "missing", "detail": "",
        "advice": "pip install 'graphlearn[tdddft]'", "needed": False,
    }  # fmt: skip
    assert not found["extras", "parsl [cluster]"]["needed"]
    assert found["self-test", "ProteinRPN"]["status"] == found["self-test", "HDF5"]["status"] == "ok"
    printed = doctor(code=1, site=tmp_path)
    assert "missing real-time TDDFT" in printed
    assert "type: pip install 'graphlearn[tdddft]'" in printed
    assert "2 to repair" in printed


def test_a_package_that_kills_its_process_is_named(tmp_path):
    (tmp_path / "pyscf").mkdir()
    (tmp_path / "pyscf/__init__.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    _, found = findings(code=1, site=tmp_path)
    assert found["self-test", "real-time TDDFT"]["status"] == "failed"
    assert "SIGKILL" in found["self-test", "real-time TDDFT"]["detail"]
    assert found["self-test", "real-time TDDFT"]["advice"] == "pip install --force-reinstall --no-deps pyscf"
    assert found["self-test", "weights"]["status"] == "ok"


@pytest.mark.parametrize(("variable", "part"), [("GRAPHLEARN_DATA", "GRAPHLEARN_DATA"), ("GRAPHLEARN_CACHE", "cache")])
def test_folders_that_cannot_be_used(tmp_path, variable, part, monkeypatch):
    from graphlearn.hub.doctor.machine import folders

    (tmp_path / "file").touch()
    monkeypatch.setenv(variable, str(tmp_path / "file/below"))
    (found,) = (f for f in folders() if f.part == part)
    assert found.status == "failed"
    assert found.advice == f"export {variable}=FOLDER"
    assert found.is_fault
