"""Attention between residues that favours those of high objectness."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch_geometric.nn.inits import reset
from torch_geometric.utils import softmax

from graphlearn.nn.region.cone import penumbral_similarity
from graphlearn.nn.region.edges import check_graph, check_per_node, with_self_loops
from graphlearn.nn.region.neighbour_sum import Neighbours


class FunctionalAttention(nn.Module):
    r"""Graph attention whose probabilities, not logits, are weighed by objectness f and edge weight w.

    Over the edges from j into i, self-loop included, with :math:`z = W x`:

    .. math::
        e_{ij} &= \mathrm{LeakyReLU}_{0.2}(a^T [z_i \Vert z_j]) + \log(f_j + b\,(1 - f_j)) + \log w_{ij} \\
        \alpha_{ij} &= \mathrm{softmax}_j\, e_{ij}, \qquad x'_i = \mathrm{ReLU}\Big(\sum_j \alpha_{ij} z_j\Big)

    so :math:`\alpha_{ij} \propto w_{ij} (f_j + b (1 - f_j)) e^{\ldots}`: a residue of objectness 0 has exactly b times
    the odds that it would have with objectness 1. The released form multiplies the logit itself by this factor, which
    raises every negative logit, and so favours residues outside the proposals exactly where attention is low. An edge
    of weight 0 gets no attention at all. A missing self-loop weighs as much as the mean edge into its node.

    Args:
        channels: Channels of the residues, in and out.
        heads: Heads; must divide ``channels``.
        background: Share b, in (0, 1].
        dropout: Dropout of the attention.
        cone: Add :func:`penumbral_similarity` of learned points to the logit, one point a residue and head.
        radius: Radius of the cones.
        gamma: Scale of the cones' similarity.

    Shapes:
        - x: ``[N, channels]``; edge_index: ``[2, E]``, from source to target
        - objectness: ``[N]``, in [0, 1]; edge_weight: ``[E]``, at least zero
        - output: ``[N, channels]``; if asked for, edges ``[2, E']`` and attention ``[E', heads]``, given edges first

    Example:
        >>> x, f = torch.randn(3, 8), torch.tensor([0.9, 0.1, 0.5])
        >>> edge_index = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
        >>> attention = FunctionalAttention(8, heads=2)
        >>> attention(x, edge_index, f).shape
        torch.Size([3, 8])
        >>> out, (edges, alpha) = attention(x, edge_index, f, return_attention=True)
        >>> edges.shape, alpha.shape
        (torch.Size([2, 7]), torch.Size([7, 2]))

    Source: Mitra et al., ProteinRPN (arXiv 2409.00610), after Velickovic et al. 2018 (arXiv 1710.10903).
    """

    def __init__(
        self,
        channels: int,
        *,
        heads: int = 1,
        background: float = 0.5,
        dropout: float = 0.0,
        cone: bool = False,
        radius: float = 1.0,
        gamma: float = 1.0,
    ) -> None:
        super().__init__()
        if channels % heads:
            raise ValueError(f"heads={heads} must divide the channels {channels}")
        if not 0 < background <= 1:
            raise ValueError(f"background={background}; choose a share above 0 and at most 1")
        self.channels, self.heads, self.background, self.dropout = channels, heads, background, dropout
        self.radius, self.gamma = radius, gamma
        self.project = nn.Linear(channels, channels, bias=False)
        self.receive = nn.Parameter(torch.empty(heads, channels // heads))
        self.send = nn.Parameter(torch.empty(heads, channels // heads))
        self.points = nn.Linear(channels, 2 * heads * (channels // heads + 1)) if cone else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialise all weights again."""
        for weight in (self.project.weight, self.receive, self.send):
            nn.init.xavier_uniform_(weight, gain=2**0.5)
        reset(self.points)

    def forward(
        self,
        x: Tensor,
        edge_index: Tensor,
        objectness: Tensor,
        edge_weight: Tensor | None = None,
        *,
        return_attention: bool = False,
    ) -> Tensor | tuple[Tensor, tuple[Tensor, Tensor]]:
        """Sum the neighbours of each residue, weighted by attention and objectness.

        The graphs of a batch never see one another, as no edge joins them.

        Args:
            x: Features of the residues, ``[N, channels]``.
            edge_index: Contacts, with or without self-loops, ``[2, E]``.
            objectness: Objectness or proposal mask f, ``[N]``; booleans count as 0 and 1.
            edge_weight: Weights of the contacts, ``[E]``; by default 1.
            return_attention: Return the edges and their attention as well.

        Returns:
            ``[N, channels]``; and edges with self-loops, ``[2, E']``, and attention, ``[E', heads]``.

        Raises:
            ValueError: for arguments of the wrong shape, objectness outside [0, 1] or a negative weight.
        """
        check_graph(x, self.channels, edge_index, edge_weight)
        check_per_node("objectness", objectness, x.size(0))
        if bool(((objectness < 0) | (objectness > 1)).any()):
            raise ValueError("objectness holds a number below 0 or above 1; give shares, for example a sigmoid")
        objectness = objectness if objectness.is_floating_point() else objectness.to(x.dtype)
        given = x.new_ones(edge_index.size(1)) if edge_weight is None else edge_weight
        edges, weight = with_self_loops(edge_index, given, x.size(0))
        z = self.project(x).view(-1, self.heads, self.channels // self.heads)
        prior = _log(weight) + (objectness + self.background * (1 - objectness)).log().index_select(0, edges[0])
        alpha = softmax(self._logits(x, z, edges) + prior.unsqueeze(-1), edges[1], num_nodes=x.size(0))
        used = F.dropout(alpha, self.dropout, self.training)
        neighbours = Neighbours(edges, x.size(0))
        heads = [neighbours.sum(z[:, h], used[:, h]) for h in range(self.heads)]
        out = torch.cat(heads, 1).relu()
        return (out, (edges, alpha)) if return_attention else out

    def _logits(self, x: Tensor, z: Tensor, edges: Tensor) -> Tensor:
        """Logits of the edges before the weighing, ``[E', heads]``."""
        source, target = edges
        received, sent = (z * self.receive).sum(-1), (z * self.send).sum(-1)
        logits = F.leaky_relu(received.index_select(0, target) + sent.index_select(0, source), 0.2)
        if self.points is None:
            return logits
        query, key = self.points(x).unflatten(-1, (2, self.heads, -1)).unbind(1)
        return logits + penumbral_similarity(
            query.index_select(0, target), key.index_select(0, source), radius=self.radius, gamma=self.gamma
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.channels}, heads={self.heads}, background={self.background})"


def _log(weight: Tensor) -> Tensor:
    """Logarithm; minus infinity, without a gradient, at zero."""
    positive = weight > 0
    return torch.where(positive, weight, torch.ones_like(weight)).log().masked_fill(~positive, -torch.inf)
