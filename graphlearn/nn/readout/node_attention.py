"""Multi-head self-attention between the nodes of each graph."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch_geometric.nn.inits import reset

from graphlearn.nn.readout.segments import PaddedGroup, Segments, from_slots


class NodeAttention(nn.Module):
    r"""Multi-head self-attention among the nodes of a graph, never across graphs.

    .. math:: z_v = W_o \big\Vert_h \sum_{u \in g(v)} \mathrm{softmax}_u(q_v^h \cdot k_u^h / \sqrt{d})\, v_u^h

    ``residual`` and ``layer_norm`` together give :math:`\mathrm{LayerNorm}(z_v + x_v)`.

    Graphs are padded in groups of like size: the cost follows the sizes of the graphs, not of the batch.

    Args:
        channels: Channels D of the nodes.
        heads: Heads; must divide ``channels``.
        dropout: Dropout of attention weights.
        residual: Add x to the output.
        layer_norm: LayerNorm of the output, after that.

    Shapes:
        - x: ``[N, channels]``; output: ``[N, channels]``

    Source: Vaswani et al. 2017 (arXiv 1706.03762).
    """

    def __init__(
        self,
        channels: int,
        *,
        heads: int = 1,
        dropout: float = 0.0,
        residual: bool = False,
        layer_norm: bool = False,
    ) -> None:
        super().__init__()
        if channels % heads:
            raise ValueError(f"heads={heads} must divide the channels {channels}")
        self.channels, self.heads, self.dropout, self.residual = channels, heads, dropout, residual
        self.project = nn.Linear(channels, 3 * channels)
        self.out = nn.Linear(channels, channels)
        self.norm = nn.LayerNorm(channels) if layer_norm else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialise again, as torch's own multi-head attention."""
        nn.init.xavier_uniform_(self.project.weight)
        nn.init.zeros_(self.project.bias)
        self.out.reset_parameters()
        nn.init.zeros_(self.out.bias)
        reset(self.norm)

    def forward(self, x: Tensor, segments: Segments, max_num_nodes: int | None = None) -> Tensor:
        """Attend from every node to all nodes of its graph.

        Args:
            x: Features, ``[N, channels]``.
            segments: Graphs of the nodes.
            max_num_nodes: Nodes of the largest graph, for shapes that do not depend on the data, see
                :meth:`Segments.padded`.

        Returns:
            ``[N, channels]``.

        Raises:
            ValueError: if a graph has more nodes than ``max_num_nodes``.
        """
        groups = list(segments.padded(max_num_nodes))
        dropout = self.dropout if self.training else 0.0
        folded = self.heads == 1 and not dropout
        rows = []
        for group, (q, k, v) in zip(groups, self._heads(x, groups, folded), strict=True):
            z = F.scaled_dot_product_attention(q, k, v, group.keys, dropout_p=dropout)
            rows.append(z.transpose(1, 2).reshape(-1, self.channels))
        z = from_slots(rows, groups, x)
        if folded:
            value, bias = self.project.weight.chunk(3)[2], self.project.bias.chunk(3)[2]
            out = torch.addmm(self.out.weight @ bias + self.out.bias, z, (self.out.weight @ value).T)
        else:
            out = self.out(z)
        out = out + x if self.residual else out
        return out if self.norm is None else self.norm(out)

    def received(self, x: Tensor, segments: Segments, max_num_nodes: int | None = None) -> Tensor:
        """Share of its graph's attention that each node receives, the mean over queries and heads.

        Args:
            x: Features, ``[N, channels]``.
            segments: Graphs of the nodes.
            max_num_nodes: As for :meth:`forward`.

        Returns:
            ``[N]``, with the sum 1 over the nodes of each graph.
        """
        groups = list(segments.padded(max_num_nodes))
        rows = []
        for group, (q, k, _) in zip(groups, self._heads(x, groups, folded=False), strict=True):
            scores = (q.float() @ k.float().transpose(-1, -2)) * q.size(-1) ** -0.5
            shares = scores.masked_fill(~group.keys, -torch.inf).softmax(-1) * group.filled[:, None, :, None]
            rows.append((shares.mean(1).sum(1) / group.counts.clamp(min=1)[:, None]).reshape(-1, 1))
        return from_slots(rows, groups, x.new_zeros(x.size(0), 1).float()).squeeze(-1)

    def _heads(self, x: Tensor, groups: list[PaddedGroup], folded: bool) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Query, key and value [G, heads, m, d] of each group.

        With one head the maps can be folded: the scores of a query differ by :math:`h_u^T W_k^T (W_q h_v + b_q)` alone,
        so keys and values are the nodes themselves, and the value map joins the output map after the attention, whose
        rows sum to one.
        """
        if not groups:
            return
        slots = torch.cat([group.nodes.reshape(-1) for group in groups])
        if folded:
            query, key, _ = self.project.weight.chunk(3)
            table = torch.cat([torch.addmm(self.project.bias.chunk(3)[0] @ key, x, query.T @ key), x], dim=1)
        else:
            table = self.project(x)
        parts = table.index_select(0, slots).split([group.nodes.numel() for group in groups])
        for part, group in zip(parts, groups, strict=True):
            q, k, *v = part.view(*group.nodes.shape, -1, self.heads, self.channels // self.heads).permute(2, 0, 3, 1, 4)
            yield q, k, v[0] if v else k

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.channels}, heads={self.heads})"
