"""Truncated, flipped, swapped and malicious files to every loader: a clean error that names the file, nothing run."""

from __future__ import annotations

import pickle
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings, strategies as st
from protein_files import cif_text, pdb_text

from graphlearn.base.errors import ContractError, InputError
from graphlearn.base.recipes.reading import load_recipe
from graphlearn.models import HistographGNN
from graphlearn.orbitals.recipe import OrbitalRecipe
from graphlearn.proteins import read_structure
from graphlearn.proteins.data.deepfri_files import read_chain_list, read_deepfri_annotations
from graphlearn.proteins.ontology.annotations import read_term_table
from graphlearn.proteins.ontology.gene_ontology import GeneOntology
from graphlearn.proteins.prediction.homology import HOMOLOGUES, Homologues
from graphlearn.training.checkpoint import load_model, save_model
from tdddft import read_trajectory, write_trajectory

OBO = """format-version: 1.2

[Term]
id: GO:0003674
name: molecular_function
namespace: molecular_function

[Term]
id: GO:0003824
name: catalytic activity
namespace: molecular_function
is_a: GO:0003674
"""
RECIPE = "name: small\nmodel: {channels: 8}\noptimisation:\n  steps: 3\n  batch_size: 2\n"
LABELS = "### EC-numbers\n1.1.1.-\t1.1.1.1\n### PDB-chain\tEC-numbers\n1ABC-A\t1.1.1.-,1.1.1.1\n"
RUN = settings(
    max_examples=40, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip


class Evil:
    """Leaves a file behind where it is unpickled."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


def _weights(folder):
    return load_model(folder / "weights")


LOADERS = {
    "trajectory.h5": lambda folder: read_trajectory(folder / "trajectory.h5"),
    "weights/model.safetensors": _weights,
    "weights/model.json": _weights,
    HOMOLOGUES: Homologues.load,
    "recipe.yaml": lambda folder: load_recipe(folder / "recipe.yaml", OrbitalRecipe),
    "1abc.pdb": lambda folder: read_structure(folder / "1abc.pdb"),
    "2abc.cif": lambda folder: read_structure(folder / "2abc.cif"),
    "go.obo": lambda folder: GeneOntology.read(folder / "go.obo"),
    "terms.tsv": lambda folder: read_term_table(folder / "terms.tsv"),
    "annot.tsv": lambda folder: read_deepfri_annotations(folder / "annot.tsv"),
    "list.txt": lambda folder: read_chain_list(folder / "list.txt"),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory, water_trajectory):
    """A file of each kind as it should be."""
    folder = tmp_path_factory.mktemp("whole")
    write_trajectory(folder / "trajectory.h5", water_trajectory)
    torch.manual_seed(0)
    save_model(folder / "weights", HistographGNN(4, 2, channels=8, num_layers=2), {})
    Homologues({"a": "MKTAYIAKQR"}, np.array([[True, False]])).save(folder)
    texts = {
        "recipe.yaml": RECIPE, "1abc.pdb": pdb_text(), "2abc.cif": cif_text(pdb_text()), "go.obo": OBO,
        "terms.tsv": "1ABC-A\tGO:0003824\n", "annot.tsv": LABELS, "list.txt": "1ABC-A\n2ABC-B\n",
    }  # fmt: skip
    for name, text in texts.items():
        (folder / name).write_text(text)
    return {name: (folder / name).read_bytes() for name in [*LOADERS, "weights/model.json"]}


def put(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def load_or_refuse(name, folder):
    """Load; anything but a result or an error of ours fails the test."""
    start, message = time.perf_counter(), "read"
    try:
        LOADERS[name](folder)
    except (InputError, ContractError) as error:
        message = str(error)
    assert message.strip()
    assert "\n" not in message
    assert time.perf_counter() - start < 20


@pytest.mark.parametrize("name", LOADERS)
def test_whole_files_are_read(whole, tmp_path, name):
    put(tmp_path, whole)
    LOADERS[name](tmp_path)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", LOADERS)
@RUN
@given(place=st.floats(0, 1), flips=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=4))
def test_cut_and_flipped_files_give_a_result_or_a_clean_error(whole, tmp_path, name, place, flips):
    content = bytearray(whole[name])
    for where, byte in flips:
        content[min(int(where * len(content)), len(content) - 1)] = byte
    kept = content if flips else content[: int(place * len(content))]
    put(tmp_path, {**whole, name: bytes(kept)})
    load_or_refuse(name, tmp_path)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", LOADERS)
def test_files_of_another_kind_give_a_clean_error(whole, tmp_path, name):
    for other, content in whole.items():
        put(tmp_path, {**whole, name: content})
        if other != name:
            load_or_refuse(name, tmp_path)
    put(tmp_path, {**whole, name: b""})
    with pytest.raises((InputError, ContractError)):
        LOADERS[name](tmp_path)


@pytest.mark.parametrize("name", LOADERS)
def test_nothing_is_unpickled(whole, tmp_path, name):
    mark = tmp_path / "was-run"
    put(tmp_path, {**whole, name: pickle.dumps(Evil(mark))})
    with pytest.raises((InputError, ContractError)):
        LOADERS[name](tmp_path)
    torch.save(Evil(mark), tmp_path / name)
    with pytest.raises((InputError, ContractError)):
        LOADERS[name](tmp_path)
    assert not mark.exists()


@pytest.mark.parametrize(
    "text",
    [
        "name: !!python/object/apply:os.system ['touch was-run']\n",
        "a: &a [x, x, x, x, x, x, x, x, x]\n"
        + "".join(f"{k}: &{k} [{', '.join(['*' + chr(ord(k) - 1)] * 9)}]\n" for k in "bcdefgh"),
        "name: " + "[" * 5000,
        "- a\n- b\n",
        "name: 3\nmodel: x\n",
    ],
    ids=["python object", "anchors", "nesting", "list", "types"],
)
def test_malicious_recipes_are_refused(tmp_path, text, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recipe.yaml").write_text(text)
    limit = sys.getrecursionlimit()
    with pytest.raises(InputError, match="recipe"):
        load_recipe(tmp_path / "recipe.yaml", OrbitalRecipe)
    assert sys.getrecursionlimit() == limit
    assert not (tmp_path / "was-run").exists()
