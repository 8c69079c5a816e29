"""Trainable pooling over layers by cross-attention."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch_geometric.nn.inits import reset

from graphlearn.nn.readout.history import HistoryWeights
from graphlearn.nn.readout.layer_attention import layer_code
from graphlearn.nn.readout.segments import Segments, check_history


class MultilayerReadout(nn.Module):
    r"""Learned queries attend to one vector per layer, the mean of its nodes.

    .. math::
        m_{g,l} = W \frac{1}{|g|} \sum_{v \in g} x_{v,l} + b + P_l, \quad
        y_g = \mathrm{MLP}\Big(\frac{1}{Q} \sum_i \mathrm{softmax}_l\big(r_i \cdot W_k m_{g,l} / \sqrt{d}\big) W_v
        m_{g,l}\Big)

    With p the argument of the MLP, ``residual`` and ``layer_norm`` together give
    :math:`y_g = \mathrm{LayerNorm}(\mathrm{MLP}(p) + p)`.

    Unlike :class:`~graphlearn.nn.HistoryReadout`, weights are positive and the queries do not depend on the graph.

    Args:
        channels: Channels of the layers.
        hidden_channels: Channels D of the output; by default ``channels``.
        heads: Attention heads.
        queries: Learned queries Q.
        residual: Add what the queries found, the argument of the MLP, to its output.
        layer_norm: LayerNorm of the output, after that.

    Shapes:
        - xs: L tensors ``[N, channels]``; output: ``[B, hidden_channels]``

    Source: Tang and Yang, Pooling and Attention (arXiv 2409.02727), multi-layers trainable pooling, with graph means in
    the place of their token means and a code instead of a learned vector for the layer.
    """

    def __init__(
        self,
        channels: int,
        hidden_channels: int | None = None,
        *,
        heads: int = 4,
        queries: int = 4,
        residual: bool = False,
        layer_norm: bool = False,
    ) -> None:
        super().__init__()
        self.channels, self.hidden_channels = channels, hidden_channels or channels
        if self.hidden_channels % heads:
            raise ValueError(f"heads={heads} must divide the channels {self.hidden_channels}")
        self.heads, self.residual = heads, residual
        self.embed = nn.Linear(channels, self.hidden_channels)
        self.queries = nn.Parameter(torch.empty(queries, self.hidden_channels))
        self.key_value = nn.Linear(self.hidden_channels, 2 * self.hidden_channels)
        self.mlp = nn.Sequential(
            nn.Linear(self.hidden_channels, self.hidden_channels),
            nn.ReLU(),
            nn.Linear(self.hidden_channels, self.hidden_channels),
        )
        self.norm = nn.LayerNorm(self.hidden_channels) if layer_norm else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialise all weights again."""
        for module in (self.embed, self.key_value, self.mlp, self.norm):
            reset(module)
        nn.init.normal_(self.queries)

    def forward(
        self,
        xs: Sequence[Tensor],
        batch: Tensor | None = None,
        *,
        batch_size: int | None = None,
        return_attention: bool = False,
    ) -> Tensor | tuple[Tensor, HistoryWeights]:
        """Attend from the learned queries to the layers of each graph.

        Args:
            xs: Output of every layer, ``[N, channels]`` each.
            batch: Graph of each node, ``[N]``, in any order; None for a single graph.
            batch_size: Number of graphs B; by default one more than the largest in ``batch``.
            return_attention: Return :class:`HistoryWeights` as well; those of the layers are means
                over queries and heads.

        Returns:
            ``[B, hidden_channels]``; zeros for a graph without nodes.

        Raises:
            ValueError: for other shapes.
        """
        check_history(xs, self.channels)
        segments = Segments.of(xs[-1], batch, batch_size)
        means = torch.stack([segments.mean(x) for x in xs], dim=1)
        tokens = self.embed(means) + layer_code(len(xs), self.hidden_channels, means)
        key, value = self.key_value(tokens).unflatten(-1, (2, self.heads, -1)).permute(2, 0, 3, 1, 4)
        query = self.queries.unflatten(-1, (self.heads, -1)).transpose(0, 1).expand(len(key), -1, -1, -1)
        pooled = F.scaled_dot_product_attention(query, key, value).mean(2).flatten(1)
        out = self.mlp(pooled)
        out = out + pooled if self.residual else out
        out = out if self.norm is None else self.norm(out)
        out = torch.where(segments.counts[:, None] > 0, out, 0.0)
        if not return_attention:
            return out
        shares = ((query @ key.transpose(-1, -2)) * key.size(-1) ** -0.5).softmax(-1).mean((1, 2))
        return out, HistoryWeights(shares, segments.to_nodes(1 / segments.counts.clamp(min=1).float()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.channels}, {self.hidden_channels}, heads={self.heads})"
