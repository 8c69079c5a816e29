"""Perturbed structures: how much of each, and that what comes out is a graph of contacts again."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from protein_files import make_chain
from torch_geometric.data import Batch

from graphlearn.base.errors import InputError
from graphlearn.proteins import NUM_FEATURES, RESIDUE_ORDER, SECONDARY_ORDER, contact_graph, perturb
from graphlearn.proteins.training.perturb import with_dropped_contacts, with_masked_residues, with_noise

SIZES = (40, 1, 7, 25)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def make_batch(sizes=SIZES, cutoff=10.0):
    return Batch.from_data_list([contact_graph(make_chain(n, seed), cutoff) for seed, n in enumerate(sizes)])


def tensors(batch):
    return {key: value for key, value in batch.to_dict().items() if isinstance(value, torch.Tensor)}


def assert_equal(first, second):
    first, second = tensors(first), tensors(second)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[key], second[key]) for key in first)


def assert_consistent(graph):
    residue, secondary = graph.features[:, :21], graph.features[:, 21:29]
    assert torch.equal(residue, torch.eye(21)[graph.residue_type])
    assert torch.equal(secondary, torch.eye(8)[graph.secondary])


def assert_symmetric_inside_graphs(batch):
    source, target = batch.edge_index
    edges = set(zip(source.tolist(), target.tolist(), strict=True))
    assert len(edges) == batch.num_edges
    assert edges == {(j, i) for i, j in edges}
    assert all(i != j for i, j in edges)
    assert torch.equal(batch.batch[source], batch.batch[target])
    assert (target * batch.num_nodes + source).diff().gt(0).all()


@given(
    st.lists(st.integers(1, 30), min_size=1, max_size=4),
    st.floats(0, 20),
    st.floats(0, 1),
    st.floats(0, 1),
    st.integers(0, 1000),
)
@settings(deadline=None, max_examples=60)
def test_what_comes_out_is_a_batch_of_contact_graphs(sizes, noise, mask, drop, seed):
    batch = make_batch(sizes)
    before = {key: value.clone() for key, value in tensors(batch).items()}
    view = perturb(batch, seeded(seed), noise_angstrom=noise, mask=mask, drop_contacts=drop)
    assert all(torch.equal(batch[key], value) for key, value in before.items())
    assert_symmetric_inside_graphs(view)
    assert_consistent(view)
    assert view.name == batch.name
    assert view.residue_ids == batch.residue_ids
    graphs = view.to_data_list()
    assert [g.num_nodes for g in graphs] == sizes
    assert_equal(Batch.from_data_list(graphs), view)


@given(st.floats(0.01, 30), st.floats(3, 15), st.integers(0, 100))
@settings(deadline=None, max_examples=30)
def test_contacts_after_noise_are_those_of_each_chain_alone(noise, cutoff, seed):
    view = with_noise(make_batch(), seeded(seed), noise, cutoff)
    for chain_seed, (size, graph) in enumerate(zip(SIZES, view.to_data_list(), strict=True)):
        alone = contact_graph(make_chain(size, chain_seed, ca_angstrom=graph.pos.numpy()), cutoff)
        assert torch.equal(graph.edge_index, alone.edge_index)
        assert torch.equal(graph.features, alone.features)


def test_one_graph_is_perturbed_like_a_batch_of_one():
    graph = contact_graph(make_chain(30))
    alone = perturb(graph, seeded(3))
    batch = perturb(Batch.from_data_list([graph]), seeded(3))
    assert_equal(alone, batch[0])
    assert alone.num_edges != graph.num_edges


def test_strength_of_the_noise():
    batch = make_batch((400, 600))
    shift = with_noise(batch, seeded(), 0.7).pos - batch.pos
    assert abs(shift.mean()) < 4 * 0.7 / 3000**0.5
    assert shift.std() == pytest.approx(0.7, rel=0.05)
    assert shift[:400].std() == pytest.approx(0.7, rel=0.08)
    assert abs(np.corrcoef(shift.T.numpy())[np.triu_indices(3, 1)]).max() < 0.13


def test_share_and_traces_of_masked_residues():
    batch = make_batch((1000, 1000))
    view = with_masked_residues(batch, seeded(), 0.3)
    known = RESIDUE_ORDER.index("X")
    masked = (view.features[:, 51] == 1) & (batch.features[:, 51] == 0)
    assert masked.float().mean() == pytest.approx(0.3, abs=4 * (0.21 / 2000) ** 0.5)
    assert (view.residue_type[masked] == known).all()
    assert (view.secondary[masked] == SECONDARY_ORDER.index("-")).all()
    assert view.features[masked][:, 31:51].abs().sum() == 0
    assert torch.equal(view.features[:, 29:31], batch.features[:, 29:31])
    assert torch.equal(view.features[~masked], batch.features[~masked])
    assert torch.equal(view.residue_type[~masked], batch.residue_type[~masked])
    assert torch.equal(view.secondary[~masked], batch.secondary[~masked])
    assert torch.equal(view.edge_index, batch.edge_index)


def test_embeddings_behind_the_features_are_masked_too():
    batch = make_batch((50,))
    batch.features = torch.cat([batch.features, torch.ones(50, 3)], 1)
    view = with_masked_residues(batch, seeded(), 0.5)
    masked = view.residue_type != batch.residue_type
    assert 5 < masked.sum() < 45
    assert view.features[masked, NUM_FEATURES:].abs().sum() == 0
    assert (view.features[view.features[:, 51] == 0, NUM_FEATURES:] == 1).all()


def test_share_of_dropped_contacts():
    batch = make_batch((300, 300))
    view = with_dropped_contacts(batch, seeded(), 0.25)
    pairs = batch.num_edges // 2
    assert view.num_edges / batch.num_edges == pytest.approx(0.75, abs=4 * (0.1875 / pairs) ** 0.5)
    before = set(map(tuple, batch.edge_index.T.tolist()))
    assert set(map(tuple, view.edge_index.T.tolist())) < before
    assert_symmetric_inside_graphs(view)
    assert with_dropped_contacts(batch, seeded(), 1.0).num_edges == 0


def test_same_seed_same_view_and_another_seed_another():
    batch = make_batch()
    assert_equal(perturb(batch, seeded(5)), perturb(batch, seeded(5)))
    generator = seeded(5)
    first, second = perturb(batch, generator), perturb(batch, generator)
    assert not torch.equal(first.pos, second.pos)
    torch.manual_seed(0)
    drawn = torch.rand(1)
    torch.manual_seed(0)
    perturb(batch, generator)
    assert torch.equal(torch.rand(1), drawn)


def test_no_strength_is_the_identity():
    batch = make_batch()
    generator = seeded()
    state = generator.get_state()
    assert_equal(perturb(batch, generator, noise_angstrom=0, mask=0, drop_contacts=0), batch)
    assert torch.equal(generator.get_state(), state)


def test_labels_and_sites_go_with_the_graphs():
    graphs = [contact_graph(make_chain(n, n)) for n in (5, 9)]
    for row, graph in enumerate(graphs):
        graph.y = torch.full((1, 4), float(row))
        graph.site = torch.arange(graph.num_nodes) % 2 == 0
    view = perturb(Batch.from_data_list(graphs), seeded())
    assert view.y.shape == (2, 4)
    assert view[1].y.tolist() == [[1.0] * 4]
    assert torch.equal(view[1].site, graphs[1].site)


def test_chain_without_profile_stays_without():
    graph = contact_graph(dataclasses.replace(make_chain(20), profile=None))
    view = with_masked_residues(graph, seeded(), 0.5)
    assert (view.features[:, 51] == 1).all()
    assert_consistent(view)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"noise_angstrom": -0.1}, "noise_angstrom is -0.1"),
        ({"noise_angstrom": float("nan")}, "noise_angstrom is nan"),
        ({"cutoff_angstrom": 0.0}, "cutoff_angstrom is 0.0"),
        ({"mask": 1.1}, "share to mask or to drop is 1.1"),
        ({"drop_contacts": -0.5}, "share to mask or to drop is -0.5"),
    ],
)
def test_strengths_out_of_range(options, message):
    with pytest.raises(InputError, match=message):
        perturb(make_batch((5,)), seeded(), **options)


def test_features_of_edges_would_not_fit():
    batch = make_batch((5,))
    batch.edge_weight = torch.ones(batch.num_edges)
    with pytest.raises(InputError, match="edge_weight of the graphs would not fit"):
        perturb(batch, seeded())
