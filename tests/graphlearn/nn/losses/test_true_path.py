"""The true-path rule: by hand, and against the closure of random ontologies."""

from __future__ import annotations

import networkx
import pytest
import torch
from hypothesis import given, settings, strategies as st

from graphlearn.nn import propagate_to_ancestors, true_path_loss
from graphlearn.testing import assert_gradcheck

DIAMOND = torch.tensor([[3, 3, 1, 2], [1, 2, 0, 0]])


def test_loss_by_hand():
    """Four relations, two samples; the first breaks one relation by 0.3, the second none."""
    p = torch.tensor([[0.6, 0.5, 0.2, 0.5], [0.9, 0.8, 0.7, 0.1]])
    assert true_path_loss(p.logit(), DIAMOND).item() == pytest.approx(0.3 / 8, rel=1e-5)


def test_propagation_by_hand():
    p = torch.tensor([[0.1, 0.6, 0.2, 0.4], [0.9, 0.8, 0.7, 0.1]])
    assert (
        propagate_to_ancestors(p, DIAMOND).tolist()
        == torch.tensor([[0.6, 0.6, 0.4, 0.4], [0.9, 0.8, 0.7, 0.1]]).tolist()
    )


@given(st.integers(1, 12), st.integers(0, 1000), st.floats(0, 0.5))
@settings(deadline=None, max_examples=50)
def test_propagation_is_the_largest_of_all_descendants(terms, seed, density):
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(terms, generator=generator)
    above = torch.triu(torch.rand(terms, terms, generator=generator) < density, 1)
    edges = order[above.nonzero().T]
    graph = networkx.DiGraph()
    graph.add_nodes_from(range(terms))
    graph.add_edges_from(edges.T.tolist())
    p = torch.rand(3, terms, generator=generator)
    expected = torch.stack([p[:, [t, *networkx.ancestors(graph, t)]].amax(1) for t in range(terms)], 1)
    found = propagate_to_ancestors(p, edges)
    assert torch.equal(found, expected)
    assert torch.equal(propagate_to_ancestors(found, edges), found)
    assert true_path_loss(found.logit(), edges).item() <= 1e-6


def test_a_chain_as_long_as_an_ontology_is_deep():
    edges = torch.stack([torch.arange(1, 200), torch.arange(199)])
    p = torch.zeros(1, 200)
    p[0, -1] = 0.5
    assert (propagate_to_ancestors(p, edges) == 0.5).all()


def test_no_relations_and_no_samples():
    nothing = torch.zeros(2, 0, dtype=torch.long)
    logits = torch.randn(3, 4, requires_grad=True)
    loss = true_path_loss(logits, nothing)
    assert loss.item() == 0
    loss.backward()
    assert torch.equal(logits.grad, torch.zeros(3, 4))
    assert torch.equal(propagate_to_ancestors(logits, nothing), logits)
    assert true_path_loss(torch.zeros(0, 4), DIAMOND).item() == 0
    assert propagate_to_ancestors(torch.zeros(0, 4), DIAMOND).shape == (0, 4)


def test_gradients():
    torch.manual_seed(0)
    logits = torch.randn(3, 4)
    assert true_path_loss(logits, DIAMOND) > 0
    assert_gradcheck(lambda x: true_path_loss(x, DIAMOND), logits)
    assert_gradcheck(lambda x: propagate_to_ancestors(x, DIAMOND), logits)


def test_descent_removes_the_violations():
    logits = torch.tensor([[-2.0, 1.0, -1.0, 2.0]], requires_grad=True)
    optimizer = torch.optim.Adam([logits], 0.1)
    before = true_path_loss(logits, DIAMOND).item()
    for _ in range(100):
        optimizer.zero_grad()
        true_path_loss(logits, DIAMOND).backward()
        optimizer.step()
    assert true_path_loss(logits, DIAMOND).item() < 0.05 * before


def test_bad_relations():
    with pytest.raises(ValueError, match=r"\(3, 1\); expected \[2, M\]"):
        true_path_loss(torch.zeros(1, 4), torch.zeros(3, 1, dtype=torch.long))
    with pytest.raises(ValueError, match="terms 0 to 4, but there are 4"):
        propagate_to_ancestors(torch.zeros(1, 4), torch.tensor([[4], [0]]))
