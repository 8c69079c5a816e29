"""Scores of residues by every method, and the sites that they are held against."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from protein_files import make_chain

from graphlearn.base.recipes.reading import parse_recipe
from graphlearn.datasets import ProteinGO
from graphlearn.models import ProteinRPN
from graphlearn.proteins import NUM_FEATURES
from graphlearn.proteins.data.rebuilt_labels import read_clusters
from graphlearn.proteins.data.sites import SiteMask
from graphlearn.proteins.data.training_data import load_training_data
from graphlearn.proteins.evaluation.report import sites_figure, sites_table
from graphlearn.proteins.evaluation.site_benchmark import (
    METHODS,
    KnownSites,
    conservation,
    held_out_sites,
    residue_scores,
    site_benchmark,
)
from graphlearn.proteins.ontology.annotations import Annotations
from graphlearn.proteins.recipe import ProteinRecipe
from graphlearn.proteins.structure.chain_store import ChainStore


@pytest.fixture(scope="module")
def data():
    chains = [make_chain(30, seed, name=f"{seed}ABC-A") for seed in range(4)]
    chains[3] = dataclasses.replace(chains[3], profile=None)
    names = [c.name for c in chains]
    return ProteinGO(ChainStore.of(chains), Annotations((), {}, {c: frozenset() for c in names}), {}, chains=names)


def model(**options):
    torch.manual_seed(0)
    return ProteinRPN(NUM_FEATURES, 5, channels=16, hidden=8, heads=2, readout="mean", **options).eval()


def test_every_method_scores_every_residue(data):
    found = residue_scores(model(), data, "0ABC-A")
    assert set(found) == set(METHODS)
    assert all(values.shape == (30,) and np.isfinite(values).all() for values in found.values())
    assert np.allclose(found["mask and conservation"], found["mask"] * found["conservation"])
    assert 0 < found["random anchors"].max() <= 5
    assert all(
        np.array_equal(a, b)
        for a, b in zip(found.values(), residue_scores(model(), data, "0ABC-A").values(), strict=True)
    )
    assert set(METHODS) - set(residue_scores(model(), data, "3ABC-A")) == {"conservation", "mask and conservation"}
    plain = residue_scores(model(proposal=False, node_drop=False), data, "0ABC-A")
    assert set(METHODS) - set(plain) == {"objectness", "mask", "mask and conservation"}


def test_conservation_is_the_information_of_a_profile():
    sure, even = np.eye(20)[:1], np.full((1, 20), 0.05)
    assert conservation(np.concatenate([sure, even])) == pytest.approx([np.log2(20), 0], abs=1e-6)


def test_a_site_that_follows_a_method_is_found_by_it(data, tmp_path):
    network = model()
    sites = {}
    for name in data.chains[:3]:
        scores = residue_scores(network, data, name)["conservation"]
        sites[name] = SiteMask(scores >= np.sort(scores)[-3], np.ones(30, dtype=bool))
    done = []
    found = site_benchmark(network, KnownSites(data, {"made": sites}), on_chain=done.append)["made"]
    assert done == [1, 2, 3]
    assert found["conservation"].aupr == found["conservation"].top_recall == 1
    assert found["objectness"].aupr < 0.9
    assert "| conservation | 1.000 | 1.000 | 1.000 |" in sites_table({"made": found}).markdown()
    (axes,) = sites_figure({"made": found}).axes
    bars = dict(zip([t.get_text() for t in axes.get_yticklabels()], axes.patches, strict=True))
    assert bars["conservation"].get_width() == 1
    assert axes.get_title() == "made, 3 chains"


def test_held_out_sites_are_unlike_those_that_teach(data_folder):
    recipe = parse_recipe(
        {"name": "x", "data": {"root": str(data_folder / "protein"), "ontology": "ec"}}, ProteinRecipe
    )
    data = load_training_data(recipe)
    parts = {part: held_out_sites(recipe, data, part) for part in ("train", "test")}
    clusters = read_clusters(data_folder / "protein" / "chains.tsv.gz")
    near = {part: {clusters[c] for c in known.chains} for part, known in parts.items()}
    assert not near["train"] & near["test"]
    assert not near["train"] & {clusters[c] for c in data.held_out_chains}
    assert set(parts["test"].sites) == {"catalytic", "binding", "interface"}
    assert all(len(masks) > 10 for masks in parts["test"].sites.values())
