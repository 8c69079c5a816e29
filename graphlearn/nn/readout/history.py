"""HISTOGRAPH: a graph or node vector from the whole history of a network, not only its last layer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch_geometric.nn.inits import reset

from graphlearn.nn.readout.layer_attention import LayerAttention
from graphlearn.nn.readout.node_attention import NodeAttention
from graphlearn.nn.readout.segments import Segments, check_history


class HistoryWeights(NamedTuple):
    """What a readout looked at.

    Attributes:
        layers: Weight of each layer for each graph, signed, ``[B, L]``.
        nodes: Share of its graph's attention that each node received, ``[N]``.
    """

    layers: Tensor
    nodes: Tensor


class HistoryReadout(nn.Module):
    r"""Aggregates the outputs of all layers of a GNN, first over layers, then over nodes.

    .. math::
        h_v = \sum_l \alpha_{g,l} (W x_{v,l} + b + P_l), \quad
        z_v = \mathrm{LayerNorm}(h_v + \mathrm{MHSA}_g(h)_v), \quad
        y_g = \frac{1}{|g|} \sum_{v \in g} z_v

    with signed weights :math:`\alpha` that sum to one over the layers (:class:`LayerAttention`) and self-attention
    among the nodes of each graph (:class:`NodeAttention`). What else is in the batch never changes a graph's vector.
    An empty graph gives zeros. One layer gets exactly the weight 1.

    Args:
        channels: Channels of the layers: one number, or one per layer if they differ.
        hidden_channels: Channels D of the output; by default those of the last layer.
        heads: Heads of the attention between nodes.
        level: ``graph`` gives one vector per graph; ``node`` one per node.
        node_attention: Attend between nodes; by default at level ``graph`` only: its cost is the square of the nodes.
        weights: ``signed`` or ``softmax`` weights of the layers.
        guard: Keeps the signed weights finite, see :class:`LayerAttention`.
        residual: Add h to the attention's output.
        norm: LayerNorm after it.
        mix: Share a of the history in :math:`a\,y + (1-a)\,\bar x_{L-1}`, in (0, 1), where the second term is the mean
            of the last layer (at level ``node`` the last layer itself); None leaves the mixture out.
        learn_mix: Learn a, from ``mix`` on.
        dropout: Dropout of the attention between nodes.

    Shapes:
        - xs: L tensors ``[N, channels]``, one per layer; batch: ``[N]``, in any order
        - output: ``[B, hidden_channels]``, or ``[N, hidden_channels]`` at level ``node``

    Example:
        >>> xs = [torch.randn(7, 16) for _ in range(4)]
        >>> batch = torch.tensor([0, 0, 0, 1, 1, 1, 1])
        >>> readout = HistoryReadout(16)
        >>> readout(xs, batch).shape
        torch.Size([2, 16])
        >>> out, weights = readout(xs, batch, return_attention=True)
        >>> weights.layers.shape, weights.nodes.shape
        (torch.Size([2, 4]), torch.Size([7]))

    Source: Galron et al., Learning from Historical Activations in Graph Neural Networks, arXiv 2601.01123,
    section 3 and appendix B.
    """

    def __init__(
        self,
        channels: int | Sequence[int],
        hidden_channels: int | None = None,
        *,
        heads: int = 1,
        level: str = "graph",
        node_attention: bool | None = None,
        weights: str = "signed",
        guard: float = 0.1,
        residual: bool = True,
        norm: bool = True,
        mix: float | None = None,
        learn_mix: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if level not in ("graph", "node"):
            raise ValueError(f"level={level!r}; choose 'graph' or 'node'")
        self.level, self.residual = level, residual
        self.layers = LayerAttention(channels, hidden_channels, weights=weights, guard=guard)
        self.channels, self.hidden_channels = self.layers.channels, self.layers.hidden_channels
        attend = level == "graph" if node_attention is None else node_attention
        self.nodes = NodeAttention(self.hidden_channels, heads=heads, dropout=dropout) if attend else None
        self.norm = nn.LayerNorm(self.hidden_channels) if norm else None
        self.mix, self.learn_mix = mix, learn_mix
        last = self.channels if isinstance(self.channels, int) else self.channels[-1]
        if (mix is not None or learn_mix) and last != self.hidden_channels:
            raise ValueError(f"mix needs hidden_channels equal to those of the last layer ({last})")
        if mix is not None and not 0 < mix < 1:
            raise ValueError(f"mix={mix}; choose a share between 0 and 1")
        if learn_mix and mix is None:
            raise ValueError("learn_mix needs a share to start from; give mix")
        self.mix_logit = nn.Parameter(torch.empty(())) if learn_mix else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialise all weights again."""
        for module in (self.layers, self.nodes, self.norm):
            reset(module)
        if self.mix_logit is not None and self.mix is not None:
            nn.init.constant_(self.mix_logit, math.log(self.mix / (1 - self.mix)))

    def forward(
        self,
        xs: Sequence[Tensor],
        batch: Tensor | None = None,
        *,
        batch_size: int | None = None,
        max_num_nodes: int | None = None,
        return_attention: bool = False,
    ) -> Tensor | tuple[Tensor, HistoryWeights]:
        """Mix the layers of every node, attend among the nodes of each graph, and take their mean.

        Args:
            xs: Output of every layer, ``[N, channels]`` each, the last one last.
            batch: Graph of each node, ``[N]``, in any order; None for a single graph.
            batch_size: Number of graphs B; by default one more than the largest in ``batch``.
            max_num_nodes: Nodes of the largest graph. With both sizes given no shape depends on the data, and
                ``torch.compile`` finds no graph break.
            return_attention: Return :class:`HistoryWeights` as well.

        Returns:
            ``[B, hidden_channels]``, zeros for a graph without nodes; ``[N, hidden_channels]`` at level ``node``.

        Raises:
            ValueError: for other shapes, or a graph with more nodes than ``max_num_nodes``.
        """
        check_history(xs, self.channels)
        segments = Segments.of(xs[-1], batch, batch_size)
        mixed, alpha = self.layers(xs, segments)
        h: Tensor = mixed
        if self.nodes is not None:
            h = self.nodes(mixed, segments, max_num_nodes)
            h = h + mixed if self.residual else h
        h = self.norm(h) if self.norm is not None else h
        last = xs[-1]
        if self.level == "graph":
            h = segments.mean(h)
            last = segments.mean(last) if self.mix is not None else last
        if self.mix is not None:
            share = self.mix if self.mix_logit is None else self.mix_logit.sigmoid()
            h = share * h + (1 - share) * last
        if not return_attention:
            return h
        return h, HistoryWeights(alpha, self._node_weights(mixed, segments, max_num_nodes))

    def _node_weights(self, mixed: Tensor, segments: Segments, max_num_nodes: int | None) -> Tensor:
        if self.nodes is not None:
            return self.nodes.received(mixed, segments, max_num_nodes)
        return segments.to_nodes(1 / segments.counts.clamp(min=1).float())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.channels}, {self.hidden_channels}, level={self.level!r})"
