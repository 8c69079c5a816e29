"""The true-path rule of an ontology: who has a term has its ancestors too."""

from __future__ import annotations

import torch
from torch import Tensor


def true_path_loss(logits: Tensor, parent_edges: Tensor) -> Tensor:
    r"""How far children exceed their parents, :math:`\mathrm{mean}\, \max(0, \sigma(x_c) - \sigma(x_p))`.

    The mean is over samples and edges from child to parent; zero without any.

    Args:
        logits: Logits of the terms, ``[B, C]``.
        parent_edges: Child and parent of each relation, ``[2, M]``.

    Returns:
        The loss, ``[]``.

    Example:
        >>> logits = torch.tensor([[0.0, 2.0], [2.0, 0.0]])
        >>> true_path_loss(logits, torch.tensor([[1], [0]]))
        tensor(0.1904)
    """
    _check(logits, parent_edges)
    child, parent = parent_edges
    p = logits.sigmoid()
    excess = (p.index_select(-1, child) - p.index_select(-1, parent)).relu()
    total = excess.sum(dtype=torch.promote_types(excess.dtype, torch.float32))
    return (total / max(excess.numel(), 1)).to(excess.dtype)


def propagate_to_ancestors(probabilities: Tensor, parent_edges: Tensor) -> Tensor:
    """Raise every term to the largest value among itself and its descendants.

    A value that is not a number makes those of its ancestors so, in its own row.

    Args:
        probabilities: Values of the terms, ``[B, C]``.
        parent_edges: Child and parent of each relation, ``[2, M]``; the relations between neighbours are enough.

    Returns:
        Values of the terms, ``[B, C]``.

    Example:
        >>> chain = torch.tensor([[2, 1], [1, 0]])
        >>> propagate_to_ancestors(torch.tensor([[0.1, 0.2, 0.7]]), chain)
        tensor([[0.7000, 0.7000, 0.7000]])
    """
    _check(probabilities, parent_edges)
    child, parent = parent_edges
    to_parent = parent.expand(*probabilities.shape[:-1], -1)
    while True:
        raised = probabilities.scatter_reduce(-1, to_parent, probabilities.index_select(-1, child), "amax")
        if bool(((raised == probabilities) | (raised.isnan() & probabilities.isnan())).all()):
            return probabilities
        probabilities = raised


def _check(values: Tensor, parent_edges: Tensor) -> None:
    if parent_edges.dim() != 2 or parent_edges.size(0) != 2:
        raise ValueError(f"parent_edges has shape {tuple(parent_edges.shape)}; expected [2, M], child and parent")
    if parent_edges.numel() and not 0 <= int(parent_edges.min()) <= int(parent_edges.max()) < values.size(-1):
        raise ValueError(
            f"parent_edges names terms {int(parent_edges.min())} to {int(parent_edges.max())}, "
            f"but there are {values.size(-1)} terms, from 0 on"
        )
