"""Grouped generalised-mean pooling."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from graphlearn.nn.readout.segments import Segments, check_history

SMALLEST = 1e-6


class GroupedMeanReadout(nn.Module):
    r"""Generalised mean of the last layer with one learned exponent per group of channels (GGeM).

    .. math:: y_{g,c} = \Big( \frac{1}{|g|} \sum_{v \in g} \max(x_{v,c}, \epsilon)^{p_{k(c)}} \Big)^{1/p_{k(c)}}

    p = 1 is the mean of the positive part, large p the maximum. An empty graph gives zeros.

    Args:
        channels: Channels of the layers.
        groups: Groups k of channels; must divide ``channels``.
        p: Exponent to start from.

    Shapes:
        - xs: tensors ``[N, channels]``, of which the last is used; output: ``[B, channels]``

    Source: Ko et al., Group Generalized Mean Pooling for Vision Transformer (arXiv 2212.04114).
    """

    def __init__(self, channels: int, *, groups: int = 4, p: float = 3.0) -> None:
        super().__init__()
        if channels % groups:
            raise ValueError(f"groups={groups} must divide the channels {channels}")
        if p <= 0:
            raise ValueError(f"p={p}; the exponent to start from must be above 0")
        self.channels = self.hidden_channels = channels
        self.groups, self.p = groups, p
        self.log_p = nn.Parameter(torch.empty(groups))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start from ``p`` again."""
        nn.init.constant_(self.log_p, math.log(self.p))

    def forward(self, xs: Sequence[Tensor], batch: Tensor | None = None, *, batch_size: int | None = None) -> Tensor:
        """The generalised mean of the last layer over the nodes of each graph.

        Args:
            xs: Output of every layer, ``[N, channels]`` each.
            batch: Graph of each node, ``[N]``, in any order; None for a single graph.
            batch_size: Number of graphs B; by default one more than the largest in ``batch``.

        Returns:
            ``[B, channels]``; zeros for a graph without nodes.

        Raises:
            ValueError: for other shapes.
        """
        check_history(xs, self.channels)
        x = xs[-1]
        segments = Segments.of(x, batch, batch_size)
        accumulate = torch.promote_types(x.dtype, torch.float32)
        p = self.log_p.to(accumulate).exp().repeat_interleave(self.channels // self.groups)
        powers = p * x.to(accumulate).clamp(min=SMALLEST).log()
        owner = segments.batch[:, None].expand_as(powers)
        largest = powers.new_zeros(segments.counts.size(0), self.channels).scatter_reduce(
            0, owner, powers.detach(), "amax", include_self=False
        )
        mean = segments.mean((powers - segments.to_nodes(largest)).exp())
        filled = segments.counts[:, None] > 0
        logarithm = torch.where(filled, mean, 1.0).log() + largest
        return torch.where(filled, (logarithm / p).exp(), 0.0).to(x.dtype)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.channels}, groups={self.groups})"
