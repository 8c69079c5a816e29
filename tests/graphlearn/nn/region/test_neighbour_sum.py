"""Sums over neighbours as sparse products: the sums themselves, their gradients, and PyG's layers as judges."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings, strategies as st
from region_helpers import assert_linear_memory
from torch_geometric.nn import GATConv, GCNConv

from graphlearn.nn.region.convolution import Attention, Convolution
from graphlearn.nn.region.neighbour_sum import Neighbours
from graphlearn.testing import assert_gradcheck


def by_loop(x, edge_index, weight):
    out = 0 * x + 0 * weight.sum()
    for (source, target), w in zip(edge_index.T.tolist(), weight, strict=True):
        out[target] += w * x[source]
    return out


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_any_graph(data):
    """Any edges: none, loops, doubled ones, nodes without."""
    nodes, edges = data.draw(st.integers(1, 6)), data.draw(st.integers(0, 15))
    ends = st.lists(st.integers(0, nodes - 1), min_size=edges, max_size=edges)
    edge_index = torch.tensor([data.draw(ends), data.draw(ends)], dtype=torch.long).view(2, edges)
    x = torch.randn(nodes, 3, dtype=torch.double, requires_grad=True)
    weight = torch.randn(edges, dtype=torch.double, requires_grad=True)
    seed = torch.randn(nodes, 3, dtype=torch.double)
    expected, found = by_loop(x, edge_index, weight), Neighbours(edge_index, len(x)).sum(x, weight)
    torch.testing.assert_close(found, expected)
    judged = torch.autograd.grad((expected * seed).sum(), (x, weight))
    for ours, theirs in zip(torch.autograd.grad((found * seed).sum(), (x, weight)), judged, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_gradients_of_first_and_second_order():
    edge_index = torch.tensor([[0, 1, 2, 2, 0], [1, 2, 0, 2, 1]])
    assert_gradcheck(lambda x, w: Neighbours(edge_index, 3).sum(x, w), torch.randn(3, 2), torch.randn(5))
    x, w = (torch.randn(shape, dtype=torch.double, requires_grad=True) for shape in ((3, 2), (5,)))
    assert torch.autograd.gradgradcheck(lambda x, w: Neighbours(edge_index, 3).sum(x, w), (x, w))


def test_half_precision_is_summed_in_float32():
    """One neighbour of 256 and 512 of 0.5: bfloat16 sums would stop at 256."""
    x = torch.cat([torch.full((1, 1), 256.0), torch.full((512, 1), 0.5), torch.zeros(1, 1)]).bfloat16()
    edge_index = torch.stack([torch.arange(513), torch.full((513,), 513)])
    out = Neighbours(edge_index, 514).sum(x, torch.ones(513, dtype=torch.bfloat16))
    assert out.dtype == torch.bfloat16
    assert out[513, 0] == 512


def test_memory_grows_with_the_edges():
    assert_linear_memory(lambda d: Neighbours(d.edge_index, len(d.x)).sum(d.x, torch.ones(d.edge_index.size(1))))


@pytest.fixture
def graph():
    torch.manual_seed(0)
    edge_index = torch.randint(0, 12, (2, 40))
    edge_index = torch.unique(edge_index[:, edge_index[0] != edge_index[1]], dim=1)
    return torch.randn(12, 5), edge_index, torch.rand(edge_index.size(1))


def test_convolution_is_that_of_pyg(graph):
    x, edge_index, weight = graph
    judge, ours = GCNConv(5, 4, normalize=False), Convolution(5, 4)
    ours.weight.data, ours.bias.data = judge.lin.weight.data, torch.randn(4)
    judge.bias.data = ours.bias.data
    torch.testing.assert_close(ours(x, Neighbours(edge_index, 12), weight), judge(x, edge_index, weight))


@pytest.mark.parametrize("bias", [True, False])
def test_attention_is_that_of_pyg(graph, bias):
    x, edge_index, _ = graph
    judge, ours = GATConv(5, 4, bias=bias, add_self_loops=False), Attention(5, 4, bias=bias)
    ours.weight.data, ours.receive.data = judge.lin.weight.data, judge.att_dst.data[0]
    ours.send.data = judge.att_src.data[0]
    if bias:
        judge.bias.data = ours.bias.data = torch.randn(4)
    torch.testing.assert_close(ours(x, Neighbours(edge_index, 12)), judge(x, edge_index))
