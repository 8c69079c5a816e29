"""Region proposals: every residue is an anchor, scored in one pass, and the scores spread to a soft mask."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from graphlearn.nn.region.convolution import Attention, Convolution
from graphlearn.nn.region.edges import (
    check_graph,
    row_normalised,
    sum_of_incoming,
    symmetric_normalised,
    with_self_loops,
)
from graphlearn.nn.region.neighbour_sum import Neighbours


class Proposal(NamedTuple):
    """What a region proposal network says of each residue.

    Attributes:
        features: Features for the layers behind it, ``[N, channels]``.
        objectness_logits: Logit that the anchor of a residue, its ego graph, holds a site, ``[N]``.
        mask: Soft membership of the proposed regions, in (0, 1), ``[N]``.
        edge_weight: Weight of each given edge, :math:`s_i A'_{ij} s_j`, ``[E]``.
    """

    features: Tensor
    objectness_logits: Tensor
    mask: Tensor
    edge_weight: Tensor


class RegionProposal(nn.Module):
    r"""Scores the k-hop ego graph of every residue, and turns the scores into one soft subgraph.

    With h the output of k GCN layers, whose receptive field is the ego graph, and :math:`A'` the adjacency with
    self-loops, its rows normalised to one:

    .. math::
        o_i &= 2\,(\mathrm{GAT}_{d \to 1}(h)_i - \theta), \qquad p_i = \sigma(o_i) \\
        s^0 &= p, \qquad s^{t+1} = \alpha A' s^t + (1 - \alpha)\, s^t, \qquad s = s^k \\
        y_i &= s_i\,(x_i + \mathrm{LeakyReLU}(\mathrm{GAT}_{d \to C}(h))_i), \qquad w_{ij} = s_i A'_{ij} s_j

    No ego graph is ever extracted: memory grows with the edges, and :func:`anchor_regions` names the members of the few
    anchors to report. Self-loops make :math:`s_i` a mean of p over the ego graph; without them the mask of a residue
    without contacts would fade for no reason.

    Args:
        channels: Channels C of the residues, in and out.
        hidden: Channels d of the encoder.
        hops: GCN layers and steps of diffusion k, at least 1.
        diffusion: Share :math:`\alpha` of the neighbours in a step of diffusion, in [0, 1].
        keep_input: Let the input through the mask as above; False is the published form without :math:`x_i`. The
            default keeps it: d is far below C, so without it no later layer sees the residue's own features.
        threshold: Start value of the learned :math:`\theta`. The scoring GAT has no bias, which would do the same.

    Shapes:
        - x: ``[N, channels]``; edge_index: ``[2, E]``, from source to target; edge_weight: ``[E]``, at least zero
        - output: :class:`Proposal`

    Example:
        >>> x = torch.randn(5, 16)
        >>> edge_index = torch.tensor([[0, 1, 1, 2, 3, 4], [1, 0, 2, 1, 4, 3]])
        >>> proposal = RegionProposal(16, 8)(x, edge_index)
        >>> proposal.features.shape, proposal.mask.shape, proposal.edge_weight.shape
        (torch.Size([5, 16]), torch.Size([5]), torch.Size([6]))

    Source: Mitra et al., ProteinRPN (arXiv 2409.00610); the diffusion follows the released form of the method.
    """

    def __init__(
        self,
        channels: int,
        hidden: int,
        *,
        hops: int = 2,
        diffusion: float = 0.5,
        keep_input: bool = True,
        threshold: float = 0.5,
    ) -> None:
        super().__init__()
        if hops < 1:
            raise ValueError(f"hops={hops}; an anchor reaches at least 1 hop")
        if not 0 <= diffusion <= 1:
            raise ValueError(f"diffusion={diffusion}; choose a share from 0 to 1")
        self.channels, self.hidden, self.hops = channels, hidden, hops
        self.diffusion, self.keep_input, self.threshold = diffusion, keep_input, threshold
        widths = [channels] + [hidden] * hops
        self.encoder = nn.ModuleList(Convolution(a, b) for a, b in pairwise(widths))
        self.score = Attention(hidden, 1, bias=False)
        self.gate = Attention(hidden, channels)
        self.theta = nn.Parameter(torch.empty(()))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialise all weights again."""
        for layer in (*self.encoder, self.score, self.gate):
            layer.reset_parameters()
        nn.init.constant_(self.theta, self.threshold)

    def forward(self, x: Tensor, edge_index: Tensor, edge_weight: Tensor | None = None) -> Proposal:
        """Score every residue and spread the scores to a mask.

        The graphs of a batch never see one another, as no edge joins them.

        Args:
            x: Features of the residues, ``[N, channels]``.
            edge_index: Contacts from source to target, with or without self-loops, ``[2, E]``.
            edge_weight: Weights of the contacts, at least zero, ``[E]``; by default 1.

        Returns:
            Features, logits of objectness, mask and weights of the contacts.

        Raises:
            ValueError: for other shapes, or a negative weight.
        """
        check_graph(x, self.channels, edge_index, edge_weight)
        num_nodes, num_edges = x.size(0), edge_index.size(1)
        edges, weight = with_self_loops(
            edge_index, x.new_ones(num_edges) if edge_weight is None else edge_weight, num_nodes
        )
        neighbours = Neighbours(edges, num_nodes)
        h = self._encode(x, neighbours, symmetric_normalised(edges, weight, num_nodes))
        logits = 2 * (self.score(h, neighbours).squeeze(-1) - self.theta)
        adjacency = row_normalised(edges, weight, num_nodes)
        mask = diffuse(logits.sigmoid(), edges, adjacency, steps=self.hops, share=self.diffusion)
        features = F.leaky_relu(self.gate(h, neighbours))
        features = (features + x if self.keep_input else features) * mask.unsqueeze(-1)
        ends = mask.index_select(0, edge_index[0]) * mask.index_select(0, edge_index[1])
        return Proposal(features, logits, mask, ends * adjacency[:num_edges])

    def _encode(self, x: Tensor, neighbours: Neighbours, weight: Tensor) -> Tensor:
        for i, layer in enumerate(self.encoder):
            x = layer(F.leaky_relu(x) if i else x, neighbours, weight)
        return x

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.channels}, {self.hidden}, hops={self.hops}, diffusion={self.diffusion})"


def diffuse(p: Tensor, edge_index: Tensor, adjacency: Tensor, *, steps: int, share: float) -> Tensor:
    r"""Spread values over a graph, :math:`s \leftarrow \alpha A' s + (1 - \alpha) s`, ``steps`` times.

    Args:
        p: Values, ``[N]``.
        edge_index: Edges, ``[2, E]``.
        adjacency: Weights :math:`A'` of the edges, ``[E]``; rows that sum to one keep the range of the values.
        steps: Number of steps.
        share: Share :math:`\alpha` of the neighbours.

    Returns:
        Values, ``[N]``.

    Example:
        >>> loops_and_bond = torch.tensor([[0, 1, 0, 1], [0, 1, 1, 0]])
        >>> diffuse(torch.tensor([1.0, 0.0]), loops_and_bond, torch.full((4,), 0.5), steps=1, share=0.5)
        tensor([0.7500, 0.2500])
    """
    for _ in range(steps):
        spread = sum_of_incoming(adjacency * p.index_select(0, edge_index[0]), edge_index, p.size(0))
        p = share * spread + (1 - share) * p
    return p
