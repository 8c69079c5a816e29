"""Which residues belong to an anchor, and the few anchors that are worth reporting."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from graphlearn.nn.region.edges import check_edges


class Regions(NamedTuple):
    """Members of R regions, one row per member, sorted by region and then by node.

    Attributes:
        anchors: Node in the middle of each region, ``[R]``.
        owner: Region of each row, ``[M]``.
        nodes: Node of each row, ``[M]``.
    """

    anchors: Tensor
    owner: Tensor
    nodes: Tensor

    @property
    def sizes(self) -> Tensor:
        """Members of each region, ``[R]``."""
        return torch.bincount(self.owner, minlength=self.anchors.size(0))

    def members(self, region: int) -> Tensor:
        """Nodes of one region, ascending."""
        return self.nodes[self.owner == region]


class KeptRegion(NamedTuple):
    """A region that non-maximum suppression has kept.

    Attributes:
        graph: Graph of the batch that it lies in.
        anchor: Node in its middle.
        score: Its score.
        residues: Its nodes, those of the highest mask first.
    """

    graph: int
    anchor: int
    score: float
    residues: Tensor


def anchor_regions(edge_index: Tensor, anchors: Tensor | None = None, *, num_nodes: int, hops: int = 2) -> Regions:
    """Ego graphs of anchors: all nodes from which a walk of at most ``hops`` edges leads to the anchor.

    Args:
        edge_index: Edges, ``[2, E]``.
        anchors: Anchors, ``[R]``; None for every node.
        num_nodes: Number of nodes.
        hops: Length of the walks, at least 0.

    Returns:
        The members as a list, never as a matrix: memory grows with the sum of the sizes of the regions.

    Example:
        >>> path = torch.tensor([[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]])
        >>> anchor_regions(path, torch.tensor([0, 2]), num_nodes=4, hops=1).nodes
        tensor([0, 1, 1, 2, 3])
    """
    check_edges(edge_index, num_nodes)
    device = edge_index.device
    anchors = torch.arange(num_nodes, device=device) if anchors is None else anchors
    if anchors.dim() != 1 or anchors.dtype != torch.int64:
        raise ValueError(f"anchors is {anchors.dtype} of shape {tuple(anchors.shape)}; expected nodes, int64 [R]")
    if anchors.numel() and not 0 <= int(anchors.min()) <= int(anchors.max()) < num_nodes:
        raise ValueError(
            f"anchors names nodes {int(anchors.min())} to {int(anchors.max())}, "
            f"but there are {num_nodes} nodes, from 0 on"
        )
    if hops < 0:
        raise ValueError(f"hops={hops}; an anchor reaches 0 hops or more")
    source = edge_index[0][torch.argsort(edge_index[1], stable=True)]
    degree = torch.bincount(edge_index[1], minlength=num_nodes)
    start = degree.cumsum(0) - degree
    owner, nodes = torch.arange(anchors.size(0), device=device), anchors
    for _ in range(hops):
        count = degree[nodes]
        row = torch.repeat_interleave(count)
        place = torch.arange(row.size(0), device=device) - (count.cumsum(0) - count)[row]
        reached = source[start[nodes[row]] + place]
        key = torch.unique(torch.cat([owner, owner[row]]) * num_nodes + torch.cat([nodes, reached]))
        owner, nodes = key // max(num_nodes, 1), key % max(num_nodes, 1)
    return Regions(anchors, owner, nodes)


def non_maximum_suppression(
    scores: Tensor,
    regions: Regions,
    mask: Tensor | None = None,
    *,
    iou: float = 0.5,
    keep: int = 5,
    batch: Tensor | None = None,
) -> list[KeptRegion]:
    r"""Keep the best regions of each graph that overlap little, :math:`|A \cap B| / |A \cup B| \le` ``iou``.

    The best region is kept, those that overlap it too much are dropped, and so on with the rest. Among equal scores the
    first in ``regions`` wins. Every round treats all graphs at once.

    Args:
        scores: Score of each region, ``[R]``, for example the objectness of its anchor.
        regions: The regions, none of them in two graphs.
        mask: Ranks the residues within a region, ``[N]``; without it they come in ascending order.
        iou: Largest intersection over union with a better region, in [0, 1].
        keep: Largest number of regions per graph.
        batch: Graph of each node, ``[N]``; None for a single graph.

    Returns:
        The kept regions, graph by graph, the best first.

    Example:
        >>> path = torch.tensor([[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]])
        >>> regions = anchor_regions(path, num_nodes=4, hops=1)
        >>> scores = torch.tensor([0.1, 0.9, 0.2, 0.8])
        >>> [(r.anchor, r.residues.tolist()) for r in non_maximum_suppression(scores, regions, scores)]
        [(1, [1, 2, 0]), (3, [3, 2])]
    """
    if scores.shape != regions.anchors.shape:
        raise ValueError(f"scores has shape {tuple(scores.shape)}, but there are {regions.anchors.size(0)} regions")
    if bool(scores.isnan().any()):
        raise ValueError("scores holds a number that is not a number")
    graph = torch.zeros_like(regions.anchors) if batch is None else batch[regions.anchors]
    scores = scores.detach()
    kept = [
        KeptRegion(int(graph[r]), int(regions.anchors[r]), float(scores[r]), _ranked(regions.members(r), mask))
        for r in _suppress(scores, regions, graph, iou=iou, keep=keep)
    ]
    return sorted(kept, key=lambda region: region.graph)


def _suppress(scores: Tensor, regions: Regions, graph: Tensor, *, iou: float, keep: int) -> list[int]:
    """Rows of the kept regions, in the order in which they were kept."""
    if not scores.numel():
        return []
    count, graphs, sizes = scores.size(0), int(graph.max()) + 1, regions.sizes
    rows = torch.arange(count, device=scores.device)
    alive = torch.ones_like(rows, dtype=torch.bool)
    kept: list[int] = []
    for _ in range(keep):
        open_scores = scores.masked_fill(~alive, -torch.inf)
        top = open_scores.new_full((graphs,), -torch.inf).scatter_reduce(0, graph, open_scores, "amax")
        candidates = rows.masked_fill(~alive | (open_scores < top[graph]), count)
        first = rows.new_full((graphs,), count).scatter_reduce(0, graph, candidates, "amin")
        picked = first[first < count]
        kept += picked.tolist()
        shared = _shared(regions, picked)
        union = sizes + sizes[first.clamp(max=count - 1)][graph] - shared
        alive = alive & (shared.double() / union <= iou)
        alive[picked] = False
    return kept


def _shared(regions: Regions, picked: Tensor) -> Tensor:
    """Nodes that each region shares with the picked ones, of which there is one per graph."""
    chosen = torch.zeros_like(regions.anchors, dtype=torch.bool)
    chosen[picked] = True
    covered = torch.zeros(int(regions.nodes.max()) + 1, dtype=torch.bool, device=chosen.device)
    covered[regions.nodes[chosen[regions.owner]]] = True
    return torch.bincount(regions.owner[covered[regions.nodes]], minlength=chosen.size(0))


def _ranked(nodes: Tensor, mask: Tensor | None) -> Tensor:
    return nodes if mask is None else nodes[torch.argsort(mask.detach()[nodes], descending=True, stable=True)]
