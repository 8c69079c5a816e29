"""Predictions of single chains: terms, residues, pictures, and a page that a browser draws."""

from __future__ import annotations

import json
import re
import shutil

import numpy as np
import pytest
import torch
from protein_files import make_chain

from graphlearn.base.errors import ContractError
from graphlearn.models import ProteinRPN
from graphlearn.proteins import NUM_FEATURES, contact_graph, read_structure
from graphlearn.proteins.prediction.attribution import attribution, grad_cam
from graphlearn.proteins.prediction.figure import prediction_figure
from graphlearn.proteins.prediction.page import prediction_page
from graphlearn.proteins.prediction.predictor import ProteinPredictor
from graphlearn.proteins.structure.drawn_atoms import drawn_atoms
from graphlearn.proteins.structure.read import read_chains


@pytest.fixture(scope="module")
def predictor(trained_folder):
    return ProteinPredictor(trained_folder)


def file_of(own_folder, number):
    return own_folder / "structures" / f"C{number:02d}.pdb"


def test_terms_come_with_residues_and_the_similar_chain(predictor, own_folder):
    chain = read_structure(file_of(own_folder, 0))[0]  # a training chain
    found = predictor.predict(chain)
    assert {t.id for t in found.terms} >= {"1.1.-.-", "1.1.1.-", "1.1.1.1"}
    assert found.terms[0].name == "oxidoreductase"
    assert found.similar == ("C00-A", 1.0, "align")
    assert len(found.mask) == len(chain) == found.length
    assert all(max(t.weights) in (0.0, 1.0) and len(t.weights) == len(chain) for t in found.terms)
    assert all(set(t.residues) <= set(chain.residue_ids) for t in found.terms)
    assert found.regions
    assert any("40 residues" in w for w in found.warnings)
    assert any("no backbone" in w for w in found.warnings)


def test_probabilities_respect_ancestors_threshold_and_top(predictor, own_folder):
    chain = read_structure(file_of(own_folder, 21))[0]
    every = {t.id: t.probability for t in predictor.predict(chain, threshold=0).terms}
    assert len(every) == 6
    assert every["2.1.-.-"] >= every["2.1.1.-"] >= every["2.1.1.1"]
    assert len(predictor.predict(chain, threshold=0, top=2).terms) == 2
    assert predictor.predict(chain, threshold=1).terms == ()


def test_network_only_does_not_look_at_similar_chains(trained_folder, own_folder):
    chain = read_structure(file_of(own_folder, 0))[0]
    alone = ProteinPredictor(trained_folder, network_only=True)
    assert alone.predict(chain).similar is None
    assert alone.predict(chain, threshold=0).terms != ProteinPredictor(trained_folder).predict(chain, threshold=0).terms


def test_a_damaged_model_is_refused(trained_folder, tmp_path):
    folder = shutil.copytree(trained_folder, tmp_path / "model")
    facts = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps({k: v for k, v in facts.items() if k != "terms"}))
    with pytest.raises(ContractError, match="damaged model"):
        ProteinPredictor(folder)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return ProteinRPN(NUM_FEATURES, 5, channels=16, hidden=8, heads=2, readout="mean", dropout=0.0).eval()


@pytest.mark.parametrize("method", [attribution, grad_cam])
def test_weights_follow_the_residues_and_need_no_gradient_of_the_model(model, method):
    chain = make_chain(30)
    graph = contact_graph(chain)
    found = method(model, graph, [2])[0]
    assert found.shape == (30,)
    assert (found >= 0).all()
    assert found.max() > 0
    assert all(p.grad is None for p in model.parameters())
    assert torch.allclose(method(model, graph, [0, 2])[1], found)
    assert method(model, graph, []).shape == (0, 30)
    order = torch.randperm(30, generator=torch.Generator().manual_seed(1))
    place = torch.argsort(order)
    moved = graph.clone()
    for key in ("features", "pos", "secondary", "residue_type", "place"):
        moved[key] = graph[key][order]
    moved.edge_index = place[graph.edge_index]
    assert torch.allclose(method(model, moved, [2])[0], found[order], atol=1e-5 * float(found.max()) + 1e-7)


def test_attribution_of_a_plain_network_without_influence_is_zero(model):
    graph = contact_graph(make_chain(30))
    silent = ProteinRPN(**{**model.config, "proposal": False, "node_drop": False}).eval()
    for parameter in silent.head[-1].parameters():
        torch.nn.init.zeros_(parameter)
    assert attribution(silent, graph, [0]).max() == 0


def test_figure_and_page(predictor, own_folder, tmp_path):
    file = file_of(own_folder, 1)
    (structure,) = read_chains(file)
    found = predictor.predict(structure.chain)
    heat = prediction_figure(found).axes[0]
    rows = [*(term.weights for term in found.terms), found.mask]
    drawn = heat.images[0].get_array()
    assert drawn.shape == (len(rows), len(found.residue_ids))
    assert drawn[:-1].tolist() == [list(row) for row in rows[:-1]]
    assert np.argmax(drawn[-1]) == np.argmax(found.mask)
    assert found.chain in heat.get_title()
    page = prediction_page(found, file.name, drawn_atoms(structure))
    data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])
    assert data["residues"] == list(found.residue_ids)
    assert [c["id"] for c in data["choices"]] == [*(t.id for t in found.terms), "regions"]
    assert not re.search(r'(src|href)="http', page)
