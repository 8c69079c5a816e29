"""Readouts assembled from PyTorch Geometric's parts, with the signature of the others."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch_geometric.nn import JumpingKnowledge
from torch_geometric.nn.aggr import Aggregation
from torch_geometric.nn.inits import reset
from torch_geometric.nn.resolver import aggregation_resolver

from graphlearn.nn.readout.segments import Segments, check_history


class JumpingReadout(nn.Module):
    """PyG's JumpingKnowledge over layers, then any of PyG's aggregations over nodes.

    A graph's vector depends neither on the others of the batch nor on the order of the nodes wherever that holds for
    the aggregation: for sums, means, extremes, quantiles, Set2Set, attention and transformers of sets. Of PyG's others,
    LSTM, GRU, LCM, MLP and PatchTransformer read the nodes in their order; LSTM, GRU and LCM go on over the padding to
    the largest graph of the batch; Equilibrium minimises over the batch; Sort fills up with a number from all graphs,
    which is NaN if one of them holds a NaN.

    Args:
        channels: Channels of the layers.
        num_layers: Layers L of the history.
        jk: ``last`` (the last layer alone), ``cat`` (with a linear map back to ``channels``), ``max`` or ``lstm``.
        aggr: An aggregation of PyG, or its name: ``mean``, ``sum``, ``max``, ...; None at node level.

    Shapes:
        - xs: L tensors ``[N, channels]``; output: ``[B, hidden_channels]``, or ``[N, hidden_channels]`` without
          aggregation. ``hidden_channels`` are ``channels``, or what the aggregation makes of them

    Source: Xu et al., Representation Learning on Graphs with Jumping Knowledge Networks (arXiv 1806.03536).
    """

    def __init__(
        self, channels: int, num_layers: int, *, jk: str = "last", aggr: str | Aggregation | None = "mean"
    ) -> None:
        super().__init__()
        if jk not in ("last", "cat", "max", "lstm"):
            raise ValueError(f"jk={jk!r}; choose 'last', 'cat', 'max' or 'lstm'")
        self.channels = channels
        self.num_layers, self.mode = num_layers, jk
        self.jk = None if jk == "last" else JumpingKnowledge(jk, channels, num_layers)
        self.project = nn.Linear(num_layers * channels, channels) if jk == "cat" else None
        self.aggr = aggregation_resolver(aggr) if isinstance(aggr, str) else aggr
        self.hidden_channels = channels if self.aggr is None else _width(self.aggr, channels)

    def reset_parameters(self) -> None:
        """Initialise all weights again."""
        for module in (self.jk, self.project, self.aggr):
            reset(module)

    def forward(self, xs: Sequence[Tensor], batch: Tensor | None = None, *, batch_size: int | None = None) -> Tensor:
        """Join the layers of each node, then aggregate the nodes of each graph.

        Args:
            xs: Output of every layer, ``[N, channels]`` each.
            batch: Graph of each node, ``[N]``, in any order; None for a single graph.
            batch_size: Number of graphs B; by default one more than the largest in ``batch``.

        Returns:
            ``[B, hidden_channels]``, zeros for a graph without nodes; ``[N, hidden_channels]`` without aggregation.

        Raises:
            ValueError: for other shapes, or another number of layers.
        """
        check_history(xs, self.channels, None if self.jk is None else self.num_layers)
        x = xs[-1] if self.jk is None else self.jk(list(xs))
        x = x if self.project is None else self.project(x)
        if self.aggr is None:
            return x
        segments = Segments.of(x, batch, batch_size)
        if not len(x):
            return x.new_zeros(segments.counts.size(0), self.hidden_channels)
        order = torch.argsort(segments.batch, stable=True)
        out = self.aggr(x.index_select(0, order), segments.batch[order], dim_size=segments.counts.size(0))
        return torch.where(segments.counts[:, None] > 0, out, 0.0)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.channels}, {self.num_layers}, jk={self.mode!r}, aggr={self.aggr})"


@torch.no_grad()
def _width(aggr: Aggregation, channels: int) -> int:
    """Channels that an aggregation makes of these, by trying a copy on two nodes."""
    trial = copy.deepcopy(aggr).eval()
    if any(p.is_meta for p in trial.parameters()):
        trial = trial.to_empty(device="cpu")
    like = next(trial.parameters(), torch.empty(0, device="cpu"))
    nodes, index = like.new_zeros(2, channels), torch.zeros(2, dtype=torch.long, device=like.device)
    with torch.random.fork_rng(devices=[]):
        return int(trial(nodes, index, dim_size=1).size(-1))
