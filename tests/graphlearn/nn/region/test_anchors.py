"""Members of anchors, their suppression, and the truth of their objectness, against brute force."""

from __future__ import annotations

import networkx
import pytest
import torch
from hypothesis import given, settings, strategies as st
from region_helpers import batch, path, protein, proteins

from graphlearn.nn import anchor_regions, non_maximum_suppression, objectness_targets


def ego(data, anchor, hops):
    graph = networkx.DiGraph()
    graph.add_nodes_from(range(data.num_nodes))
    graph.add_edges_from(data.edge_index.T.tolist())
    return set(networkx.ego_graph(graph.reverse(), anchor, radius=hops).nodes)


@pytest.mark.parametrize("hops", [0, 1, 2, 3])
def test_regions_are_ego_graphs(hops):
    data = batch()
    regions = anchor_regions(data.edge_index, num_nodes=data.num_nodes, hops=hops)
    for anchor in range(data.num_nodes):
        assert regions.members(anchor).tolist() == sorted(ego(data, anchor, hops))
    assert regions.sizes.sum() == len(regions.nodes)


def test_regions_follow_directed_edges_to_the_anchor():
    one_way = torch.tensor([[0, 1], [1, 2]])
    assert anchor_regions(one_way, torch.tensor([2, 0]), num_nodes=3, hops=2).nodes.tolist() == [0, 1, 2, 0]


def test_regions_without_nodes():
    regions = anchor_regions(torch.zeros(2, 0, dtype=torch.long), num_nodes=0)
    assert len(regions.nodes) == 0
    assert non_maximum_suppression(torch.zeros(0), regions) == []


def test_regions_of_a_long_chain_stay_small():
    data = path(5000)
    assert len(anchor_regions(data.edge_index, num_nodes=5000).nodes) == 5 * 5000 - 6


def brute_suppression(scores, members, iou, keep):
    rest, kept = sorted(range(len(scores)), key=lambda i: -scores[i]), []
    while rest and len(kept) < keep:
        best, rest = rest[0], rest[1:]
        kept.append(best)
        rest = [i for i in rest if len(members[i] & members[best]) / len(members[i] | members[best]) <= iou]
    return kept


@given(st.integers(0, 10), st.sampled_from([0.0, 0.25, 0.5, 1.0]), st.integers(1, 4))
@settings(deadline=None, max_examples=30)
def test_suppression_is_greedy(seed, iou, keep):
    data = protein(25, seed)
    scores = torch.rand(25, generator=torch.Generator().manual_seed(seed))
    regions = anchor_regions(data.edge_index, num_nodes=25, hops=1)
    members = [set(regions.members(i).tolist()) for i in range(25)]
    found = non_maximum_suppression(scores, regions, data.mask, iou=iou, keep=keep)
    assert [r.anchor for r in found] == brute_suppression(scores.tolist(), members, iou, keep)
    for region in found:
        assert set(region.residues.tolist()) == members[region.anchor]
        assert (data.mask[region.residues].diff() <= 0).all()


def test_suppression_by_hand():
    """On a path of six with 1-hop regions, neighbours inside overlap by 1/2, those two apart by 1/5, at the end 1/4."""
    data = path(6)
    regions = anchor_regions(data.edge_index, num_nodes=6, hops=1)
    scores = torch.tensor([0.1, 0.2, 0.9, 0.8, 0.3, 0.2])
    assert [r.anchor for r in non_maximum_suppression(scores, regions, iou=0.2)] == [2, 4]
    assert [r.anchor for r in non_maximum_suppression(scores, regions, iou=0.5, keep=3)] == [2, 3, 4]
    assert [r.anchor for r in non_maximum_suppression(scores, regions, iou=0.0)] == [2, 5]


def test_suppression_in_a_batch_is_that_alone():
    data = batch()
    regions = anchor_regions(data.edge_index, num_nodes=data.num_nodes, hops=1)
    found = non_maximum_suppression(data.mask, regions, data.mask, batch=data.batch, keep=3)
    for graph, alone in enumerate(proteins()):
        own = anchor_regions(alone.edge_index, num_nodes=alone.num_nodes, hops=1)
        expected = non_maximum_suppression(alone.mask, own, alone.mask, keep=3)
        mine = [r for r in found if r.graph == graph]
        first = int(data.ptr[graph])
        assert [(r.anchor - first, (r.residues - first).tolist(), r.score) for r in mine] == [
            (r.anchor, r.residues.tolist(), r.score) for r in expected
        ]


def test_equal_scores_take_the_first():
    data = path(4)
    regions = anchor_regions(data.edge_index, num_nodes=4, hops=1)
    assert [r.anchor for r in non_maximum_suppression(torch.zeros(4), regions, iou=0.25)] == [0, 2]
    assert [r.anchor for r in non_maximum_suppression(torch.full((4,), -torch.inf), regions, iou=0.25)] == [0, 2]


def test_bad_scores():
    regions = anchor_regions(path(4).edge_index, num_nodes=4)
    with pytest.raises(ValueError, match="there are 4 regions"):
        non_maximum_suppression(torch.zeros(3), regions)
    with pytest.raises(ValueError, match="not a number"):
        non_maximum_suppression(torch.full((4,), torch.nan), regions)


def brute_targets(data, sites, hops, coverage):
    targets = torch.zeros(data.num_nodes)
    for site in sites:
        for v in site:
            if len(site & ego(data, v, hops)) / len(site) >= coverage:
                targets[v] = 1
    return targets


@given(st.integers(0, 20), st.sampled_from([0.3, 0.5, 0.7, 1.0]), st.integers(1, 2))
@settings(deadline=None, max_examples=30)
def test_targets_of_overlapping_sites(seed, coverage, hops):
    data = protein(25, seed)
    columns = torch.randint(-2, 3, (25, 2), generator=torch.Generator().manual_seed(seed))
    sites = [set((columns[:, c] == number).nonzero().flatten().tolist()) for c in range(2) for number in range(3)]
    found = objectness_targets(columns, data.edge_index, hops=hops, coverage=coverage)
    assert torch.equal(found, brute_targets(data, sites, hops, coverage))


@pytest.mark.parametrize("kind", ["numbers", "booleans"])
def test_targets_in_a_batch_are_those_alone(kind):
    graphs, data = proteins(), batch()

    def sites(d):
        return d.secondary.bool() if kind == "booleans" else d.secondary.long() - (d.mask > 0.5).long()

    alone = torch.cat([objectness_targets(sites(d), d.edge_index, coverage=0.5) for d in graphs])
    assert torch.equal(objectness_targets(sites(data), data.edge_index, coverage=0.5, batch=data.batch), alone)


def test_targets_by_hand():
    """Of a site of ten in a row, two hops from the middle reach five; the share 7/10 is met exactly, not missed."""
    data = path(12)
    sites = torch.tensor([0] * 10 + [-1] * 2)
    assert objectness_targets(sites, data.edge_index).sum() == 0
    assert objectness_targets(sites, data.edge_index, coverage=0.5).tolist() == [0, 0, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0]
    exact = objectness_targets(sites, data.edge_index, hops=3, coverage=0.7)
    assert exact.tolist() == [0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0]


def test_no_sites_and_bad_sites():
    data = path(4)
    assert objectness_targets(torch.full((4,), -1), data.edge_index).tolist() == [0, 0, 0, 0]
    assert objectness_targets(torch.zeros(0, dtype=torch.long), torch.zeros(2, 0, dtype=torch.long)).shape == (0,)
    with pytest.raises(ValueError, match="booleans or integers"):
        objectness_targets(torch.zeros(4), data.edge_index)
    with pytest.raises(ValueError, match="coverage=0"):
        objectness_targets(torch.zeros(4, dtype=torch.long), data.edge_index, coverage=0)


def test_a_batch_of_another_length_than_the_table_of_sites_is_refused():
    sites = torch.zeros(4, 2, dtype=torch.bool)
    with pytest.raises(ValueError, match="batch"):
        objectness_targets(sites, torch.zeros(2, 0, dtype=torch.long), batch=torch.zeros(2, dtype=torch.long))
