"""Single terms of layers against numbers worked out by hand: factors, scales, and which end of an edge is which."""

from __future__ import annotations

import math

import pytest
import torch
from history_helpers import SIZES, history
from torch_geometric.data import Data

from graphlearn.nn import (
    EdgeRotation,
    EdgeScalars,
    GaussianBasis,
    HistoryReadout,
    NodeAttention,
    SeparableS2Activation,
    SO2Attention,
)
from graphlearn.nn.equivariant.attention import smooth_leaky_relu
from graphlearn.nn.readout.segments import Segments
from graphlearn.testing import assert_batch_independent


@pytest.mark.parametrize("learned", [False, True])
@pytest.mark.parametrize("level", ["graph", "node"])
def test_a_mixture_is_a_share_of_the_history_and_the_rest_of_the_last_layer(level, learned):
    xs, batch = history()
    plain = HistoryReadout(8, level=level)
    mixed = HistoryReadout(8, level=level, mix=0.2, learn_mix=learned)
    mixed.load_state_dict(plain.state_dict(), strict=False)
    last = xs[-1] if level == "node" else torch.stack([xs[-1][batch == g].mean(0) for g in range(len(SIZES))])
    torch.testing.assert_close(mixed(xs, batch), 0.2 * plain(xs, batch) + 0.8 * last)


def test_the_attention_a_node_receives_is_the_mean_of_scaled_softmaxes():
    torch.manual_seed(0)
    (x,), batch = history(layers=1)
    x, layer = 3 * x, NodeAttention(8, heads=2)
    query, key, _ = layer.project(x).unflatten(-1, (3, 2, 4)).unbind(1)
    expected = torch.empty(len(x))
    for g in range(len(SIZES)):
        q, k = query[batch == g], key[batch == g]
        shares = (torch.einsum("vhc,uhc->hvu", q, k) / math.sqrt(4)).softmax(-1)
        expected[batch == g] = shares.mean((0, 1))
    torch.testing.assert_close(layer.received(x, Segments.of(x, batch, None)), expected)


def test_gaussians_are_twice_as_wide_as_their_spacing():
    found = GaussianBasis(3, 2.0)(torch.tensor([0.0, 1.0, 1.5]))
    centres = [0.0, 1.0, 2.0]
    expected = [[math.exp(-((d - c) ** 2) / (2 * 2.0**2)) for c in centres] for d in (0.0, 1.0, 1.5)]
    torch.testing.assert_close(found, torch.tensor(expected))


def test_edge_scalars_are_distance_then_source_then_target():
    layer = EdgeScalars(1, 1)
    with torch.no_grad():
        layer.source.weight.copy_(torch.arange(90.0)[:, None])
        layer.target.weight.copy_(-torch.arange(90.0)[:, None])
    found = layer(torch.tensor([[0.5], [0.25]]), torch.tensor([8, 1]), torch.tensor([[0, 1], [1, 0]]))
    assert found.tolist() == [[0.5, 8, -1], [0.25, 1, -8]]


def test_the_smooth_leaky_relu_is_a_leaky_relu_far_from_zero():
    x = torch.tensor([-40.0, 0.0, 1.0, 40.0], dtype=torch.float64, requires_grad=True)
    y = smooth_leaky_relu(x)
    middle = 0.6 + 0.4 * math.tanh(0.5)
    torch.testing.assert_close(y, torch.tensor([-8.0, 0.0, middle, 40.0], dtype=torch.float64))
    (slope,) = torch.autograd.grad(y.sum(), x)
    torch.testing.assert_close(slope[[0, 1, 3]], torch.tensor([0.2, 0.6, 1.0], dtype=torch.float64))
    torch.testing.assert_close(smooth_leaky_relu(x, 0.5)[0], torch.tensor(-20.0, dtype=torch.float64))


def test_the_gate_of_the_s2_activation_is_silu_and_touches_degree_zero_alone():
    layer = SeparableS2Activation(2, 3)
    x, gates = torch.randn(4, 9, 3), torch.randn(4, 3)
    found, other = layer(x, gates), layer(x, gates + 1)
    torch.testing.assert_close(found[:, 0], gates / (1 + (-gates).exp()))
    assert torch.equal(found[:, 1:], other[:, 1:])
    assert not torch.allclose(found[:, 0], other[:, 0])


def test_attention_between_atoms_is_that_of_one_molecule():
    """With three molecules in a batch each gets what it gets alone; every node shares out the weight one."""
    torch.manual_seed(0)
    layer = SO2Attention(1, 2, 3, edge_scalars=2, heads=2, hidden_channels=4, alpha_channels=2, value_channels=2)
    molecules = []
    for size in (2, 4, 3):
        pairs = [[i, j] for i in range(size) for j in range(size) if i != j]
        pos, edges = torch.randn(size, 3), torch.tensor(pairs).T
        molecules.append(
            Data(x=torch.randn(size, 4, 2), pos=pos, edge_index=edges, edge_attr=torch.randn(len(pairs), 2))
        )

    def predict(data):
        vectors = data.pos[data.edge_index[1]] - data.pos[data.edge_index[0]]
        return layer(data.x, data.edge_index, EdgeRotation(vectors, 1), data.edge_attr)

    assert_batch_independent(predict, molecules, level="node")
    # The edges into one node twice: its weights halve, their sum stays, and the other nodes see nothing.
    alone = molecules[1]
    again = torch.cat([torch.arange(alone.num_edges), (alone.edge_index[1] == 0).nonzero().flatten()])
    twice = alone.clone()
    twice.edge_index, twice.edge_attr = alone.edge_index[:, again], alone.edge_attr[again]
    torch.testing.assert_close(predict(twice), predict(alone))
