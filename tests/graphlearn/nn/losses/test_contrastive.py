"""Contrastive losses: by hand, and against loops that follow the formulas."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings, strategies as st

from graphlearn.nn import info_nce_loss, supervised_contrastive_loss
from graphlearn.testing import assert_gradcheck

CORNERS = torch.tensor([[1.0, 0.0], [0.0, 2.0], [-3.0, 0.0]])


def cosine(a, b):
    return float(a @ b / (a.norm() * b.norm()))


def literal_supervised(z, labels, temperature, weighting):
    losses = []
    for i in range(len(z)):
        others = [a for a in range(len(z)) if a != i]
        total = sum(math.exp(cosine(z[i], z[a]) / temperature) for a in others)
        weighed = []
        for p in others:
            mine, theirs = set(labels[i].nonzero().flatten().tolist()), set(labels[p].nonzero().flatten().tolist())
            weight = len(mine & theirs) / max(len(mine | theirs), 1)
            weight = float(weight > 0) if weighting == "any" else weight
            weighed.append((weight, -math.log(math.exp(cosine(z[i], z[p]) / temperature) / total)))
        if sum(w for w, _ in weighed):
            losses.append(sum(w * l for w, l in weighed) / sum(w for w, _ in weighed))
    return sum(losses) / len(losses) if losses else 0.0


def literal_info_nce(z1, z2, temperature):
    z, size = torch.cat([z1, z2]), len(z1)
    losses = []
    for i in range(2 * size):
        shares = [0.0 if a == i else math.exp(cosine(z[i], z[a]) / temperature) for a in range(2 * size)]
        losses.append(-math.log(shares[(i + size) % (2 * size)] / sum(shares)))
    return sum(losses) / len(losses)


def test_supervised_by_hand():
    """Cosines 0, -1 and 0 at temperature 1; only the first two share a label."""
    labels = torch.tensor([[1, 0], [1, 1], [0, 0]])
    first = -math.log(1 / (1 + math.exp(-1)))
    second = -math.log(1 / 2)
    found = supervised_contrastive_loss(CORNERS, labels, temperature=1.0)
    assert found.item() == pytest.approx((first + second) / 2, rel=1e-5)


def test_jaccard_by_hand():
    """The second sample shares one of two labels with the first and two of two with the third."""
    labels = torch.tensor([[1, 0], [1, 1], [1, 1]])
    log_share = {
        (0, 1): -math.log(1 + math.exp(-1)), (0, 2): -1 - math.log(1 + math.exp(-1)),
        (1, 0): -math.log(2), (1, 2): -math.log(2),
        (2, 0): -1 - math.log(1 + math.exp(-1)), (2, 1): -math.log(1 + math.exp(-1)),
    }  # fmt: skip
    weight = {(0, 1): 0.5, (0, 2): 0.5, (1, 0): 0.5, (1, 2): 1.0, (2, 0): 0.5, (2, 1): 1.0}
    expected = -sum(
        sum(weight[i, p] * log_share[i, p] for p in range(3) if p != i) / sum(weight[i, p] for p in range(3) if p != i)
        for i in range(3)
    )
    found = supervised_contrastive_loss(CORNERS, labels, temperature=1.0, weighting="jaccard")
    assert found.item() == pytest.approx(expected / 3, rel=1e-5)


def test_info_nce_by_hand():
    """Views of two samples at right angles, temperature 1: each has one positive of cosine 1 and two of cosine 0."""
    z = torch.eye(2)
    assert info_nce_loss(z, 3 * z, temperature=1.0).item() == pytest.approx(-math.log(math.e / (math.e + 2)), rel=1e-5)


@given(st.integers(0, 1000), st.integers(1, 8), st.sampled_from([0.1, 0.5]), st.sampled_from(["any", "jaccard"]))
@settings(deadline=None, max_examples=50)
def test_literal_form(seed, size, temperature, weighting):
    generator = torch.Generator().manual_seed(seed)
    z1, z2 = torch.randn(2, size, 4, generator=generator, dtype=torch.float64)
    labels = torch.rand(size, 5, generator=generator) < 0.3
    found = supervised_contrastive_loss(z1, labels, temperature=temperature, weighting=weighting)
    assert found.item() == pytest.approx(literal_supervised(z1, labels, temperature, weighting), rel=1e-9)
    expected = literal_info_nce(z1, z2, temperature)
    assert info_nce_loss(z1, z2, temperature=temperature).item() == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("dtype", [torch.bool, torch.long, torch.float32, torch.float64])
def test_labels_of_any_type(dtype):
    z = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    labels = torch.rand(6, 5, generator=torch.Generator().manual_seed(1)) < 0.4
    expected = supervised_contrastive_loss(z, labels)
    torch.testing.assert_close(supervised_contrastive_loss(z, labels.to(dtype)), expected)


def test_classes_are_one_label_each():
    z = torch.randn(7, 4, generator=torch.Generator().manual_seed(0))
    classes = torch.tensor([3, 0, 3, 1, 0, 3, 2])
    expected = supervised_contrastive_loss(z, torch.nn.functional.one_hot(classes))
    for weighting in ("any", "jaccard"):
        torch.testing.assert_close(supervised_contrastive_loss(z, classes, weighting=weighting), expected)


def test_order_and_length_do_not_matter():
    z = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    labels = torch.rand(6, 5, generator=torch.Generator().manual_seed(1)) < 0.4
    order = torch.tensor([4, 2, 0, 1, 5, 3])
    expected = supervised_contrastive_loss(z, labels)
    torch.testing.assert_close(supervised_contrastive_loss(z[order], labels[order]), expected)
    torch.testing.assert_close(supervised_contrastive_loss(z * torch.arange(1, 7)[:, None], labels), expected)
    torch.testing.assert_close(info_nce_loss(z[order], z.flip(1)[order]), info_nce_loss(z.flip(1), z))


@pytest.mark.parametrize("size", [0, 1, 3])
def test_no_pairs_give_zero_with_a_gradient(size):
    z = torch.randn(size, 4, requires_grad=True)
    loss = supervised_contrastive_loss(z, torch.eye(size))
    assert loss.item() == 0
    loss.backward()
    assert torch.equal(z.grad, torch.zeros(size, 4))
    assert supervised_contrastive_loss(z, torch.zeros(size, 4), weighting="jaccard").item() == 0


@pytest.mark.parametrize("size", [0, 1])
def test_a_lone_sample_has_nobody_to_be_told_from(size):
    z1, z2 = torch.randn(2, size, 4).unbind()
    z1.requires_grad_()
    loss = info_nce_loss(z1, z2)
    assert loss.item() == 0
    loss.backward()
    assert torch.equal(z1.grad, torch.zeros(size, 4))


def test_gradients():
    torch.manual_seed(0)
    z1, z2 = torch.randn(2, 5, 3)
    labels = torch.rand(5, 4) < 0.5
    assert_gradcheck(lambda z: supervised_contrastive_loss(z, labels), z1)
    assert_gradcheck(lambda z: supervised_contrastive_loss(z, labels, weighting="jaccard"), z1)
    assert_gradcheck(info_nce_loss, z1, z2)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_low_precision_is_summed_in_float32(dtype):
    z = torch.randn(6, 16, generator=torch.Generator().manual_seed(0)).to(dtype)
    loss = supervised_contrastive_loss(z, torch.tensor([0, 0, 1, 1, 2, 2]))
    assert loss.dtype == torch.float32
    assert loss.isfinite()
    assert info_nce_loss(z, z).isfinite()


def test_bad_input():
    z = torch.randn(4, 3)
    with pytest.raises(ValueError, match=r"labels \(3,\)"):
        supervised_contrastive_loss(z, torch.zeros(3))
    with pytest.raises(ValueError, match="any, jaccard"):
        supervised_contrastive_loss(z, torch.zeros(4), weighting="all")
    with pytest.raises(ValueError, match="temperature=0"):
        info_nce_loss(z, z, temperature=0)
    with pytest.raises(ValueError, match="expected the same"):
        info_nce_loss(z, z[:3])


@pytest.mark.parametrize(("first", "second"), [((4,), (4,)), ((2, 3, 4), (2, 3, 4)), ((4, 2), (4, 3))])
def test_views_that_are_no_tables_of_one_shape_are_refused(first, second):
    with pytest.raises(ValueError, match="views have shapes"):
        info_nce_loss(torch.ones(first), torch.ones(second))
