"""graphlearn's layers on DGL graphs, and graphs from DGL to PyG and back.

Needs the extra ``graphlearn[dgl]``: DGL 1.1.3 on Python 3.11 and Linux, CPU only (its packages for the GPU come from
elsewhere). ``dgl.sparse`` and GraphBolt do not work beside this torch, and nothing here uses them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch_geometric.data import Batch, Data, HeteroData

from graphlearn.nn import EdgeRotation, SO2Attention

if TYPE_CHECKING:
    from dgl import DGLGraph


def batch_vector(graph: DGLGraph) -> tuple[Tensor, int]:
    """Graph of each node of a batched DGL graph, ``[N]``, and the number of graphs; graphs without nodes count."""
    counts = graph.batch_num_nodes()
    return torch.repeat_interleave(torch.arange(len(counts), device=counts.device), counts), len(counts)


def read_out(readout: nn.Module, graph: DGLGraph, xs: Sequence[Tensor], **options: Any) -> Any:
    """Apply a readout of :mod:`graphlearn.nn` to the layer outputs of a DGL network.

    Args:
        readout: For example a :class:`~graphlearn.nn.HistoryReadout`.
        graph: A graph, or the result of ``dgl.batch``.
        xs: Output of every layer, ``[N, channels]``, in the graph's node order.
        **options: Passed on, for example ``return_attention=True``.

    Returns:
        What the readout gives: ``[B, channels]`` at level ``graph``.

    Example:
        >>> import dgl
        >>> from graphlearn.nn import HistoryReadout
        >>> graph = dgl.batch([dgl.rand_graph(5, 12), dgl.rand_graph(3, 6)])
        >>> read_out(HistoryReadout(16), graph, [torch.randn(8, 16) for _ in range(3)]).shape
        torch.Size([2, 16])
    """
    batch, size = batch_vector(graph)
    return readout(list(xs), batch, batch_size=size, **options)


def attend(
    attention: SO2Attention, graph: DGLGraph, x: Tensor, edge_vectors: Tensor, scalars: Tensor,
    edge_features: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Apply OrbEvo's attention along the edges of a DGL graph.

    Args:
        attention: The layer.
        graph: Edges j -> i carry messages from j to i, as in DGL.
        x: Node features, ``[N, (lmax+1)**2, channels]`` or ``[N, S, (lmax+1)**2, channels]``.
        edge_vectors: Position of i minus position of j for each edge, in the order of edge ids, ``[E, 3]``.
        scalars: Invariant edge features, ``[E, edge_scalars]``.
        edge_features: Equivariant edge features, ``[E, (lmax+1)**2, edge_channels]``.

    Returns:
        Like x, with the layer's output channels.
    """
    source, target = graph.edges(order="eid")
    rotation = EdgeRotation(edge_vectors, attention.lmax)
    return attention(x, torch.stack([source, target]), rotation, scalars, edge_features)


def to_dgl(data: Data | Batch | HeteroData) -> DGLGraph:
    """A DGL graph of a PyG graph, batch or heterogeneous graph: same node and edge order, same features.

    A batch becomes a batched graph, so that ``dgl.unbatch`` gives its graphs; its vector ``batch`` is implied by that.
    Attributes of the whole graph, for example ``y``, have no place in DGL and are left out.

    Args:
        data: A graph, a batch or a heterogeneous graph of PyG.

    Returns:
        The same graph of DGL.

    Raises:
        ValueError: if the nodes or edges of a batch do not come graph by graph.
    """
    from torch_geometric.utils import to_dgl as convert

    if isinstance(data, HeteroData):
        return _hetero_to_dgl(data)
    plain = Data(edge_index=data.edge_index, num_nodes=data.num_nodes)
    for key, value in data.to_dict().items():
        owned = isinstance(value, Tensor) and key not in ("edge_index", "batch", "ptr", "y")
        if owned and (data.is_node_attr(key) or data.is_edge_attr(key)):
            plain[key] = value
    graph = convert(plain)
    graph.ndata.pop("num_nodes", None)
    if data.get("batch") is not None:
        size = data.num_graphs if isinstance(data, Batch) else int(data.batch.max()) + 1
        graph.set_batch_num_nodes(_counts(data.batch, size, "nodes"))
        graph.set_batch_num_edges(_counts(data.batch[data.edge_index[0]], size, "edges"))
    return graph


def _hetero_to_dgl(data: HeteroData) -> DGLGraph:
    from torch_geometric.utils import to_dgl as convert

    plain = data.clone()
    batches = {kind: plain[kind].pop("batch") for kind in data.node_types if "batch" in data[kind]}
    for store in plain.node_stores:
        store.pop("ptr", None)
    graph = convert(plain)
    if batches:
        size = data.num_graphs if hasattr(data, "num_graphs") else max(int(b.max()) for b in batches.values()) + 1
        graph.set_batch_num_nodes({kind: _counts(batch, size, "nodes") for kind, batch in batches.items()})
        edges = {kind: batches[kind[0]][data[kind].edge_index[0]] for kind in data.edge_types}
        graph.set_batch_num_edges({kind: _counts(owner, size, "edges") for kind, owner in edges.items()})
    return graph


def _counts(owner: Tensor, size: int, what: str) -> Tensor:
    if bool((owner.diff() < 0).any()):
        raise ValueError(f"a DGL batch holds its graphs one after another; sort the {what} by their graph first")
    return torch.bincount(owner, minlength=size)


def from_dgl(graph: DGLGraph) -> Data | Batch | HeteroData:
    """A PyG graph of a DGL graph: same node and edge order, same features; batched graphs get a ``batch`` vector.

    Features with the name ``x`` or ``edge_attr`` take PyG's place of that name.
    """
    from torch_geometric.utils import from_dgl as convert

    data = convert(graph)
    if isinstance(data, HeteroData):
        for kind in graph.ntypes if graph.batch_size > 1 else ():
            counts = graph.batch_num_nodes(kind)
            data[kind].batch = torch.repeat_interleave(torch.arange(len(counts)), counts)
        return data
    data.num_nodes = graph.num_nodes()
    if graph.batch_size == 1:
        return data
    batch, size = batch_vector(graph)
    counts = graph.batch_num_nodes()
    result = Batch(**data.to_dict(), batch=batch, ptr=torch.cat([counts.new_zeros(1), counts.cumsum(0)]))
    result._num_graphs = size
    return result
