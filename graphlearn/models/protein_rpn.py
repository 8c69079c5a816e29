"""ProteinRPN: terms of a protein from the graph of its residues, by way of the regions that it proposes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlearn.models.histograph import make_readout
from graphlearn.nn.region import FunctionalAttention, HierarchicalNodeDrop, Proposal, RegionProposal
from graphlearn.nn.region.convolution import Convolution
from graphlearn.nn.region.edges import symmetric_normalised, with_self_loops
from graphlearn.nn.region.neighbour_sum import Neighbours
from graphlearn.nn.region.sequence import SequenceConvolution

PROTEIN_READOUTS = ("gmt", "history", "mean", "max", "attention")
_HELIX_AND_STRAND = (1, 2, 3)  # H, B and E in SECONDARY_ORDER, as the published form counts them


class ProteinOutput(NamedTuple):
    """What the model says of B chains with N residues, K of which it kept.

    Attributes:
        logits: Of the terms, ``[B, num_terms]``.
        embedding: Vector of each chain before the head, ``[B, channels]``.
        nodes: Features of the kept residues before the readout, ``[K, channels]``.
        kept: Their places among all residues, ``[K]``.
        proposal: Objectness and mask of all residues; None for a model without proposals.
    """

    logits: Tensor
    embedding: Tensor
    nodes: Tensor
    kept: Tensor
    proposal: Proposal | None


class ProteinRPN(nn.Module):
    r"""Region proposal, node drop and functional attention, then graph convolutions, a readout and a head.

    .. math::
        x &= \mathrm{SequenceConvolution}(\mathrm{ReLU}(W f)), \qquad
            (x, o, m, w) \leftarrow \mathrm{RegionProposal}(x) \\
        x, E &\leftarrow \mathrm{HierarchicalNodeDrop}(x, m), \qquad
            x_0 = x + \mathrm{FunctionalAttention}(x, m, w) \\
        x_{l+1} &= x_l + \mathrm{dropout}(\mathrm{ReLU}(\mathrm{GCN}(x_l))), \qquad
            g = \mathrm{BatchNorm}(\mathrm{readout}(x_0, \dots, x_L)), \qquad y = \mathrm{MLP}(g)

    Each of the three first parts can be left out; without all of them and with ``readout="gmt"`` this is the encoder
    of HEAL, with ``readout="mean"`` a plain GCN. Everything is sparse or masked: a chain's output does not depend on
    the others of its batch or on the order of its residues, and memory grows with the contacts.

    Args:
        in_channels: Features per residue, ``graphlearn.proteins.NUM_FEATURES`` without a language model.
        num_terms: Terms to predict.
        channels: Channels of the residues.
        hidden: Channels inside the proposal and the node drop.
        hops: Reach of an anchor, in contacts.
        num_layers: Graph convolutions L.
        proposal: Propose regions; without them every residue counts as proposed.
        node_drop: Drop residues.
        keep_ratio: Share of residues that the node drop keeps.
        functional_attention: Attend between residues, in favour of proposed ones.
        cone: Penumbral cones in node drop and attention.
        heads: Heads of the attention and of the readout.
        readout: ``gmt`` (Graph Multiset Transformer), ``history`` (HISTOGRAPH), ``mean``, ``max`` or ``attention``.
        readout_options: Arguments of the readout.
        sequence_layers: Convolutions along the chain, before the proposal.
        kernel_size: Residues that each of them sees.
        dropout: Dropout of the convolutions and of the head.

    Example:
        >>> from torch_geometric.data import Data
        >>> chain = Data(features=torch.randn(4, 52), pos=torch.randn(4, 3), secondary=torch.tensor([1, 1, 0, 0]),
        ...              edge_index=torch.tensor([[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]]))
        >>> output = ProteinRPN(52, 7, channels=16, hidden=8)(chain)
        >>> output.logits.shape, output.proposal.mask.shape
        (torch.Size([1, 7]), torch.Size([4]))

    Source: Mitra et al., ProteinRPN (arXiv 2409.00610); the encoder after HEAL, Gu et al., Bioinformatics 39, btad410.
    """

    def __init__(
        self,
        in_channels: int,
        num_terms: int,
        *,
        channels: int = 128,
        hidden: int = 64,
        hops: int = 2,
        num_layers: int = 3,
        proposal: bool = True,
        node_drop: bool = True,
        keep_ratio: float = 0.5,
        functional_attention: bool = True,
        cone: bool = False,
        heads: int = 4,
        readout: str = "gmt",
        readout_options: dict[str, Any] | None = None,
        sequence_layers: int = 2,
        kernel_size: int = 9,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        if readout not in PROTEIN_READOUTS:
            raise ValueError(f"readout={readout!r}; choose one of {', '.join(PROTEIN_READOUTS)}")
        self.config = {
            "in_channels": in_channels, "num_terms": num_terms, "channels": channels, "hidden": hidden, "hops": hops,
            "num_layers": num_layers, "proposal": proposal, "node_drop": node_drop, "keep_ratio": keep_ratio,
            "functional_attention": functional_attention, "cone": cone, "heads": heads, "readout": readout,
            "readout_options": readout_options, "sequence_layers": sequence_layers, "kernel_size": kernel_size,
            "dropout": dropout,
        }  # fmt: skip
        self.in_channels, self.num_terms, self.hops = in_channels, num_terms, hops
        self.embed = nn.Linear(in_channels, channels)
        self.sequence = SequenceConvolution(channels, sequence_layers, kernel_size=kernel_size, dropout=dropout)
        self.proposal = RegionProposal(channels, hidden, hops=hops) if proposal else None
        self.node_drop = HierarchicalNodeDrop(channels, hidden, ratio=keep_ratio, cone=cone) if node_drop else None
        self.attention = FunctionalAttention(channels, heads=heads, cone=cone) if functional_attention else None
        self.convolutions = nn.ModuleList(Convolution(channels, channels) for _ in range(num_layers))
        self.dropout = nn.Dropout(dropout)
        options = {"heads": heads, **(readout_options or {})} if readout in ("gmt", "history") else readout_options
        self.readout = make_readout(readout, channels, num_layers + 1, **(options or {}))
        width = cast(int, self.readout.hidden_channels)
        self.norm = nn.BatchNorm1d(width)
        self.head = nn.Sequential(
            nn.Linear(width, 2 * channels), nn.ReLU(), nn.Dropout(dropout), nn.Linear(2 * channels, num_terms)
        )

    @classmethod
    def idle_arguments(cls, arguments: Mapping[str, Any]) -> dict[str, str]:
        """Name the arguments that have no effect beside the others.

        Args:
            arguments: All of the constructor by name.

        Returns:
            Why, by name.
        """
        idle, a = {}, arguments
        if not a["proposal"]:
            idle["hops"] = "proposal is off"
        if not a["proposal"] and not a["node_drop"]:
            idle["hidden"] = "proposal and node_drop are off"
        if not a["node_drop"]:
            idle["keep_ratio"] = "node_drop is off"
        if a["cone"] and not a["node_drop"] and not a["functional_attention"]:
            idle["cone"] = "node_drop and functional_attention are off"
        if not a["functional_attention"]:
            if a["readout"] not in ("gmt", "history"):
                idle["heads"] = f"functional_attention is off and the readout {a['readout']} has none"
            elif "heads" in (a["readout_options"] or {}):
                idle["heads"] = "functional_attention is off and readout_options has heads of its own"
        if not a["sequence_layers"]:
            idle["kernel_size"] = "sequence_layers is 0"
        return idle

    def propose(self, data: Data) -> tuple[Tensor, Proposal | None]:
        """Embed residues and propose regions; all that the pre-training of the proposal needs.

        Args:
            data: As for :meth:`forward`.

        Returns:
            Embedded residues, ``[N, channels]``, and their proposal; None for a model without proposals.

        Raises:
            ValueError: for features of another width, or a model without residues to look at.
        """
        features = data.features
        if features.dim() != 2 or features.size(1) != self.in_channels:
            raise ValueError(f"features have shape {tuple(features.shape)}; this model takes [N, {self.in_channels}]")
        x = self.sequence(self.embed(features).relu(), _places(data), getattr(data, "batch", None))
        return x, None if self.proposal is None else self.proposal(x, data.edge_index)

    def forward(self, data: Data) -> ProteinOutput:
        """Predict the terms of a chain or of a batch of chains.

        Args:
            data: ``features``, ``pos``, ``secondary`` and ``edge_index`` of the residues, as ``contact_graph`` makes
                them; of a PyG batch also ``batch``.

        Returns:
            Logits ``[B, num_terms]`` and what they rest on.

        Raises:
            ValueError: for features of another width.
        """
        x, proposal = self.propose(data)
        edges, weight = data.edge_index, x.new_ones(data.edge_index.size(1))
        batch = data.batch if getattr(data, "batch", None) is not None else x.new_zeros(x.size(0), dtype=torch.long)
        size, mask = getattr(data, "num_graphs", 1), x.new_ones(x.size(0))
        kept = torch.arange(x.size(0), device=x.device)
        if proposal is not None:
            x, mask, weight = proposal.features, proposal.mask, proposal.edge_weight
        if self.node_drop is not None:
            pooled = self.node_drop(
                x, edges, data.pos, _is_structured(data.secondary), mask, batch, edge_weight=weight, batch_size=size
            )
            x, edges, weight, batch = pooled.x, pooled.edge_index, pooled.edge_weight, pooled.batch
            kept = pooled.kept.nonzero().flatten()
        if self.attention is not None:
            x = x + self.attention(x, edges, mask.index_select(0, kept), weight)
        xs = self._convolve(x, edges)
        embedding = self.norm(self.readout(xs, batch, batch_size=size))
        return ProteinOutput(self.head(embedding), embedding, xs[-1], kept, proposal)

    def _convolve(self, x: Tensor, edge_index: Tensor) -> list[Tensor]:
        edges, weight = with_self_loops(edge_index, x.new_ones(edge_index.size(1)), x.size(0))
        weight = symmetric_normalised(edges, weight, x.size(0))
        neighbours, xs = Neighbours(edges, x.size(0)), [x]
        for convolution in self.convolutions:
            xs.append(xs[-1] + self.dropout(convolution(xs[-1], neighbours, weight).relu()))
        return xs


def _places(data: Data) -> Tensor:
    """Place of each residue in its chain; the order of the rows where the graph does not say."""
    place: Tensor | None = getattr(data, "place", None)
    if place is not None:
        return place
    rows = torch.arange(data.num_nodes, device=data.edge_index.device)
    ptr = getattr(data, "ptr", None)
    return rows if ptr is None else rows - ptr[data.batch]


def _is_structured(secondary: Tensor) -> Tensor:
    return torch.isin(secondary, torch.tensor(_HELIX_AND_STRAND, device=secondary.device))
