"""Every command of both command lines runs once, and nothing is unpickled but what processes send to each other.

An audit hook, in the commands' process and in all that they start, writes down each class that an unpickler looks up
outside of multiprocessing. Planetoid's files, the only pickles that are read, go through a reader whose list is known.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from graph_files import write_rings
from protein_files import alpha_trace, pdb_line, write

import graphlearn.cli
import tdddft.cli
from graphlearn.base.plain_files import file_hash
from graphlearn.graphs.data.array_pickle import ALLOWED

HOOK = """
import os, sys
OWN = os.sep + "multiprocessing" + os.sep
def hook(event, arguments):
    if event != "pickle.find_class":
        return
    frame = sys._getframe(1)
    while frame is not None:
        if OWN in frame.f_code.co_filename:
            return
        frame = frame.f_back
    with open(os.environ["UNPICKLED"], "a") as file:
        file.write(f"{arguments[0]}.{arguments[1]}\\n")
sys.addaudithook(hook)
"""
DRIVER = """
import json, sys
import torch
def refuse(*_, **__):
    raise AssertionError("torch.load was called")
torch.load = refuse
import graphlearn.cli, tdddft.cli
for program, *words in json.load(open(sys.argv[1])):
    app = {"graphlearn": graphlearn.cli.app, "tdddft": tdddft.cli.app}[program]
    try:
        code = app(words, standalone_mode=False)
    except SystemExit as stop:
        code = stop.code
    print(f"exit {code or 0}: {program} {words[0]}", flush=True)
"""


def small_inputs(folder: Path) -> None:
    """A recipe of each kind, and data for it."""
    write_rings(folder, 20)
    write_planetoid(folder)
    kinds = (("ALA", "LEU", "GLU"), ("SER", "ASP", "GLY"))
    labels, names = [], []
    (folder / "structures").mkdir()
    (folder / "fetched").mkdir()
    (folder / "fetched/1abc.cif").write_text("data_1ABC\n")
    (folder / "fetched/SHA256SUMS").write_text(f"{file_hash(folder / 'fetched/1abc.cif')}  1abc.cif\n")
    for number in range(8):
        residues = np.random.default_rng(number).choice(kinds[number % 2], 20)
        atoms = zip(residues, alpha_trace(20), strict=True)
        lines = [pdb_line(residue=r, number=i + 1, xyz=tuple(p)) for i, (r, p) in enumerate(atoms)]
        write(folder / f"structures/C{number}.pdb", lines)
        names.append(f"C{number}-A")
        labels.append(f"C{number}-A\t{number % 2 + 1}.1.1.1")
    (folder / "labels.tsv").write_text("\n".join(labels) + "\n")
    lists = {"train": names[:4], "validation": names[4:6], "test": names[6:]}
    for part, chosen in lists.items():
        (folder / f"{part}.txt").write_text("\n".join(chosen) + "\n")
    small = {"channels": 8, "heads": 2, "alpha_channels": 4, "num_density_blocks": 1, "num_blocks": 0,
             "density_lmax": 2, "num_radial": 8, "num_frames": 4, "field_samples": 80}  # fmt: skip
    graphs = {"network": {"channels": 8}, "depths": [1], "readouts": ["mean"],
              "budget": {"epochs": 1}}  # fmt: skip
    options = {"structures": str(folder / "structures"), "labels": str(folder / "labels.tsv"), "cache": False,
               "lists": {part: str(folder / f"{part}.txt") for part in lists}}  # fmt: skip
    recipes = {
        "data": {
            "name": "tiny", "molecules": ["H2", "HF"], "method": {"grid_level": 0, "response_grid": 0},
            "field": {"directions": "random"}, "propagation": {"steps": 240, "save_every": 10},
        },
        "orbitals": {
            "name": "tiny", "model": small, "split": {"test": {"held out": ["HF_d0"]}},
            "optimisation": {"steps": 2, "batch_size": 2},
        },
        "rings": {
            "name": "rings", "data": {"kind": "tu", "name": "RINGS", "folds": 0, "root": str(folder)},
            "test_folds": [0], **graphs,
        },
        "tiny": {"name": "tiny", "data": {"kind": "citations", "name": "tiny", "root": str(folder)}, **graphs},
        "proteins": {
            "task": "proteins", "name": "own", "data": {"kind": "folder", "ontology": "ec", "options": options},
            "model": {"channels": 8, "hidden": 4, "heads": 2, "readout": "mean"}, "losses": {"info_nce": 0.0},
            "optimisation": {"epochs": 1, "batch_size": 4},
        },
    }  # fmt: skip
    for name, content in recipes.items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(content))


def write_planetoid(folder: Path) -> None:
    """A citation network in Planetoid's own files."""
    import pickle

    from scipy.sparse import csr_matrix

    words, labels = csr_matrix(np.eye(503, 4, dtype=np.float32)), np.eye(3, dtype=np.int32)[np.arange(503) % 3]
    content = {
        "x": words[:3], "y": labels[:3], "allx": words, "ally": labels, "tx": words[:2], "ty": labels[:2],
        "graph": {i: [(i + 1) % 505] for i in range(505)},
    }  # fmt: skip
    for part, value in content.items():
        (folder / f"ind.tiny.{part}").write_bytes(pickle.dumps(value, protocol=4))
    (folder / "ind.tiny.test.index").write_text("503\n504\n")


def commands(folder: Path) -> list[list[str]]:
    """Each command once, and training once for each kind of data."""
    demo, file, model = folder / "demo", folder / "demo/data/trajectories/HF_d0.h5", folder / "demo/model"
    lines = [
        ["graphlearn", "doctor"],
        ["graphlearn", "models"],
        ["graphlearn", "datasets"],
        ["graphlearn", "fetch", "1ABC", "--out", folder / "fetched"],
        ["graphlearn", "demo", "--out", demo, "--data-recipe", folder / "data.yaml", "--recipe",
         folder / "orbitals.yaml", "-j", 1],
        ["tdddft", "generate", folder / "data.yaml", "--out", demo / "data", "-j", 1],
        ["tdddft", "lengthen", file, "--steps", 250, "--out", folder / "longer.h5"],
        ["tdddft", "absorption", "H2", "--method", "casida", "--method", "linear", "--hwhm-ev", "1",
         "--csv", folder / "absorption.csv"],
        ["tdddft", "generate", "H2", "--out", folder / "pumped", "-j", 1, "--set", "method.basis=sto-3g", "--set",
         "method.functional=HF", "--set", "propagation.propagator=midpoint", "--set", "propagation.save_every=1",
         "--set", "propagation.steps=200", "--set", "field.kind=pump_probe", "--set", "field.delays_fs=[0.2]", "--set",
         "field.pump={kind: laser, photon_energy_ev: 20, duration_fs: 0.4}"],
        ["tdddft", "status", demo / "data"],
        ["tdddft", "validate", demo / "data"],
        ["tdddft", "show", file, "--figure", folder / "show.png"],
        ["tdddft", "spectrum", file],
        ["tdddft", "transitions", "H2", "--roots", 3, "--out", folder / "transitions"],
        ["tdddft", "harmonics", file, "--fundamental-ev", 20, "--max-order", 2],
        ["tdddft", "transient", folder / "pumped"],
        ["tdddft", "observe", file],
        ["tdddft", "density", file, "--frame", 1, "--out", folder / "cubes"],
        ["graphlearn", "statistics", demo / "data"],
        ["graphlearn", "train", folder / "orbitals.yaml", "--data", demo / "data", "--out", folder / "orbitals"],
        ["graphlearn", "evaluate", model, "--data", demo / "data"],
        ["graphlearn", "rollout", file, "--weights", model, "--out", folder / "rolled.h5"],
        ["graphlearn", "train", folder / "rings.yaml", "--out", folder / "rings"],
        ["graphlearn", "train", folder / "tiny.yaml", "--out", folder / "tiny"],
        ["graphlearn", "compare", folder / "rings.yaml", "--out", folder / "compared", "-j", 1],
        ["graphlearn", "train", folder / "proteins.yaml", "--out", folder / "proteins"],
        ["graphlearn", "evaluate", folder / "proteins", "--no-residues"],
        ["graphlearn", "predict", folder / "structures/C0.pdb", "--weights", folder / "proteins", "--out",
         folder / "predicted"],
    ]  # fmt: skip
    return [[str(word) for word in line] for line in lines]


def environment(folder: Path) -> dict[str, str]:
    (folder / "hook").mkdir()
    (folder / "hook/sitecustomize.py").write_text(HOOK)
    paths = [str(folder / "hook"), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "UNPICKLED": str(folder / "unpickled")}


def test_no_command_unpickles(tmp_path):
    small_inputs(tmp_path)
    asked = commands(tmp_path)
    for program, cli in (("graphlearn", graphlearn.cli), ("tdddft", tdddft.cli)):
        names = {command.callback.__name__ for command in cli.app.registered_commands}
        assert {name for which, name, *_ in asked if which == program} == names
    (tmp_path / "commands.json").write_text(json.dumps(asked))
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, tmp_path / "commands.json"],
        capture_output=True, text=True, timeout=500, env=environment(tmp_path), cwd=tmp_path, check=False,
    )  # fmt: skip
    assert [line for line in done.stdout.splitlines() if line.startswith("exit ")] == [
        f"exit 0: {program} {name}" for program, name, *_ in asked
    ], done.stdout + done.stderr
    found = (tmp_path / "unpickled").read_text().split() if (tmp_path / "unpickled").exists() else []
    assert not set(found) - {".".join(name) for name in ALLOWED}


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("import pickle, fractions; pickle.loads(pickle.dumps(fractions.Fraction(1, 2)))", ["fractions.Fraction"]),
        ("import multiprocessing as m; a, b = m.Pipe(); a.send(m.AuthenticationError()); b.recv()", []),
    ],
    ids=["a pickle", "a pipe"],
)
def test_the_hook_tells_a_pickle_from_a_pipe(tmp_path, code, found):
    subprocess.run([sys.executable, "-c", code], env=environment(tmp_path), check=True, timeout=100)
    file = tmp_path / "unpickled"
    assert (file.read_text().split() if file.exists() else []) == found
