"""FunctionalAttention and the penumbral cone: against dense matrices, by hand, and by geometry."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from hypothesis import given, settings, strategies as st
from region_helpers import CHANNELS, assert_linear_memory, batch, protein, proteins
from torch.nn import functional as F

from graphlearn.nn import FunctionalAttention, penumbral_similarity
from graphlearn.testing import assert_batch_independent, assert_gradcheck, assert_permutation_invariant

OPTIONS = [{}, {"heads": 3}, {"heads": 2, "cone": True, "radius": 2.0, "gamma": 0.5}]


def layer(**options):
    torch.manual_seed(0)
    return FunctionalAttention(CHANNELS, **options)


def attend(model, d, **options):
    return model(d.x, d.edge_index, d.mask, d.edge_weight, **options)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_it_is_the_dense_form(options):
    """Probabilities, computed densely, times prior and weight, then normalised anew."""
    model = layer(**options).double()
    data = protein(15, seed=5)
    x, f, size, heads = data.x.double(), data.mask.double(), 15, model.heads
    weight = torch.zeros(size, size, dtype=torch.float64)
    weight[data.edge_index[1], data.edge_index[0]] = data.edge_weight.double()
    weight += torch.diag(weight.sum(1) / (weight > 0).sum(1))
    z = model.project(x).view(size, heads, -1)
    rows = []
    for h in range(heads):
        pairs = torch.cat([z[:, None, h].expand(-1, size, -1), z[None, :, h].expand(size, -1, -1)], -1)
        logits = F.leaky_relu(pairs @ torch.cat([model.receive[h], model.send[h]]), 0.2)
        if model.points is not None:
            query, key = model.points(x).view(size, 2, heads, -1)[:, :, h].unbind(1)
            logits = logits + penumbral_similarity(query[:, None], key[None], radius=2.0, gamma=0.5)
        share = logits.softmax(1) * weight * (f + 0.5 * (1 - f))
        rows.append(share / share.sum(1, keepdim=True) @ z[:, h])
    found = model(x, data.edge_index, f, data.edge_weight.double())
    torch.testing.assert_close(found, torch.cat(rows, 1).relu())


def test_objectness_by_hand():
    """All logits equal: attention is the prior alone. Weights 1; objectness 1, 0 and 0.5 give 1, 0.5 and 0.75."""
    model = layer()
    with torch.no_grad():
        model.receive.zero_()
        model.send.zero_()
    edge_index = torch.tensor([[1, 2], [0, 0]])
    out, (edges, alpha) = model(
        torch.randn(3, CHANNELS), edge_index, torch.tensor([1.0, 0.0, 0.5]), return_attention=True
    )
    assert edges.tolist() == [[1, 2, 0, 1, 2], [0, 0, 0, 1, 2]]
    torch.testing.assert_close(alpha[:, 0], torch.tensor([0.5 / 2.25, 0.75 / 2.25, 1 / 2.25, 1, 1]))
    assert (out >= 0).all()


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_objectness_never_lowers_attention_whatever_the_sign_of_the_logit(sign):
    model = layer()
    with torch.no_grad():
        model.receive.copy_(sign * model.receive.abs() * 5)
        model.project.weight.abs_()
    x = torch.rand(3, CHANNELS)
    edge_index = torch.tensor([[1, 2], [0, 0]])

    def share(objectness):
        f = torch.tensor([0.5, objectness, 0.5])
        return model(x, edge_index, f, return_attention=True)[1][1][0, 0].item()

    assert share(0.0) < share(0.5) < share(1.0)
    odds = [share(f) / (1 - share(f)) for f in (0.0, 1.0)]
    assert odds[0] / odds[1] == pytest.approx(0.5, rel=1e-4)


def test_edge_weights_scale_the_odds_and_zero_is_no_edge():
    model = layer()
    data = protein(10)
    attention = attend(model, data, return_attention=True)[1][1]
    scaled = model(data.x, data.edge_index, data.mask, 1000 * data.edge_weight, return_attention=True)[1][1]
    torch.testing.assert_close(attention, scaled)
    loops = torch.arange(10).expand(2, -1)
    edges, weight = torch.cat([data.edge_index, loops], 1), torch.cat([data.edge_weight, torch.ones(10)])
    keep = torch.rand(edges.size(1), generator=torch.Generator().manual_seed(0)) < 0.5
    keep[-10:] = True
    zeroed = (weight * keep).requires_grad_()
    out = model(data.x, edges, data.mask, zeroed)
    torch.testing.assert_close(out, model(data.x, edges[:, keep], data.mask, weight[keep]))
    out.sum().backward()
    assert zeroed.grad.isfinite().all()


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_attention_sums_to_one(options):
    data = batch()
    _, (edges, alpha) = attend(layer(**options), data, return_attention=True)
    sums = torch.zeros(data.num_nodes, alpha.size(1)).index_add(0, edges[1], alpha)
    torch.testing.assert_close(sums, torch.ones_like(sums))


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_batch_independence_and_permutation(options):
    model = layer(**options).eval()
    assert_batch_independent(lambda d: attend(model, d), proteins(), level="node")
    assert_permutation_invariant(lambda d: attend(model, d), batch(), level="node")


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_gradients(options):
    data = protein(5, seed=2)

    class Attention(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = layer(**options)

        def forward(self, x, f, weight):
            return self.model(x, data.edge_index, f, weight)

    assert_gradcheck(Attention(), data.x, data.mask, data.edge_weight)


def test_two_passes_agree_bit_for_bit():
    data, gradients = batch(), []
    for _ in range(2):
        model = layer(heads=2, cone=True)
        mask = data.mask.clone().requires_grad_()
        model(data.x, data.edge_index, mask, data.edge_weight).square().sum().backward()
        gradients.append([mask.grad, *(p.grad for p in model.parameters())])
    assert all(torch.equal(a, b) for a, b in zip(*gradients, strict=True))


def test_float32_and_float64_agree():
    data, model = batch(), layer(heads=2, cone=True)
    double = copy.deepcopy(model).double()(data.x.double(), data.edge_index, data.mask.double())
    assert double.dtype == torch.float64
    torch.testing.assert_close(model(data.x, data.edge_index, data.mask).double(), double, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("size", [0, 1])
def test_no_edges(size, options):
    data = protein(1)
    model = layer(**options)
    x = data.x[:size].requires_grad_()
    out = model(x, data.edge_index, data.mask[:size])
    torch.testing.assert_close(out, model.project(x).relu())
    out.sum().backward()
    assert x.grad.isfinite().all()


def test_memory_grows_with_the_edges():
    model = layer(heads=2, cone=True)
    assert_linear_memory(lambda d: model(d.x, d.edge_index, d.mask))


def test_dropout_acts_in_training_only():
    data = protein(12)
    model = layer(dropout=0.5)
    assert not torch.equal(attend(model, data), attend(model, data))
    model.eval()
    assert torch.equal(attend(model, data), attend(model, data))


def test_bad_options_and_input():
    with pytest.raises(ValueError, match="heads=4 must divide"):
        layer(heads=4)
    with pytest.raises(ValueError, match="background=0"):
        layer(background=0.0)
    data = protein(5)
    with pytest.raises(ValueError, match="objectness has shape"):
        layer()(data.x, data.edge_index, torch.ones(4))


def test_repr_and_reset():
    model = layer(heads=2, cone=True)
    assert repr(model) == "FunctionalAttention(6, heads=2, background=0.5)"
    torch.manual_seed(0)
    model.reset_parameters()
    assert torch.equal(model.project.weight, _first_weight())


def _first_weight():
    torch.manual_seed(0)
    weight = torch.empty(CHANNELS, CHANNELS)
    return torch.nn.init.xavier_uniform_(weight, gain=2**0.5)


def lowest_ancestor(q, k, radius):
    """Height of the lowest point above both, by bisection: at height y a cone is w(h) - w(y) wide to each side."""

    def point(x):
        h = radius / (1 + math.exp(-x[-1]))
        return [v * h for v in x[:-1]], h

    (place_q, h_q), (place_k, h_k) = point(q), point(k)
    d = math.dist(place_q, place_k)

    def width(h):
        return math.sqrt(max(radius**2 - h**2, 0))

    low, high = max(h_q, h_k), radius
    if d > width(h_q) + width(h_k):
        return None
    for _ in range(100):
        middle = (low + high) / 2
        if d <= width(h_q) + width(h_k) - 2 * width(middle):
            high = middle
        else:
            low = middle
    return high


POINT = st.lists(st.floats(-2, 2), min_size=3, max_size=3)


@given(POINT, POINT, st.sampled_from([1.0, 2.5]))
@settings(deadline=None)
def test_cone_is_the_height_of_the_lowest_common_ancestor(q, k, radius):
    a, b = torch.tensor(q, dtype=torch.float64), torch.tensor(k, dtype=torch.float64)
    score = penumbral_similarity(a, b, radius=radius, gamma=2.0).item()
    height = lowest_ancestor(q, k, radius)
    if height is None:
        assert score <= -2 * radius**2 + 1e-9
    else:
        assert score == pytest.approx(-2 * height**2, abs=1e-6)
    assert penumbral_similarity(b, a, radius=radius, gamma=2.0).item() == pytest.approx(score, abs=1e-9)


def test_cone_by_hand():
    """Heights 0.6 and 0.8 of radius 1 have widths 0.8 and 0.6; at distance 1.4 the cones just meet, at the top."""

    def point(place, height):
        return torch.tensor([place / height, math.log(height / (1 - height))], dtype=torch.float64)

    q = point(0.0, 0.6)
    for place, height, expected in [
        (0.0, 0.6, 0.36),
        (0.1, 0.8, 0.64),
        (1.0, 0.8, 1 - 0.2**2),
        (1.4, 0.8, 1.0),
        (2.0, 0.8, ((4 + 0.64 - 0.36) / 4) ** 2 + 0.36),
    ]:
        assert penumbral_similarity(q, point(place, height)).item() == pytest.approx(-expected)


def test_cone_gradients():
    torch.manual_seed(0)
    q, k = 2 * torch.randn(30, 3), 2 * torch.randn(30, 3)
    scores = penumbral_similarity(q, k)
    assert (scores < -1).any()
    assert (scores > -1).any()
    assert_gradcheck(penumbral_similarity, q, k)


@pytest.mark.parametrize("height", [-1000.0, -50.0, 0.0, 50.0, 1000.0])
def test_cone_gradients_are_finite_at_any_height_and_at_no_distance(height):
    q = torch.tensor([[0.5, height]], requires_grad=True)
    k = torch.tensor([[0.5, height], [3.0, height], [0.5, 0.0]], requires_grad=True)
    scores = penumbral_similarity(q, k)
    scores.sum().backward()
    assert scores.isfinite().all()
    assert q.grad.isfinite().all()
    assert k.grad.isfinite().all()


def test_cone_bad_input():
    with pytest.raises(ValueError, match="at least 2"):
        penumbral_similarity(torch.ones(3, 1), torch.ones(3, 1))
    with pytest.raises(ValueError, match="3 and 2 numbers"):
        penumbral_similarity(torch.ones(3), torch.ones(2))
