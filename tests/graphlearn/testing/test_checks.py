"""The shipped checks pass what is right, and catch what is wrong."""

from __future__ import annotations

import pytest
import torch
from e3nn import o3
from history_helpers import graphs
from torch import nn
from torch_geometric.data import Batch
from torch_geometric.nn import GIN, GraphNorm, global_add_pool

from graphlearn.nn import DegreeLinear
from graphlearn.testing import (
    assert_batch_independent,
    assert_equivariant,
    assert_gradcheck,
    assert_permutation_invariant,
    overfits,
)


@pytest.mark.parametrize("inversion", [False, True])
def test_an_e3nn_layer_is_equivariant(inversion):
    layer = o3.FullyConnectedTensorProduct("4x0e + 2x1o", "1x1o", "3x0e + 2x1o + 1x1e")
    inputs = [torch.randn(5, 10), torch.randn(5, 3)]
    errors = assert_equivariant(layer, inputs, ["4x0e + 2x1o", "1x1o"], "3x0e + 2x1o + 1x1e", inversion=inversion)
    assert errors[torch.float64] < errors[torch.float32] / 1e3


def test_vectors_and_parity():
    a, b = torch.randn(5, 3), torch.randn(5, 3)
    assert_equivariant(torch.linalg.cross, [a, b], ["vector", "vector"], "vector")
    with pytest.raises(AssertionError, match="not equivariant"):
        assert_equivariant(torch.linalg.cross, [a, b], ["vector", "vector"], "vector", inversion=True)
    assert_equivariant(lambda x, y: (x - y).norm(dim=-1), [a, b], ["position", "position"], None)


def test_what_is_not_equivariant_is_caught():
    with pytest.raises(AssertionError, match=r"not equivariant: relative error .* in torch.float32"):
        assert_equivariant(nn.Linear(3, 3), [torch.randn(4, 3)], ["vector"], "vector")
    with pytest.raises(AssertionError, match="not equivariant"):
        assert_equivariant(lambda x: x, [torch.randn(4, 3)], ["position"], "vector")
    with pytest.raises(AssertionError, match="not equivariant"):
        assert_equivariant(lambda x: x.relu(), [torch.randn(4, 9, 2)], ["degrees"], "degrees")


def test_wrong_use_is_explained():
    with pytest.raises(ValueError, match="one kind an input"):
        assert_equivariant(torch.relu, [torch.zeros(3)], [], None)
    with pytest.raises(ValueError, match="unknown kind 'vectors'"):
        assert_equivariant(torch.relu, [torch.zeros(2, 3)], ["vectors"], None)
    with pytest.raises(ValueError, match="no kind 'position'"):
        assert_equivariant(torch.relu, [torch.zeros(2, 3)], [None], "position")
    with pytest.raises(ValueError, match="at least two"):
        assert_batch_independent(lambda d: d.x, graphs()[:1])
    with pytest.raises(ValueError, match="'graph' or 'node'"):
        assert_permutation_invariant(lambda d: d.x, graphs()[0], level="edge")


def test_a_statistic_over_the_batch_is_caught():
    gnn = GIN(6, 8, num_layers=2)

    def good(d):
        return global_add_pool(gnn(d.x, d.edge_index), d.batch)

    assert_batch_independent(good, graphs())
    with pytest.raises(AssertionError, match="depends on what else is in the batch"):
        assert_batch_independent(lambda d: good(d) - good(d).mean(0), graphs())
    assert_batch_independent(lambda d: gnn(d.x, d.edge_index), graphs(), level="node")
    norm = GraphNorm(6)
    assert_batch_independent(lambda d: norm(d.x, d.batch), graphs(), level="node")
    with pytest.raises(AssertionError, match="depends on"):
        assert_batch_independent(lambda d: norm(d.x), graphs(), level="node")


def test_an_order_is_caught():
    data = Batch.from_data_list(graphs())
    assert_permutation_invariant(lambda d: d.x.cumsum(0)[-1], data)
    with pytest.raises(AssertionError, match="the order of the nodes matters"):
        assert_permutation_invariant(lambda d: d.x[0], data)
    with pytest.raises(AssertionError, match="the order of the nodes matters"):
        assert_permutation_invariant(lambda d: d.x.cumsum(0), data, level="node")


def test_the_batch_vector_follows_its_nodes():
    data = Batch.from_data_list(graphs())
    assert_permutation_invariant(lambda d: global_add_pool(d.x, d.batch), data)
    assert_permutation_invariant(lambda d: d.batch.float(), data, level="node")
    with pytest.raises(AssertionError, match="the order of the nodes matters"):
        assert_permutation_invariant(lambda d: global_add_pool(d.x, d.batch.sort().values), data)
    seen = []
    assert_permutation_invariant(lambda d: seen.append(d.batch) or d.x.sum(0), data, permutations=1)
    assert not torch.equal(seen[0], seen[1])
    assert torch.equal(seen[0], seen[1].sort().values)


def test_edge_attributes_follow_their_edges():
    (data,) = graphs((6,))
    data.edge_attr = torch.randn(data.num_edges, 2)

    def messages(d):
        return torch.zeros(6, 2).index_add(0, d.edge_index[1], d.edge_attr * d.x[d.edge_index[0]][:, :2])

    assert_permutation_invariant(messages, data, level="node")
    with pytest.raises(AssertionError):
        assert_permutation_invariant(lambda d: d.edge_attr[0], data)


class WrongGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.square()

    @staticmethod
    def backward(ctx, grad):
        return grad


def test_a_wrong_gradient_is_caught():
    assert_gradcheck(DegreeLinear(1, 2, 2), torch.randn(2, 4, 2))
    assert_gradcheck(nn.Dropout(0.5), torch.randn(6))
    with pytest.raises(AssertionError, match="wrong gradient"):
        assert_gradcheck(WrongGradient.apply, torch.randn(3))


def test_what_cannot_learn_does_not_overfit():
    x, y = torch.randn(4, 3), torch.randn(4, 1)
    layer = nn.Sequential(nn.Linear(3, 16), nn.Tanh(), nn.Linear(16, 1))
    assert overfits(layer, lambda: (layer(x) - y).square().mean())
    assert not overfits(layer, lambda: (layer(0 * x) - y).square().mean(), steps=50)


def test_nan_never_passes():
    data = Batch.from_data_list(graphs())
    with pytest.raises(AssertionError):
        assert_equivariant(lambda v: v * torch.nan, [torch.randn(4, 3)], ["vector"], "vector")
    with pytest.raises(AssertionError):
        assert_permutation_invariant(lambda d: d.x.sum(0) * torch.nan, data)
    with pytest.raises(AssertionError):
        assert_batch_independent(lambda d: global_add_pool(d.x, d.batch) * torch.nan, graphs())


def test_a_loss_without_a_floor_cannot_be_overfitted():
    layer = nn.Linear(2, 1)
    with pytest.raises(ValueError, match="not negative"):
        overfits(layer, lambda: layer(torch.ones(2)).sum() * 0 - 1)
