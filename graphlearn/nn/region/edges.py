"""Edges of a contact graph: checks, self-loops and the normalised adjacency, always as a list of edges."""

from __future__ import annotations

import torch
from torch import Tensor


def check_graph(x: Tensor, channels: int, edge_index: Tensor, edge_weight: Tensor | None = None) -> None:
    """Refuse nodes or edges of another shape, and edges that leave the graph.

    Args:
        x: Features, ``[N, channels]``.
        channels: Number of channels.
        edge_index: Edges, ``[2, E]``.
        edge_weight: Weights, ``[E]``, at least zero; None for none.

    Raises:
        ValueError: for anything else.
    """
    check_features(x, channels)
    check_edges(edge_index, x.size(0))
    if edge_weight is None:
        return
    if edge_weight.shape != edge_index.shape[1:]:
        raise ValueError(f"edge_weight has shape {tuple(edge_weight.shape)}, but there are {edge_index.size(1)} edges")
    if edge_weight.numel() and not bool((edge_weight >= 0).all()):
        raise ValueError("edge_weight holds a number that is negative or not a number")


def check_features(x: Tensor, channels: int) -> None:
    """Refuse features that are not ``[N, channels]``.

    Args:
        x: Features.
        channels: Number of channels.

    Raises:
        ValueError: for another shape.
    """
    if x.dim() != 2 or x.size(1) != channels:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected [{x.size(0) if x.dim() else 'N'}, {channels}]")


def check_edges(edge_index: Tensor, num_nodes: int) -> None:
    """Refuse edges that are not a ``[2, E]`` tensor of nodes below ``num_nodes``.

    Args:
        edge_index: Edges.
        num_nodes: Number of nodes.

    Raises:
        ValueError: for anything else.
    """
    if edge_index.dim() != 2 or edge_index.size(0) != 2:
        raise ValueError(f"edge_index has shape {tuple(edge_index.shape)}; expected [2, E]")
    if edge_index.numel() and not 0 <= int(edge_index.min()) <= int(edge_index.max()) < num_nodes:
        low, high = int(edge_index.min()), int(edge_index.max())
        raise ValueError(f"edge_index names nodes {low} to {high}, but there are {num_nodes} nodes, from 0 on")


def check_per_node(name: str, value: Tensor, num_nodes: int) -> None:
    """Refuse a value that is not one number per node.

    Args:
        name: Of the argument, for the message.
        value: The tensor.
        num_nodes: Number of nodes.

    Raises:
        ValueError: for another shape.
    """
    if value.shape != (num_nodes,):
        raise ValueError(f"{name} has shape {tuple(value.shape)}; expected [{num_nodes}], one number per node")


def with_self_loops(edge_index: Tensor, edge_weight: Tensor, num_nodes: int) -> tuple[Tensor, Tensor]:
    """Add the self-loops that are missing, behind the given edges, which stay as they are.

    A new loop weighs as much as the mean edge that enters its node, so that weights may have any scale; 1 where no
    edge of positive weight does.

    Args:
        edge_index: Edges, ``[2, E]``.
        edge_weight: Weights, ``[E]``.
        num_nodes: Number of nodes.

    Returns:
        Edges and weights, ``[2, E']`` and ``[E']``.
    """
    source, target = edge_index
    bare = torch.ones(num_nodes, dtype=torch.bool, device=edge_index.device)
    bare[source[source == target]] = False
    nodes = bare.nonzero().flatten()
    mean = mean_of_incoming(edge_weight, edge_index, num_nodes)
    mean = torch.where(mean > 0, mean, torch.ones_like(mean))
    loops = nodes.expand(2, -1)
    return torch.cat([edge_index, loops], 1), torch.cat([edge_weight, mean.index_select(0, nodes)])


def sum_of_incoming(value: Tensor, edge_index: Tensor, num_nodes: int) -> Tensor:
    """Sum over the edges that enter each node.

    Args:
        value: One row per edge, ``[E, ...]``.
        edge_index: Edges, ``[2, E]``.
        num_nodes: Number of nodes.

    Returns:
        ``[N, ...]``.
    """
    return value.new_zeros(num_nodes, *value.shape[1:]).index_add(0, edge_index[1], value)


def mean_of_incoming(value: Tensor, edge_index: Tensor, num_nodes: int) -> Tensor:
    """Mean over the edges that enter each node; zero where none does.

    Args:
        value: One number per edge, ``[E]``.
        edge_index: Edges, ``[2, E]``.
        num_nodes: Number of nodes.

    Returns:
        ``[N]``.
    """
    degree = sum_of_incoming(torch.ones_like(value), edge_index, num_nodes)
    return sum_of_incoming(value, edge_index, num_nodes) / degree.clamp(min=1)


def row_normalised(edge_index: Tensor, edge_weight: Tensor, num_nodes: int) -> Tensor:
    r"""Weights :math:`A_{ij} / \sum_m A_{im}` of the edges from j to i.

    Args:
        edge_index: Edges, ``[2, E]``.
        edge_weight: Weights A, ``[E]``.
        num_nodes: Number of nodes.

    Returns:
        ``[E]``.
    """
    total = sum_of_incoming(edge_weight, edge_index, num_nodes).clamp(min=torch.finfo(edge_weight.dtype).tiny)
    return edge_weight / total.index_select(0, edge_index[1])


def symmetric_normalised(edge_index: Tensor, edge_weight: Tensor, num_nodes: int) -> Tensor:
    r"""Weights :math:`A_{ij} / \sqrt{d_i d_j}` with :math:`d_i = \sum_m A_{im}`, those of a GCN.

    As :func:`torch_geometric.nn.conv.gcn_conv.gcn_norm`, but with gradients that add in a fixed order.

    Args:
        edge_index: Edges, ``[2, E]``.
        edge_weight: Weights A, ``[E]``.
        num_nodes: Number of nodes.

    Returns:
        ``[E]``.
    """
    total = sum_of_incoming(edge_weight, edge_index, num_nodes).clamp(min=torch.finfo(edge_weight.dtype).tiny)
    root = total.rsqrt()
    return edge_weight * root.index_select(0, edge_index[0]) * root.index_select(0, edge_index[1])


def induced_edges(edge_index: Tensor, kept: Tensor) -> tuple[Tensor, Tensor]:
    """Edges between kept nodes.

    Args:
        edge_index: Edges, ``[2, E]``.
        kept: Whether a node is kept, ``[N]``.

    Returns:
        Which edges these are, ``[E']``, and the edges with the kept nodes numbered anew, ``[2, E']``.

    Example:
        >>> path = torch.tensor([[0, 1, 2], [1, 2, 3]])
        >>> induced_edges(path, torch.tensor([False, True, True, False]))
        (tensor([1]), tensor([[0],
                [1]]))
    """
    rows = (kept[edge_index[0]] & kept[edge_index[1]]).nonzero().flatten()
    number = kept.cumsum(0) - 1
    return rows, number[edge_index[:, rows]]
