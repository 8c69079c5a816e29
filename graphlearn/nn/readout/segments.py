"""Graphs of a batch as segments: sizes, means, and padded groups of like size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

PADDED_CELLS = 2**13


@dataclass(frozen=True)
class Segments:
    """Which node belongs to which graph; the order of the batch vector does not matter.

    Attributes:
        batch: Graph of each node, ``[N]``.
        counts: Nodes of each graph, ``[B]``.
    """

    batch: Tensor
    counts: Tensor

    @classmethod
    def of(cls, x: Tensor, batch: Tensor | None, batch_size: int | None) -> Segments:
        """Segments of the nodes ``x``.

        Args:
            x: Features of the nodes, ``[N, ...]``.
            batch: Graph of each node, ``[N]``, in any order; None for a single graph.
            batch_size: Number of graphs; by default one more than the largest in ``batch``.

        Returns:
            The segments.

        Raises:
            ValueError: if ``batch`` does not hold one whole number per node, or names a graph outside ``batch_size``.
        """
        if batch is None:
            batch = x.new_zeros(x.size(0), dtype=torch.long)
            return cls(batch, batch.new_zeros(batch_size or 1).index_fill(0, batch.new_zeros(1), x.size(0)))
        if batch.dim() != 1 or batch.size(0) != x.size(0):
            raise ValueError(f"batch has shape {tuple(batch.shape)}, but there are {x.size(0)} nodes")
        if batch.dtype not in (torch.int64, torch.int32):
            raise ValueError(f"batch holds {batch.dtype}; expected the graph of each node, int64")
        if batch_size is None or not torch.compiler.is_compiling():
            batch_size = _checked_size(batch, batch_size)
        counts = batch.new_zeros(batch_size).index_add(0, batch, torch.ones_like(batch))
        return cls(batch, counts)

    def mean(self, x: Tensor) -> Tensor:
        """Mean over the nodes of each graph, ``[N, ...] -> [B, ...]``, summed in float32 at least; zero if empty."""
        values = x.to(torch.promote_types(x.dtype, torch.float32))
        total = values.new_zeros(self.counts.size(0), *x.shape[1:]).index_add(0, self.batch, values)
        return (total / self.counts.clamp(min=1).to(total.dtype).view(-1, *[1] * (x.dim() - 1))).to(x.dtype)

    def to_nodes(self, x: Tensor) -> Tensor:
        """Give every node the row of its graph, ``[B, ...] -> [N, ...]``."""
        return x.index_select(0, self.batch)

    def padded(self, max_num_nodes: int | None = None) -> Iterator[PaddedGroup]:
        """Groups of graphs of like size; every node is in exactly one.

        Args:
            max_num_nodes: Largest graph. If given, there is one group, whose shape does not depend on the data, as
                ``torch.compile`` needs it; graphs of more nodes raise, or become NaN in compiled code.
        """
        if not self.batch.size(0):
            return
        order = torch.argsort(self.batch, stable=True)
        starts = self.counts.cumsum(0) - self.counts
        if max_num_nodes is not None:
            if not torch.compiler.is_compiling() and int(self.counts.max()) > max_num_nodes:
                raise ValueError(f"a graph has {int(self.counts.max())} nodes, but max_num_nodes is {max_num_nodes}")
            yield PaddedGroup.of(order, starts, self.counts, max_num_nodes)
            return
        by_size = torch.argsort(self.counts, stable=True)
        sizes: list[int] = self.counts.index_select(0, by_size).tolist()
        for first, last in group_sizes(sizes):
            graphs = by_size[first:last]
            yield PaddedGroup.of(order, starts[graphs], self.counts[graphs], sizes[last - 1])


@dataclass(frozen=True)
class PaddedGroup:
    """G graphs padded to m nodes.

    Attributes:
        nodes: Node of each slot, ``[G, m]``; the first of the same graph in slots of the padding, so that nothing
            that is not finite gets into the attention of another graph.
        filled: Whether a slot holds a node, ``[G, m]``.
        counts: Nodes of each graph, ``[G]``.
    """

    nodes: Tensor
    filled: Tensor
    counts: Tensor

    @classmethod
    def of(cls, order: Tensor, starts: Tensor, counts: Tensor, size: int) -> PaddedGroup:
        """Slots of graphs that are padded to one size.

        Args:
            order: Nodes sorted by graph, ``[N]``.
            starts: Where each graph of the group begins in ``order``, ``[G]``.
            counts: Nodes of each graph of the group, ``[G]``.
            size: Slots m per graph.

        Returns:
            The slots.
        """
        slots = torch.arange(size, device=order.device)
        filled, starts = slots < counts[:, None], starts[:, None]
        nodes = order[torch.where(filled, starts + slots, starts).clamp(max=order.size(0) - 1)]
        return cls(nodes, filled, counts)

    @property
    def keys(self) -> Tensor:
        """Slots to attend to, ``[G, 1, 1, m]``; all of an empty graph's, so that no row of attention is without any."""
        return (self.filled | (self.counts == 0)[:, None])[:, None, None]


def _checked_size(batch: Tensor, batch_size: int | None) -> int:
    """Number of graphs."""
    if not batch.numel():
        return batch_size or 0
    low, high = torch.stack(batch.aminmax()).tolist()
    if low < 0:
        raise ValueError(f"batch names graph {low}; graphs are counted from 0")
    if batch_size is not None and high >= batch_size:
        raise ValueError(f"batch names graph {high}, but batch_size is {batch_size}")
    return high + 1 if batch_size is None else batch_size


def from_slots(rows: Sequence[Tensor], groups: Sequence[PaddedGroup], like: Tensor) -> Tensor:
    """Rows of the slots of all groups, in the order of the nodes.

    Args:
        rows: ``[G m, C]`` for each group.
        groups: Which node each slot holds.
        like: Gives the number of nodes, and the result where there is no group, ``[N, C]``.

    Returns:
        ``[N, C]``; in compiled code NaN for a node without a slot.
    """
    if not rows:
        return like
    flat = rows[0] if len(rows) == 1 else torch.cat(list(rows))
    nodes = torch.cat([torch.where(g.filled, g.nodes, like.size(0)).reshape(-1) for g in groups])
    slot = torch.full((like.size(0) + 1,), -1, device=like.device)
    slot = slot.index_copy(0, nodes, torch.arange(nodes.size(0), device=like.device))[:-1]
    found = flat.index_select(0, slot.clamp(min=0))
    return torch.where((slot >= 0)[:, None], found, torch.nan) if torch.compiler.is_compiling() else found


def group_sizes(sizes: list[int]) -> list[tuple[int, int]]:
    """Cut ascending sizes into runs, each padded to its largest; graphs without nodes are in none.

    A run ends where one more graph would make the attention of the graphs before it dearer, in cells of their score
    matrices, than one more call.
    """
    first = next((i for i, size in enumerate(sizes) if size), len(sizes))
    runs = []
    used = 0
    for i in range(first, len(sizes)):
        used += sizes[i] ** 2
        if (i - first + 1) * sizes[i] ** 2 - used > PADDED_CELLS:
            runs.append((first, i))
            first, used = i, sizes[i] ** 2
    if first < len(sizes):
        runs.append((first, len(sizes)))
    return runs


def check_history(xs: Sequence[Tensor], channels: int | Sequence[int], num_layers: int | None = None) -> None:
    """Refuse a history with another number of layers or other widths.

    Args:
        xs: Output of every layer, ``[N, channels]`` each.
        channels: Width of all layers, or of each.
        num_layers: Number of layers; None for any.

    Raises:
        ValueError: for another number or width, or layers with different numbers of nodes.
    """
    if not xs:
        raise ValueError("the history is empty; give a list with the output of every layer")
    num_layers = num_layers if isinstance(channels, int) else len(channels)
    if num_layers is not None and len(xs) != num_layers:
        raise ValueError(f"got {len(xs)} layers; this readout was built for {num_layers}")
    for layer, x in enumerate(xs):
        width = channels if isinstance(channels, int) else channels[layer]
        if x.dim() != 2 or x.size(1) != width or x.size(0) != xs[0].size(0):
            raise ValueError(f"layer {layer} has shape {tuple(x.shape)}; expected [{xs[0].size(0)}, {width}]")
