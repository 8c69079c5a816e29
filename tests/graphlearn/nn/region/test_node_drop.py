"""HierarchicalNodeDrop: what it keeps, why, and what the pooling must never do."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from hypothesis import given, settings, strategies as st
from region_helpers import CHANNELS, assert_linear_memory, batch, path, protein, proteins
from torch import nn

from graphlearn.nn import HierarchicalNodeDrop
from graphlearn.nn.readout.segments import Segments
from graphlearn.nn.region.select import select_above, select_top
from graphlearn.testing import assert_batch_independent, assert_gradcheck, assert_permutation_invariant

OPTIONS = [{}, {"ratio": 0.3, "cone": True}, {"threshold": 0.5, "temperature": 0.5}, {"scale": "soft"}]


def layer(**options):
    torch.manual_seed(0)
    return HierarchicalNodeDrop(CHANNELS, 8, **options)


def pool(model, d, **changes):
    given = {"positions_angstrom": d.pos, "secondary": d.secondary, "mask": d.mask, "edge_weight": d.get("edge_weight")}
    return model(d.x, d.edge_index, batch=d.batch, **given | changes)


def silent(model):
    """All of the score but the two preferences switched off."""
    with torch.no_grad():
        for parameter in model.score.mlp.parameters():
            parameter.zero_()
    return model


@pytest.mark.parametrize("field", ["kept", "weights"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_batch_independence(options, field):
    model = layer(**options)
    assert_batch_independent(lambda d: getattr(pool(model, d), field).float(), proteins(), level="node")


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_pooled_graphs_of_a_batch_are_those_alone(options):
    model = layer(**options)
    pooled = pool(model, batch())
    first = 0
    for graph, data in enumerate(proteins()):
        alone = pool(model, data)
        mine = pooled.batch == graph
        torch.testing.assert_close(pooled.x[mine], alone.x)
        edges = mine[pooled.edge_index[0]]
        assert torch.equal(pooled.edge_index[:, edges] - first, alone.edge_index)
        torch.testing.assert_close(pooled.edge_weight[edges], alone.edge_weight)
        first += len(alone.x)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_permutation(options):
    model = layer(**options)
    data = batch()
    assert_permutation_invariant(lambda d: pool(model, d).weights, data, level="node")
    assert_permutation_invariant(lambda d: pool(model, d).kept.float(), data, level="node")

    def summary(d):
        pooled = pool(model, d)
        sums = pooled.x.new_zeros(4, CHANNELS + 1)
        sums = sums.index_add(0, pooled.batch, torch.cat([pooled.x, torch.ones(len(pooled.x), 1)], 1))
        return torch.cat([sums.flatten(), pooled.edge_weight.sum().view(1)])

    assert_permutation_invariant(summary, data)


def test_preferences_by_hand():
    """Three residues in a row, 3 and 4 Angstrom apart; the score is the two preferences alone."""
    model = silent(layer(sigma_angstrom=5.0, ratio=1 / 3))
    with torch.no_grad():
        model.score.beta_secondary.fill_(0.7)
        model.score.beta_proximity.fill_(2.0)
    edge_index = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    positions = torch.tensor([[0.0, 0, 0], [3, 0, 0], [3, 4, 0]])
    mask = torch.tensor([0.5, 0.8, 0.1])
    pooled = model(torch.randn(3, CHANNELS), edge_index, positions, torch.tensor([1, 0, 0]), mask)
    three, four = math.exp(-9 / 50), math.exp(-16 / 50)
    logits = torch.tensor([0.7 + 2 * 0.8 * three, 2 * (0.5 * three + 0.1 * four) / 2, 2 * 0.8 * four])
    torch.testing.assert_close(pooled.weights, logits.sigmoid())
    assert pooled.kept.tolist() == [True, False, False]


def test_secondary_structure_decides():
    data = path(8)
    model = silent(layer())
    for half in (slice(0, 4), slice(4, 8)):
        secondary = torch.zeros(8)
        secondary[half] = 1
        kept = pool(model, data, secondary=secondary).kept
        assert kept[half].all()
        assert kept.sum() == 4
    assert pool(model, data, secondary=secondary.bool()).kept[4:].all()


def test_nearness_to_proposals_decides():
    data = path(8)
    model = silent(layer())
    mask = torch.tensor([0.0, 0, 0, 0, 0, 1, 1, 1])
    assert pool(model, data, mask=mask).kept.tolist() == [False] * 4 + [True] * 4
    stretched = data.pos.clone()
    stretched[4:] += 1000
    stretched[6:] += 1000
    weights = pool(model, data, positions_angstrom=stretched).weights
    assert weights[4] < weights[1]
    assert not torch.equal(weights, pool(model, data).weights)
    turned = data.pos @ torch.linalg.qr(torch.randn(3, 3))[0] + 5
    torch.testing.assert_close(pool(model, data, positions_angstrom=turned).weights, pool(model, data).weights)


def test_self_loops_are_no_neighbours():
    data = path(5)
    model = silent(layer())
    loops = torch.cat([data.edge_index, torch.arange(5).expand(2, -1)], 1)
    pooled = model(data.x, loops, data.pos, data.secondary, data.mask)
    torch.testing.assert_close(pooled.weights, pool(model, data).weights)


def test_training_and_use_see_the_same_values():
    data = batch()
    model = layer()
    training, use = pool(model.train(), data), pool(model.eval(), data)
    assert torch.equal(training.x, data.x[training.kept])
    assert all(torch.equal(a, b) for a, b in zip(training, use, strict=True))


def test_straight_through_gradient_is_that_of_the_soft_gate():
    data = protein(12)
    gradients = []
    for options in ({}, {"scale": "soft"}):
        model = layer(**options).double()
        x = data.x.double()
        pooled = model(x, data.edge_index, data.pos, data.secondary, data.mask.double())
        pooled.x.sum().backward()
        gradients.append([p.grad for p in model.parameters()])
    torch.testing.assert_close(*gradients)
    assert all(g.abs().sum() > 0 for g in gradients[0])


def test_soft_scale_is_the_weight():
    data = protein(12)
    pooled = pool(layer(scale="soft", ratio=1.0), data)
    torch.testing.assert_close(pooled.x, data.x * pooled.weights[:, None])
    source, target = data.edge_index
    assert torch.equal(pooled.edge_index, data.edge_index)
    expected = data.edge_weight * pooled.weights[source] * pooled.weights[target]
    torch.testing.assert_close(pooled.edge_weight, expected)


def test_induced_edges():
    data = protein(30)
    pooled = pool(layer(), data)
    nodes = pooled.kept.nonzero().flatten()
    source, target = data.edge_index
    among = pooled.kept[source] & pooled.kept[target]
    assert torch.equal(nodes[pooled.edge_index], data.edge_index[:, among])
    torch.testing.assert_close(pooled.edge_weight, data.edge_weight[among])


@pytest.mark.parametrize("cone", [True, False])
def test_gradients(cone):
    data = protein(6, seed=3)

    class Weights(nn.Module):
        def __init__(self):
            super().__init__()
            self.model = HierarchicalNodeDrop(CHANNELS, 4, scale="soft", ratio=1.0, cone=cone)

        def forward(self, x, pos, secondary, mask, weight):
            pooled = self.model(x, data.edge_index, pos, secondary, mask, edge_weight=weight)
            return torch.cat([pooled.weights, pooled.x.flatten(), pooled.edge_weight])

    torch.manual_seed(1)
    assert_gradcheck(Weights(), data.x, data.pos, data.secondary, data.mask, data.edge_weight)


def test_two_passes_agree_bit_for_bit():
    data, gradients = batch(), []
    for _ in range(2):
        model = layer(cone=True)
        mask = data.mask.clone().requires_grad_()
        pooled = pool(model, data, mask=mask)
        (pooled.x.square().sum() + pooled.weights.sum()).backward()
        gradients.append([mask.grad, *(p.grad for p in model.parameters())])
    assert all(torch.equal(a, b) for a, b in zip(*gradients, strict=True))


def test_float32_and_float64_agree():
    data, model = batch(), layer()
    double = copy.deepcopy(model).double()
    pooled = double(data.x.double(), data.edge_index, data.pos, data.secondary, data.mask.double(), data.batch)
    single = model(data.x, data.edge_index, data.pos, data.secondary, data.mask, data.batch)
    assert pooled.weights.dtype == torch.float64
    torch.testing.assert_close(single.weights.double(), pooled.weights, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("size", [0, 1])
def test_empty_and_single_node_graphs(size, options):
    data = protein(1)
    arguments = (data.x[:size], data.edge_index, data.pos[:size], data.secondary[:size], data.mask[:size])
    pooled = layer(**options)(*arguments)
    assert len(pooled.x) == len(pooled.batch) == len(pooled.weights) == size
    assert pooled.edge_index.shape == (2, 0)
    two = layer(**options)(*arguments, batch=torch.ones(size, dtype=torch.long), batch_size=3)
    assert two.batch.tolist() == [1] * size


def test_memory_grows_with_the_edges():
    model = layer(cone=True)
    assert_linear_memory(lambda d: pool(model, d).x)


GRAPHS = st.lists(st.tuples(st.integers(0, 4), st.integers(-3, 3)), max_size=40)


@given(GRAPHS, st.floats(0.01, 1.0))
@settings(deadline=None)
def test_top_selection(nodes, ratio):
    scores = torch.tensor([s for _, s in nodes], dtype=torch.float64)
    graph = torch.tensor([g for g, _ in nodes], dtype=torch.long)
    kept = select_top(scores, ratio, Segments.of(scores[:, None], graph, 5))
    for g in range(5):
        mine = (graph == g).nonzero().flatten().tolist()
        quota = max(1, math.ceil(ratio * len(mine) - 1e-9)) if mine else 0
        best = sorted(mine, key=lambda i: -scores[i])[:quota]
        assert sorted(best) == [i for i in mine if kept[i]]


@given(st.integers(1, 30), st.integers(0, 10**6), st.floats(0.05, 0.95), st.booleans())
@settings(deadline=None, max_examples=40)
def test_pooling_is_a_subset_that_follows_the_nodes(size, seed, ratio, by_threshold):
    data = protein(size, seed)
    model = layer(**({"threshold": ratio} if by_threshold else {"ratio": ratio})).eval()
    pooled = pool(model, data)
    assert 1 <= len(pooled.x) <= size
    assert torch.equal(pooled.x, data.x[pooled.kept])
    order = torch.randperm(size, generator=torch.Generator().manual_seed(seed))
    place = torch.empty_like(order)
    place[order] = torch.arange(size)
    moved = model(
        data.x[order], place[data.edge_index], data.pos[order], data.secondary[order], data.mask[order],
        edge_weight=data.edge_weight,
    )  # fmt: skip
    torch.testing.assert_close(moved.weights, pooled.weights[order])
    weights = torch.cat([pooled.weights.detach(), torch.tensor([ratio])[: int(by_threshold)]]).sort().values
    if (weights.diff() > 1e-5).all():  # among equals rounding decides
        assert torch.equal(moved.kept, pooled.kept[order])


def test_a_threshold_keeps_the_best_of_each_graph_in_any_case():
    segments = Segments.of(torch.zeros(4, 1), torch.tensor([0, 1, 0, 1]), 2)
    assert select_above(torch.tensor([0.1, 0.6, 0.3, 0.7]), 0.5, segments).tolist() == [False, True, True, True]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ratio": 0.0}, "ratio=0"),
        ({"ratio": 1.1}, "ratio=1.1"),
        ({"threshold": 1.0}, "threshold=1"),
        ({"sigma_angstrom": 0.0}, "must be above 0"),
        ({"temperature": -1.0}, "must be above 0"),
        ({"scale": "hard"}, "straight_through, soft"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        layer(**options)


def test_bad_input():
    data, model = protein(5), layer()
    with pytest.raises(ValueError, match=r"positions_angstrom has shape \(5, 2\)"):
        pool(model, data, positions_angstrom=data.pos[:, :2])
    with pytest.raises(ValueError, match="position is not finite"):
        pool(model, data, positions_angstrom=data.pos * torch.nan)
    with pytest.raises(ValueError, match="secondary has shape"):
        pool(model, data, secondary=torch.ones(4))
    with pytest.raises(ValueError, match="mask has shape"):
        pool(model, data, mask=torch.ones(5, 1))


def test_a_missing_position_without_contacts_does_no_harm():
    data, model = protein(5), layer()
    alone = ~(data.edge_index == 4).any(0)
    positions = data.pos.clone()
    positions[4] = torch.nan
    pooled = model(data.x, data.edge_index[:, alone], positions, data.secondary)
    assert pooled.weights.isfinite().all()


def test_repr_and_reset():
    model = layer(cone=True)
    assert repr(model) == "HierarchicalNodeDrop(6, 8, ratio=0.5, scale='straight_through')"
    assert repr(layer(threshold=0.3)) == "HierarchicalNodeDrop(6, 8, threshold=0.3, scale='straight_through')"
    assert repr(model.score) == "NodeScore(6, 8, sigma_angstrom=6.0)"
    with torch.no_grad():
        model.score.beta_cone.fill_(3)
    model.reset_parameters()
    assert model.score.beta_cone.item() == 1
