"""A task of generated chains whose terms follow from their residues, and a small model that learned it."""

from __future__ import annotations

import numpy as np
import pytest
from protein_files import alpha_trace, pdb_line, write

from graphlearn.base.recipes.reading import parse_recipe
from graphlearn.proteins.data.training_data import load_training_data
from graphlearn.proteins.recipe import ProteinRecipe
from graphlearn.proteins.training.task import train_proteins
from graphlearn.training.trainer import Trainer

RESIDUES = {"1": ("ALA", "LEU", "GLU", "LYS"), "2": ("SER", "ASP", "GLY", "TRP")}


def write_chain(path, kind, seed, length=40):
    rng = np.random.default_rng(seed)
    names = rng.choice(RESIDUES[kind], length)
    trace = alpha_trace(length)
    return write(
        path,
        [pdb_line(residue=n, number=i + 1, xyz=tuple(p)) for i, (n, p) in enumerate(zip(names, trace, strict=True))],
    )


@pytest.fixture(scope="session")
def train():
    """Train a recipe on a CPU, with options of the trainer; its stages."""

    def call(recipe, data, folder, **options):
        trainer = Trainer("cpu", **options)
        return train_proteins(recipe, data, folder, lambda _, task, place: trainer.fit(task, place))

    return call


@pytest.fixture(scope="session")
def own_folder(tmp_path_factory):
    """24 structure files, their labels, and lists."""
    root = tmp_path_factory.mktemp("own")
    (root / "structures").mkdir()
    lines, names = ["chain\tterms"], []
    for number in range(24):
        kind = "12"[number % 2]
        name = f"C{number:02d}"
        write_chain(root / "structures" / f"{name}.pdb", kind, number)
        lines.append(f"{name}-A\t{kind}.1.1.1")
        names.append(f"{name}-A")
    (root / "labels.tsv").write_text("\n".join(lines) + "\n")
    for part, chosen in (("train", names[:14]), ("validation", names[14:20]), ("test", names[20:])):
        (root / f"{part}.txt").write_text("\n".join(chosen) + "\n")
    return root


@pytest.fixture(scope="session")
def own_recipe(own_folder):
    data = {
        "kind": "folder", "ontology": "ec",
        "options": {
            "structures": str(own_folder / "structures"), "labels": str(own_folder / "labels.tsv"), "cache": False,
            "lists": {part: str(own_folder / f"{part}.txt") for part in ("train", "validation", "test")},
        },
    }  # fmt: skip
    content = {
        "name": "own", "data": data, "model": {"channels": 16, "hidden": 8, "heads": 2, "readout": "mean"},
        "losses": {"info_nce": 0.0}, "optimisation": {"epochs": 12, "batch_size": 7, "learning_rate": 0.01},
        "comparison": {"seeds": [0], "variants": {"ours": [], "plain": ["model.proposal=false"]}},
    }  # fmt: skip
    return parse_recipe(content, ProteinRecipe)


@pytest.fixture(scope="session")
def own_data(own_recipe):
    return load_training_data(own_recipe)


@pytest.fixture(scope="session")
def trained_folder(own_recipe, own_data, train, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained") / "model"
    train(own_recipe, own_data, folder)
    return folder
