"""A message-passing network whose readout sees every layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch_geometric.nn import BatchNorm, GCNConv, GINConv
from torch_geometric.nn.aggr import AttentionalAggregation, GraphMultisetTransformer, SetTransformerAggregation
from torch_geometric.nn.conv.gcn_conv import gcn_norm

from graphlearn.nn.readout import GroupedMeanReadout, HistoryReadout, JumpingReadout, MultilayerReadout

READOUTS = (
    "history", "mean", "max", "jk_cat", "jk_max", "jk_lstm", "attention", "gmt", "set_transformer", "grouped_mean",
    "multilayer",
)  # fmt: skip


def make_readout(name: str, channels: int, num_layers: int, *, level: str = "graph", **options: Any) -> nn.Module:
    """A readout by name, for ``num_layers`` tensors of ``channels``.

    Args:
        name: One of ``READOUTS``.
        channels: Channels of the layers and of the output.
        num_layers: Length of the history.
        level: ``graph`` or ``node``; the latter for ``history``, ``mean`` (the last layer alone) and ``jk_*``.
        **options: Arguments of the readout.

    Returns:
        A module that takes the history, and ``batch``.

    Raises:
        ValueError: for an unknown name, or one that does not exist at this level.
    """
    if name not in READOUTS:
        raise ValueError(f"unknown readout {name!r}; choose one of {', '.join(READOUTS)}")
    if name == "history":
        return HistoryReadout(channels, level=level, **options)
    jk = name.removeprefix("jk_") if name.startswith("jk_") else "last"
    if name in ("mean", "max") or name.startswith("jk_"):
        pool = "max" if name == "max" else "mean"
        return JumpingReadout(channels, num_layers, jk=jk, aggr=pool if level == "graph" else None, **options)
    if level == "node":
        raise ValueError(f"readout {name!r} gives one vector per graph; at level 'node' use history, mean or jk_*")
    if name == "grouped_mean":
        return GroupedMeanReadout(channels, **options)
    if name == "multilayer":
        return MultilayerReadout(channels, **options)
    if name == "attention":
        aggr = AttentionalAggregation(nn.Linear(channels, 1), **options)
    elif name == "gmt":
        aggr = GraphMultisetTransformer(channels, **{"k": 8, "heads": 4, **options})
    else:
        aggr = SetTransformerAggregation(channels, **{"heads": 4, **options})
    return JumpingReadout(channels, num_layers, aggr=aggr)


class HistographGNN(nn.Module):
    r"""GIN or GCN layers and a readout of all their outputs.

    .. math::
        x_0 = \mathrm{Linear}(F), \\
        x_l = \mathrm{dropout}(\mathrm{ReLU}(\mathrm{norm}(\mathrm{conv}_l(x_{l-1})))), \\
        y = \mathrm{MLP}(\mathrm{readout}(x_0, \dots, x_L))

    Args:
        in_channels: Width of the node features F; or the number of values of each integer feature (their embeddings are
            added).
        out_channels: Classes, or targets.
        channels: Width of the layers.
        num_layers: Message-passing layers; the history holds one more, the input.
        conv: ``gin`` (two-layer perceptron) or ``gcn``.
        norm: ``batch`` or None.
        readout: A name of :data:`READOUTS`.
        readout_options: Arguments of the readout.
        level: ``graph`` or ``node``.
        dropout: Dropout after every layer and in the head.
        input_dropout: Dropout of the node features, where they are not integers.

    Shapes:
        - x: ``[N, F]``; edge_index: ``[2, E]``; batch: ``[N]``
        - output: ``[B, out_channels]``, or ``[N, out_channels]``

    Source: Galron et al., arXiv 2601.01123; GIN: arXiv 1810.00826; GCN: arXiv 1609.02907.
    """

    def __init__(
        self,
        in_channels: int | Sequence[int],
        out_channels: int,
        *,
        channels: int = 64,
        num_layers: int = 5,
        conv: str = "gin",
        norm: str | None = "batch",
        readout: str = "history",
        readout_options: dict[str, Any] | None = None,
        level: str = "graph",
        dropout: float = 0.0,
        input_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if conv not in ("gin", "gcn"):
            raise ValueError(f"conv={conv!r}; choose 'gin' or 'gcn'")
        if norm not in ("batch", None):
            raise ValueError(f"norm={norm!r}; choose 'batch' or None")
        if input_dropout and not isinstance(in_channels, int):
            raise ValueError(f"input_dropout={input_dropout} has no effect on integer features, which are embedded")
        self.config = {
            "in_channels": in_channels if isinstance(in_channels, int) else list(in_channels),
            "out_channels": out_channels, "channels": channels, "num_layers": num_layers, "conv": conv, "norm": norm,
            "readout": readout, "readout_options": readout_options, "level": level, "dropout": dropout,
            "input_dropout": input_dropout,
        }  # fmt: skip
        self.conv = conv
        self.embed = (
            nn.Linear(in_channels, channels)
            if isinstance(in_channels, int)
            else nn.ModuleList(nn.Embedding(size, channels) for size in in_channels)
        )
        self.input_dropout = nn.Dropout(input_dropout)
        self.convs = nn.ModuleList(
            GCNConv(channels, channels, normalize=False) if conv == "gcn" else GINConv(_perceptron(channels, norm))
            for _ in range(num_layers)
        )
        self.norms = nn.ModuleList(BatchNorm(channels) if norm else nn.Identity() for _ in range(num_layers))
        self.dropout = nn.Dropout(dropout)
        self.readout = make_readout(readout, channels, num_layers + 1, level=level, **(readout_options or {}))
        self.head = nn.Sequential(
            nn.Linear(cast(int, self.readout.hidden_channels), channels), nn.ReLU(), nn.Dropout(dropout),
            nn.Linear(channels, out_channels),
        )  # fmt: skip

    def history(self, x: Tensor, edge_index: Tensor) -> list[Tensor]:
        """Output of the input layer and of every message-passing layer.

        Args:
            x: Node features, ``[N, F]``; integers where they are embedded.
            edge_index: Source and target, ``[2, E]``.

        Returns:
            ``num_layers + 1`` tensors ``[N, channels]``.
        """
        if isinstance(self.embed, nn.ModuleList):
            x = torch.stack([embed(column) for embed, column in zip(self.embed, x.unbind(1), strict=True)]).sum(0)
        else:
            x = self.embed(self.input_dropout(x))
        extra: tuple[Tensor, ...] = ()
        if self.conv == "gcn":
            edge_index, weight = gcn_norm(edge_index, None, x.size(0), dtype=x.dtype)
            extra = (weight,)
        xs = [x]
        for conv, norm in zip(self.convs, self.norms, strict=True):
            xs.append(self.dropout(norm(conv(xs[-1], edge_index, *extra)).relu()))
        return xs

    def forward(
        self,
        x: Tensor,
        edge_index: Tensor,
        batch: Tensor | None = None,
        *,
        batch_size: int | None = None,
        **sizes: int | None,
    ) -> Tensor:
        """Predict the classes or targets of graphs or nodes.

        Args:
            x: Node features, ``[N, F]``; integers where they are embedded.
            edge_index: Source and target, ``[2, E]``.
            batch: Graph of each node, ``[N]``; one graph by default.
            batch_size: Number of graphs B.
            **sizes: For the readout (``max_num_nodes``).

        Returns:
            Logits of the classes, or values of the targets, ``[B, out_channels]``; at level ``node``
            ``[N, out_channels]``.
        """
        out: Tensor = self.head(self.readout(self.history(x, edge_index), batch, batch_size=batch_size, **sizes))
        return out


def _perceptron(channels: int, norm: str | None) -> nn.Module:
    middle = BatchNorm(channels) if norm else nn.Identity()
    return nn.Sequential(nn.Linear(channels, channels), middle, nn.ReLU(), nn.Linear(channels, channels))
