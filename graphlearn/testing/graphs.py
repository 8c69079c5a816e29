"""Does the order of the nodes, or the company of other graphs, change a prediction?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Batch, Data

from graphlearn.testing.precision import relative_error


@torch.no_grad()
def assert_permutation_invariant(
    function: Callable[[Any], Tensor],
    data: Data,
    *,
    level: str = "graph",
    permutations: int = 3,
    tolerance: float = 1e-5,
    seed: int = 0,
) -> float:
    """Assert that renumbering the nodes, and shuffling the edges, changes nothing but the order of the output.

    Args:
        function: From a ``Data`` or ``Batch`` of PyG to a tensor, for example
            ``lambda d: model(d.x, d.edge_index, d.batch)``; modules in evaluation mode.
        data: The graph or batch; node attributes are those with one row per node, edge attributes those with one
            per edge.
        level: ``graph`` if the output must stay as it is; ``node`` if its rows must follow the nodes.
        permutations: Number of random permutations. The batch vector is permuted as well, so that it is not sorted.
        tolerance: Largest difference, relative to the largest value.
        seed: Seed of the permutations.

    Returns:
        The largest relative difference.

    Raises:
        AssertionError: if it is above the tolerance.
    """
    if level not in ("graph", "node"):
        raise ValueError(f"level={level!r}; choose 'graph' or 'node'")
    generator = torch.Generator().manual_seed(seed)
    reference, worst = function(data), 0.0
    for _ in range(permutations):
        order = torch.randperm(int(data.num_nodes or 0), generator=generator)
        output = function(_permuted(data, order, generator))
        worst = max(
            worst, relative_error(output, reference[order.to(reference.device)] if level == "node" else reference)
        )
    if not worst <= tolerance:
        raise AssertionError(
            f"the order of the nodes matters: relative difference {worst:.1e}, allowed {tolerance:.1e}"
        )
    return worst


@torch.no_grad()
def assert_batch_independent(
    function: Callable[[Any], Tensor],
    graphs: Sequence[Data],
    *,
    level: str = "graph",
    tolerance: float = 1e-5,
) -> float:
    """Assert that the prediction for a graph alone is that in any batch, at any place, with any others.

    Args:
        function: From a ``Batch`` of PyG to a tensor; modules in evaluation mode.
        graphs: Graphs of different sizes, at least two.
        level: ``graph`` for one row per graph, ``node`` for one per node.
        tolerance: Largest difference, relative to the largest value.

    Returns:
        The largest relative difference.

    Raises:
        AssertionError: if it is above the tolerance; it names the graph.
    """
    if len(graphs) < 2:
        raise ValueError("give at least two graphs")
    alone = [function(Batch.from_data_list([g])) for g in graphs]
    worst = 0.0
    for order in (list(range(len(graphs))), list(range(len(graphs)))[::-1], [*range(1, len(graphs)), 0]):
        output = function(Batch.from_data_list([graphs[i] for i in order]))
        rows = [1 if level == "graph" else int(graphs[i].num_nodes or 0) for i in order]
        for i, part in zip(order, output.split(rows), strict=True):
            error = relative_error(part, alone[i])
            worst = max(worst, error)
            if not error <= tolerance:
                raise AssertionError(
                    f"graph {i} depends on what else is in the batch: relative difference {error:.1e}, "
                    f"allowed {tolerance:.1e}"
                )
    return worst


def _permuted(data: Data, order: Tensor, generator: torch.Generator) -> Data:
    position = torch.empty_like(order)
    position[order] = torch.arange(len(order))
    device = data.edge_index.device
    order, position = order.to(device), position.to(device)
    result = data.clone()
    edges = torch.randperm(data.num_edges, generator=generator).to(device)
    for key, value in data.to_dict().items():
        if not isinstance(value, Tensor) or key == "ptr":
            continue
        if key == "edge_index":
            result[key] = position[value][:, edges]
        elif key == "batch" or data.is_node_attr(key):
            result[key] = value[order]
        elif data.is_edge_attr(key):
            result[key] = value[edges]
    return result
