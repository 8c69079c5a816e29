"""Node-drop pooling that knows secondary structure and how near the proposed regions are."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from graphlearn.nn.readout.segments import Segments
from graphlearn.nn.region.edges import check_graph, check_per_node, induced_edges
from graphlearn.nn.region.node_score import NodeScore
from graphlearn.nn.region.select import select_above, select_top

SCALES = ("straight_through", "soft")


class PooledNodes(NamedTuple):
    """K kept nodes, in the order in which they came, and the edges among them.

    Attributes:
        x: Their features, ``[K, channels]``.
        edge_index: Edges among them, numbered anew, ``[2, E']``.
        edge_weight: Weights of these edges, ``[E']``.
        batch: Their graphs, ``[K]``.
        kept: Whether each node of the input was kept, ``[N]``.
        weights: Soft weight D of each node of the input, in (0, 1), with its gradient, ``[N]``.
    """

    x: Tensor
    edge_index: Tensor
    edge_weight: Tensor
    batch: Tensor
    kept: Tensor
    weights: Tensor


class HierarchicalNodeDrop(nn.Module):
    r"""Drops residues, in favour of those in defined secondary structure and near to proposed regions.

    With the indicator :math:`s_i` of secondary structure, positions r, the proposal mask m and neighbours N(i):

    .. math::
        a_i &= \mathrm{MLP}(\mathrm{GCN}(x)_i) + \beta_{ss}\, s_i
            + \beta_{sp} \frac{1}{|N(i)|} \sum_{j \in N(i)} m_j\, e^{-|r_i - r_j|^2 / 2\sigma^2} \\
        D_i &= \sigma(a_i / \tau), \qquad y_i = g_i\, x_i, \qquad w'_{ij} = g_i\, w_{ij}\, g_j

    Of each graph the top share by D is kept, or all nodes above a threshold; never none. The gate g of a kept node is
    1, in training with the gradient of D (straight-through), so that a network sees the same values in training and in
    use. ``scale="soft"`` takes g = D instead. Dropped nodes are gone, not zeroed: no later layer has to mask them.
    A gradient for their own D must come from a loss on ``weights``. The weights :math:`\beta` are learned, from 1 on.

    Args:
        channels: Channels of the residues.
        hidden: Channels inside GCN and MLP; by default ``channels``.
        ratio: Share of each graph to keep, in (0, 1], rounded up.
        threshold: Keep nodes with D at or above it instead, in (0, 1).
        sigma_angstrom: Width :math:`\sigma` of the kernel; the default is a usual distance of residues in contact.
        temperature: Temperature :math:`\tau`.
        scale: ``straight_through`` or ``soft``.
        cone: Add :math:`\beta_c \frac{1}{|N(i)|} \sum_j m_j S(W_q h_i, W_k h_j)` to the logit, with
            :func:`penumbral_similarity` S and the GCN's output h.

    Shapes:
        - x: ``[N, channels]``; edge_index: ``[2, E]``; positions_angstrom: ``[N, 3]``
        - secondary, mask, batch: ``[N]``; edge_weight: ``[E]``
        - output: :class:`PooledNodes`

    Example:
        >>> x, positions = torch.randn(4, 8), torch.randn(4, 3)
        >>> edge_index = torch.tensor([[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]])
        >>> pooled = HierarchicalNodeDrop(8, ratio=0.5)(x, edge_index, positions, torch.tensor([1, 1, 0, 0]))
        >>> pooled.x.shape, pooled.kept.sum()
        (torch.Size([2, 8]), tensor(2))

    Source: Mitra et al., ProteinRPN (arXiv 2409.00610), which names the two preferences; their form is our reading.
    """

    def __init__(
        self,
        channels: int,
        hidden: int | None = None,
        *,
        ratio: float = 0.5,
        threshold: float | None = None,
        sigma_angstrom: float = 6.0,
        temperature: float = 1.0,
        scale: str = "straight_through",
        cone: bool = False,
    ) -> None:
        super().__init__()
        if not 0 < ratio <= 1:
            raise ValueError(f"ratio={ratio}; choose a share above 0 and at most 1")
        if threshold is not None and not 0 < threshold < 1:
            raise ValueError(f"threshold={threshold}; choose a weight between 0 and 1")
        if sigma_angstrom <= 0 or temperature <= 0:
            raise ValueError(f"sigma_angstrom={sigma_angstrom} and temperature={temperature} must be above 0")
        if scale not in SCALES:
            raise ValueError(f"scale={scale!r}; choose one of {', '.join(SCALES)}")
        self.channels, self.hidden = channels, hidden or channels
        self.ratio, self.threshold, self.temperature, self.scale = ratio, threshold, temperature, scale
        self.score = NodeScore(channels, self.hidden, sigma_angstrom=sigma_angstrom, cone=cone)

    def reset_parameters(self) -> None:
        """Initialise all weights again."""
        self.score.reset_parameters()

    def forward(
        self,
        x: Tensor,
        edge_index: Tensor,
        positions_angstrom: Tensor,
        secondary: Tensor,
        mask: Tensor | None = None,
        batch: Tensor | None = None,
        *,
        edge_weight: Tensor | None = None,
        batch_size: int | None = None,
    ) -> PooledNodes:
        """Keep the residues with the best scores, and the contacts between them.

        Args:
            x: Features of the residues, ``[N, channels]``.
            edge_index: Contacts, ``[2, E]``; self-loops do not count as neighbours.
            positions_angstrom: Positions of the residues in Å, ``[N, 3]``; those in contact must be known.
            secondary: 1 for residues in helix or strand, else 0, ``[N]``.
            mask: Proposal mask, ``[N]``; by default 1, so that all neighbours count as proposed.
            batch: Graph of each node, ``[N]``; None for a single graph.
            edge_weight: Weights of the contacts, at least zero, ``[E]``; by default 1.
            batch_size: Number of graphs.

        Returns:
            Kept residues with their contacts and weights.

        Raises:
            ValueError: for other shapes, a negative weight, or a contact of a residue without a position.
        """
        check_graph(x, self.channels, edge_index, edge_weight)
        mask = x.new_ones(x.size(0)) if mask is None else mask
        check_per_node("secondary", secondary, x.size(0))
        check_per_node("mask", mask, x.size(0))
        if positions_angstrom.shape != (x.size(0), 3):
            found = tuple(positions_angstrom.shape)
            raise ValueError(f"positions_angstrom has shape {found}; expected [{x.size(0)}, 3]")
        segments = Segments.of(x, batch, batch_size)
        given = x.new_ones(edge_index.size(1)) if edge_weight is None else edge_weight
        logits = self.score(x, edge_index, given, positions_angstrom.to(x.dtype), secondary.to(x.dtype), mask)
        weights = (logits / self.temperature).sigmoid()
        if self.threshold is None:
            kept = select_top(logits, self.ratio, segments)
        else:
            kept = select_above(weights, self.threshold, segments)
        gate = self._gate(weights)
        nodes = kept.nonzero().flatten()
        edges, among_kept = induced_edges(edge_index, kept)
        source, target = edge_index[:, edges]
        return PooledNodes(
            x.index_select(0, nodes) * gate.index_select(0, nodes).unsqueeze(-1),
            among_kept,
            given.index_select(0, edges) * gate.index_select(0, source) * gate.index_select(0, target),
            segments.batch[nodes],
            kept,
            weights,
        )

    def _gate(self, weights: Tensor) -> Tensor:
        if self.scale == "soft":
            return weights
        return 1 + (weights - weights.detach()) if self.training else torch.ones_like(weights)

    def __repr__(self) -> str:
        keep = f"ratio={self.ratio}" if self.threshold is None else f"threshold={self.threshold}"
        return f"{type(self).__name__}({self.channels}, {self.hidden}, {keep}, scale={self.scale!r})"
