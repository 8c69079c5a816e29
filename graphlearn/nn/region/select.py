"""Which nodes of each graph to keep, by their scores; what else is in the batch never matters."""

from __future__ import annotations

import torch
from torch import Tensor

from graphlearn.nn.readout.segments import Segments


def select_top(scores: Tensor, ratio: float, segments: Segments) -> Tensor:
    r"""Keep the :math:`\lceil \rho\, n_g \rceil` best of the :math:`n_g` nodes of each graph, so at least one.

    Among equal scores the first node wins.

    Args:
        scores: Scores, ``[N]``.
        ratio: Share :math:`\rho` to keep, in (0, 1].
        segments: Graphs of the nodes.

    Returns:
        Whether to keep a node, ``[N]``.

    Example:
        >>> segments = Segments.of(torch.zeros(5, 1), torch.tensor([0, 0, 0, 1, 1]), 2)
        >>> select_top(torch.tensor([0.3, 0.1, 0.2, 0.0, 0.0]), 0.5, segments)
        tensor([ True, False,  True,  True, False])
    """
    rounding = 1e-9
    quota = (ratio * segments.counts.double() - rounding).ceil().long()
    return _rank(scores, segments) < segments.to_nodes(quota)


def select_above(scores: Tensor, threshold: float, segments: Segments) -> Tensor:
    """Keep the nodes with at least this score, and the best of each graph in any case.

    Args:
        scores: Scores, ``[N]``.
        threshold: Smallest score to keep.
        segments: Graphs of the nodes.

    Returns:
        Whether to keep a node, ``[N]``.
    """
    return (scores >= threshold) | (_rank(scores, segments) == 0)


def _rank(scores: Tensor, segments: Segments) -> Tensor:
    """Place of each node in its graph, 0 for the highest score, ``[N]``."""
    order = torch.argsort(scores.detach(), descending=True, stable=True)
    order = order[torch.argsort(segments.batch[order], stable=True)]
    starts = segments.counts.cumsum(0) - segments.counts
    place = torch.arange(order.size(0), device=order.device) - starts[segments.batch[order]]
    return torch.empty_like(order).index_copy(0, order, place)
