"""RegionProposal: its equations against dense matrices, and what a layer must never do."""

from __future__ import annotations

import copy

import pytest
import torch
from region_helpers import CHANNELS, assert_linear_memory, batch, protein, proteins
from torch.nn import functional as F
from torch_geometric.data import Batch

from graphlearn.nn import Proposal, RegionProposal
from graphlearn.nn.region.edges import with_self_loops
from graphlearn.nn.region.proposal import diffuse
from graphlearn.testing import assert_batch_independent, assert_gradcheck, assert_permutation_invariant

NODE_FIELDS = ("features", "objectness_logits", "mask")


def layer(seed=0, **options):
    torch.manual_seed(seed)
    return RegionProposal(CHANNELS, 5, **options)


def dense(data, weighted=True):
    """Adjacency with self-loops as a matrix, rows the targets."""
    size = data.num_nodes
    adjacency = torch.zeros(size, size, dtype=torch.float64)
    adjacency[data.edge_index[1], data.edge_index[0]] = data.edge_weight.double() if weighted else 1.0
    count = (adjacency > 0).sum(1).clamp(min=1)
    mean = adjacency.sum(1) / count
    return adjacency + torch.diag(torch.where(mean > 0, mean, torch.ones_like(mean)))


def dense_gat(conv, h, adjacency):
    z = h @ conv.weight.T
    receive, send = (z * conv.receive).sum(1), (z * conv.send).sum(1)
    logits = F.leaky_relu(receive[:, None] + send[None], 0.2).masked_fill(adjacency == 0, -torch.inf)
    return logits.softmax(1) @ z + (0 if conv.bias is None else conv.bias)


@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("keep_input", [True, False])
@pytest.mark.parametrize("hops", [1, 2, 3])
def test_it_is_the_dense_form(weighted, keep_input, hops):
    model = layer(hops=hops, keep_input=keep_input, diffusion=0.3).double()
    data = protein(20, seed=3)
    adjacency = dense(data, weighted)
    root = adjacency.sum(1).rsqrt()
    h = data.x.double()
    for i, conv in enumerate(model.encoder):
        h = (root[:, None] * adjacency * root) @ (F.leaky_relu(h) if i else h) @ conv.weight.T + conv.bias
    logits = 2 * (dense_gat(model.score, h, adjacency)[:, 0] - model.theta)
    rows = adjacency / adjacency.sum(1, keepdim=True)
    s = logits.sigmoid()
    for _ in range(hops):
        s = 0.3 * rows @ s + 0.7 * s
    gate = F.leaky_relu(dense_gat(model.gate, h, adjacency))
    features = s[:, None] * (gate + data.x.double() if keep_input else gate)
    source, target = data.edge_index
    found = model(data.x.double(), data.edge_index, data.edge_weight.double() if weighted else None)
    expected = Proposal(features, logits, s, (s[:, None] * rows * s)[target, source])
    for name in Proposal._fields:
        torch.testing.assert_close(getattr(found, name), getattr(expected, name))


def test_diffusion_by_hand():
    """A path of three with self-loops, a peak at its end, half of the neighbours' mean in each of two steps."""
    edges = torch.tensor([[0, 1, 1, 2, 0, 1, 2], [1, 0, 2, 1, 0, 1, 2]])
    adjacency = torch.tensor([1 / 3, 1 / 2, 1 / 2, 1 / 3, 1 / 2, 1 / 3, 1 / 2])
    once = diffuse(torch.tensor([1.0, 0.0, 0.0]), edges, adjacency, steps=1, share=0.5)
    torch.testing.assert_close(once, torch.tensor([3 / 4, 1 / 6, 0]))
    twice = diffuse(torch.tensor([1.0, 0.0, 0.0]), edges, adjacency, steps=2, share=0.5)
    torch.testing.assert_close(twice, torch.tensor([9 / 16 + 1 / 24, 1 / 12 + (3 / 4 + 1 / 6) / 6, 1 / 24]))


def test_the_mask_is_a_mean_of_objectness_over_the_ego_graph():
    data = batch()
    proposal = layer()(data.x, data.edge_index)
    p = proposal.objectness_logits.sigmoid()
    assert (proposal.mask > 0).all()
    assert (proposal.mask < 1).all()
    for graph in range(data.num_graphs):
        mine = data.batch == graph
        assert proposal.mask[mine].max() <= p[mine].max() + 1e-6
        assert proposal.mask[mine].min() >= p[mine].min() - 1e-6
    alone = data.batch == 1
    torch.testing.assert_close(proposal.mask[alone], p[alone])


@pytest.mark.parametrize("field", NODE_FIELDS)
def test_batch_independence(field):
    model = layer().eval()
    assert_batch_independent(
        lambda d: getattr(model(d.x, d.edge_index, d.edge_weight), field), proteins(), level="node"
    )


def test_edge_weights_are_those_of_each_graph_alone():
    model = layer()
    data = batch()
    alone = torch.cat([model(d.x, d.edge_index, d.edge_weight).edge_weight for d in proteins()])
    torch.testing.assert_close(model(data.x, data.edge_index, data.edge_weight).edge_weight, alone)


@pytest.mark.parametrize("field", NODE_FIELDS)
def test_permutation(field):
    model = layer().eval()
    assert_permutation_invariant(
        lambda d: getattr(model(d.x, d.edge_index, d.edge_weight), field), batch(), level="node"
    )


def test_given_self_loops_are_kept_and_change_nothing():
    data = protein(12)
    model = layer()
    edges, weight = with_self_loops(data.edge_index, data.edge_weight, 12)
    again, _ = with_self_loops(edges, weight, 12)
    assert again.shape == edges.shape
    plain = model(data.x, data.edge_index, data.edge_weight)
    looped = model(data.x, edges, weight)
    torch.testing.assert_close(looped.features, plain.features)
    torch.testing.assert_close(looped.edge_weight[: data.num_edges], plain.edge_weight)


def test_the_threshold_shifts_every_logit():
    data = protein(12)
    model = layer()
    before = model(data.x, data.edge_index).objectness_logits
    with torch.no_grad():
        model.theta += 1.5
    torch.testing.assert_close(model(data.x, data.edge_index).objectness_logits, before - 3)


@pytest.mark.parametrize("field", Proposal._fields)
def test_gradients(field):
    data = protein(5, seed=2)

    class Field(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = layer()

        def forward(self, x, weight):
            return getattr(self.model(x, data.edge_index, weight), field)

    assert_gradcheck(Field(), data.x, data.edge_weight)


def test_two_passes_agree_bit_for_bit():
    data = batch()
    gradients = []
    for _ in range(2):
        model = layer()
        x = data.x.clone().requires_grad_()
        proposal = model(x, data.edge_index, data.edge_weight)
        (proposal.features.square().sum() + proposal.edge_weight.sum()).backward()
        gradients.append([x.grad, *(p.grad for p in model.parameters())])
    assert all(torch.equal(a, b) for a, b in zip(*gradients, strict=True))


def test_float32_and_float64_agree():
    data = batch()
    model = layer()
    single = model(data.x, data.edge_index)
    double = copy.deepcopy(model).double()(data.x.double(), data.edge_index)
    assert single.features.dtype == torch.float32
    assert double.edge_weight.dtype == torch.float64
    torch.testing.assert_close(single.features.double(), double.features, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("size", [0, 1])
def test_no_edges(size):
    data = protein(1)
    x = data.x[:size].requires_grad_()
    proposal = layer()(x, data.edge_index)
    assert [len(field) for field in proposal] == [size, size, size, 0]
    proposal.features.sum().backward()
    assert x.grad.isfinite().all()


def test_memory_grows_with_the_edges():
    model = layer()
    assert_linear_memory(lambda d: model(d.x, d.edge_index).features)


def test_it_learns_where_the_sites_are():
    data = Batch.from_data_list([protein(30, seed) for seed in range(4)])
    truth = (data.x[:, 0] > 1).float()
    model = layer()
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    for _ in range(300):
        loss = F.binary_cross_entropy_with_logits(model(data.x, data.edge_index).objectness_logits, truth)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    logits = model(data.x, data.edge_index).objectness_logits
    assert logits[truth == 1].mean() > logits[truth == 0].mean() + 1


@pytest.mark.parametrize(
    ("options", "message"),
    [({"hops": 0}, "at least 1 hop"), ({"diffusion": 1.5}, "from 0 to 1")],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        layer(**options)


@pytest.mark.parametrize(
    ("x", "edges", "weight", "message"),
    [
        (torch.ones(3, 2), torch.zeros(2, 1, dtype=torch.long), None, r"\[3, 6\]"),
        (torch.ones(3, 6), torch.zeros(3, 1, dtype=torch.long), None, r"\[2, E\]"),
        (torch.ones(3, 6), torch.tensor([[0], [3]]), None, "names nodes 0 to 3, but there are 3"),
        (torch.ones(3, 6), torch.tensor([[0], [1]]), torch.ones(2), "there are 1 edges"),
        (torch.ones(3, 6), torch.tensor([[0], [1]]), torch.tensor([-1.0]), "negative"),
        (torch.ones(3, 6), torch.tensor([[0], [1]]), torch.tensor([torch.nan]), "not a number"),
    ],
)
def test_bad_input(x, edges, weight, message):
    with pytest.raises(ValueError, match=message):
        layer()(x, edges, weight)


def test_repr_and_reset():
    model = layer()
    assert repr(model) == "RegionProposal(6, 5, hops=2, diffusion=0.5)"
    with torch.no_grad():
        model.theta.fill_(3)
    model.reset_parameters()
    assert model.theta.item() == 0.5
