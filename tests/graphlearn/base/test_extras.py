"""Libraries that not everybody needs: each belongs to an extra, and a command without it names that extra."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from importlib.metadata import requires
from pathlib import Path

import pytest

import graphlearn
from graphlearn.base.extras import DISTRIBUTIONS, extras_with, missing_library

BROUGHT_ALONG = {"threadpoolctl": "scikit-learn", "pydantic_core": "pydantic", "msgpack": "biotite"}
ROOT = Path(graphlearn.__file__).parent.parent
WITHOUT = """
import sys
missing = sys.argv.pop(1)
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == missing:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Finder())
from importlib import import_module
import_module(sys.argv[0] + ".__main__").main()
"""


def third_party_modules():
    """Top-level names of what our packages import, but for the standard library and ourselves."""
    found = set()
    for file in [*(ROOT / "graphlearn").rglob("*.py"), *(ROOT / "tdddft").rglob("*.py")]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found.add(str(node.module).partition(".")[0])
    return found - set(sys.stdlib_module_names) - {"graphlearn", "tdddft"}


def test_every_library_that_is_imported_is_required_or_belongs_to_an_extra():
    always = {line.split("<")[0].split(">")[0].split("=")[0] for line in requires("graphlearn") if "extra" not in line}
    names = {"yaml": "pyyaml", "torch_geometric": "torch-geometric", **BROUGHT_ALONG, **DISTRIBUTIONS}
    for module in third_party_modules():
        assert names.get(module, module) in always or extras_with(names.get(module, module)), module


@pytest.mark.parametrize(
    ("module", "extras"),
    [("pyscf", ["tdddft"]), ("Bio.PDB", ["proteins"]), ("rdkit.Chem", ["graphs", "tdddft"]), ("parsl", ["cluster"]),
     ("sklearn.metrics", ["graphs", "proteins", "train"]), ("torch", []), ("numpy", []), ("graphlearn", [])],
)  # fmt: skip
def test_an_extra_is_found_by_the_name_that_is_imported(module, extras):
    assert extras_with(module) == extras


def test_the_extra_of_the_command_comes_first():
    error = ModuleNotFoundError("No module named 'h5py'", name="h5py")
    assert "pip install 'graphlearn[tdddft]' (it also comes with graphs, proteins, train)" in missing_library(
        error, "tdddft"
    )
    assert missing_library(ModuleNotFoundError("No module named 'nothing'", name="nothing"), "tdddft") is None


@pytest.mark.parametrize(
    ("missing", "extra", "command"),
    [
        ("pyscf", "tdddft", "tdddft generate H2O --out set"),
        ("rdkit", "tdddft", "tdddft generate smiles:CO --out set"),
        ("h5py", "tdddft", "tdddft show file.h5"),
        ("h5py", "train", "graphlearn train orbevo/demo --data set --out run"),
        ("Bio", "proteins", "graphlearn predict file.pdb --weights protein_rpn/mf --out pages"),
    ],
)
def test_a_command_names_the_extra_of_a_library_that_is_missing(tmp_path, missing, extra, command):
    program, *words = command.split()
    (tmp_path / "file.pdb").write_text("ATOM      1  CA  ALA A   1       0.000   0.000   0.000\n")
    (tmp_path / "file.h5").write_bytes(b"")
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT.replace("sys.argv[0]", repr(program)), missing, *words], cwd=tmp_path,
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith(f"error: this command needs {missing}, which is not installed: ")
    assert f"pip install 'graphlearn[{extra}]'" in line
    assert not (tmp_path / "set").exists()
