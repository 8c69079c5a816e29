"""Many small graphs in a few long tensors, so that a batch is a gather and not a Python loop."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch_geometric.data import Batch, Data

# What reading a damaged file raises.
DAMAGED = (
    OSError,
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    csv.Error,
)


@dataclass(frozen=True)
class GraphTable:
    """A data set of graphs held in memory.

    Attributes:
        name: Name of the data set.
        x: Node features, ``[N, F]``: floats, or integers for categories.
        edge_index: Both directions of every edge, numbered within each graph, ``[2, E]``.
        counts: Nodes of each graph, ``[G]``.
        edge_counts: Entries of ``edge_index`` of each graph, ``[G]``.
        y: Class of each graph, int ``[G]``; or targets, float ``[G, T]`` with NaN where one is missing.
        edge_attr: Edge features, ``[E, K]``, or None.
    """

    name: str
    x: Tensor
    edge_index: Tensor
    counts: Tensor
    edge_counts: Tensor
    y: Tensor
    edge_attr: Tensor | None = None
    _starts: Tensor = field(init=False, repr=False)
    _edge_starts: Tensor = field(init=False, repr=False)

    def __post_init__(self) -> None:
        sizes = {"counts": len(self.counts), "edge_counts": len(self.edge_counts), "y": len(self.y)}
        if len(set(sizes.values())) > 1:
            raise ValueError(f"{self.name}: one entry per graph is needed, but there are {sizes}")
        totals = (int(self.counts.sum()), int(self.edge_counts.sum()))
        if totals != (self.x.size(0), self.edge_index.size(1)):
            raise ValueError(
                f"{self.name}: the graphs have {totals[0]} nodes and {totals[1]} edges, "
                f"but x has {self.x.size(0)} rows and edge_index {self.edge_index.size(1)} columns"
            )
        object.__setattr__(self, "_starts", self.counts.cumsum(0) - self.counts)
        object.__setattr__(self, "_edge_starts", self.edge_counts.cumsum(0) - self.edge_counts)

    @classmethod
    def from_graphs(cls, name: str, graphs: Iterable[Data]) -> GraphTable:
        """Take the graphs of a PyG data set.

        Args:
            name: Of the data set.
            graphs: Its graphs.

        Returns:
            The table.

        Raises:
            ValueError: if a graph has no ``x``, ``edge_index`` or ``y``.
        """
        graphs = list(graphs)
        for key in ("x", "edge_index", "y"):
            if any(getattr(g, key, None) is None for g in graphs):
                raise ValueError(f"{name}: a graph has no {key}; add it, for example with a transform of PyG")
        edges = [g.edge_index for g in graphs]
        attr = [g.edge_attr for g in graphs if g.edge_attr is not None]
        y = torch.cat([g.y.view(1, -1) for g in graphs])
        return cls(
            name=name,
            x=torch.cat([g.x for g in graphs]),
            edge_index=torch.cat(edges, dim=1),
            counts=torch.tensor([g.num_nodes for g in graphs]),
            edge_counts=torch.tensor([e.size(1) for e in edges]),
            y=y.float() if y.is_floating_point() or y.size(1) > 1 else y.squeeze(1),
            edge_attr=torch.cat(attr) if len(attr) == len(graphs) else None,
        )

    def __len__(self) -> int:
        return self.counts.size(0)

    @property
    def num_outputs(self) -> int:
        """Classes of a classification, or columns of the targets."""
        return self.y.size(1) if self.y.dim() == 2 else int(self.y.max()) + 1

    def batch(self, graphs: Tensor) -> Batch:
        """The chosen graphs as one PyG batch, in that order."""
        counts, edge_counts = self.counts[graphs], self.edge_counts[graphs]
        nodes, batch = _ranges(self._starts[graphs], counts)
        edges, graph_of_edge = _ranges(self._edge_starts[graphs], edge_counts)
        ptr = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
        result = Batch(
            x=self.x[nodes],
            edge_index=self.edge_index[:, edges] + ptr[graph_of_edge],
            y=self.y[graphs],
            batch=batch,
            ptr=ptr,
        )
        if self.edge_attr is not None:
            result.edge_attr = self.edge_attr[edges]
        result._num_graphs = len(graphs)
        return result

    def batches(self, graphs: Tensor, batch_size: int, generator: torch.Generator | None = None) -> Iterator[Batch]:
        """Batches of the chosen graphs; shuffled where a generator is given.

        Args:
            graphs: Their numbers, ``[B]``.
            batch_size: Graphs per batch.
            generator: Of the order; that of ``graphs`` by default.


        Yields:
            Batches of PyG.
        """
        if generator is not None:
            graphs = graphs[torch.randperm(len(graphs), generator=generator)]
        for part in graphs.split(batch_size):
            yield self.batch(part)

    def graph(self, index: int) -> Data:
        """One graph."""
        one = self.batch(torch.tensor([index]))
        return Data(x=one.x, edge_index=one.edge_index, edge_attr=one.edge_attr, y=one.y)

    def fingerprint(self) -> str:
        """Short hash of sizes and targets in their order; equal where two copies of a set number the graphs alike."""
        content = self.counts.to(torch.int64).numpy().tobytes() + self.y.to(torch.float64).numpy().tobytes()
        return hashlib.sha256(content).hexdigest()[:16]


def _ranges(starts: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Concatenated ``start, start + 1, ...`` of each length, and which of them an entry belongs to."""
    owner = torch.repeat_interleave(torch.arange(len(lengths)), lengths)
    within = torch.arange(len(owner)) - (lengths.cumsum(0) - lengths)[owner]
    return starts[owner] + within, owner
