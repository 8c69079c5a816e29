"""Weighted sums over neighbours as sparse matrix products, with gradients for features and weights."""

from __future__ import annotations

import warnings
from functools import cached_property
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor


class Neighbours:
    r"""Edges as the pattern of a sparse matrix, made once for all sums over them.

    One row of features per edge is never made, neither forward nor backward. Differentiable any number of times. Half
    precision is computed in float32.

    Args:
        edge_index: Edges from source to target, in any order, ``[2, E]``.
        num_nodes: Number of nodes N.

    Example:
        >>> neighbours = Neighbours(torch.tensor([[0, 1, 2], [1, 2, 1]]), 3)
        >>> neighbours.sum(torch.tensor([[1.0], [10.0], [100.0]]), torch.tensor([1.0, 2.0, 3.0]))
        tensor([[  0.],
                [301.],
                [ 20.]])
    """

    def __init__(self, edge_index: Tensor, num_nodes: int) -> None:
        self.edge_index, self.num_nodes = edge_index, num_nodes

    def sum(self, x: Tensor, edge_weight: Tensor) -> Tensor:
        r"""Sum of the weighted features of the nodes from which edges enter, :math:`y_i = \sum_{(j, i)} w_{ji} x_j`.

        Args:
            x: Features, ``[N, C]``.
            edge_weight: Weights, ``[E]``.

        Returns:
            Sums, ``[N, C]``, in the type of ``x``.
        """
        kind = torch.promote_types(torch.promote_types(x.dtype, edge_weight.dtype), torch.float32)
        with torch.autocast(x.device.type, enabled=False):
            return _apply(_Sum, edge_weight.to(kind), x.to(kind), self, False).to(x.dtype)

    @cached_property
    def into(self) -> _Pattern:
        """One row per target."""
        return _Pattern.of(self.edge_index[1], self.edge_index[0], self.num_nodes)

    @cached_property
    def out_of(self) -> _Pattern:
        """One row per source."""
        return _Pattern.of(self.edge_index[0], self.edge_index[1], self.num_nodes)


def _apply(function: Any, a: Tensor, b: Tensor, edges: Neighbours, backwards: bool) -> Tensor:
    """Call a function with a gradient of its own, which torch leaves without types."""
    return cast(Tensor, function.apply(a, b, edges, backwards))


class _Sum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, weight: Tensor, x: Tensor, edges: Neighbours, backwards: bool) -> Tensor:
        ctx.save_for_backward(weight, x)
        ctx.edges, ctx.backwards = edges, backwards
        return (edges.out_of if backwards else edges.into).matrix(weight) @ x

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        (gradient,), (weight, x), edges, back = gradients, ctx.saved_tensors, ctx.edges, ctx.backwards
        for_weight = _apply(_Dots, gradient, x, edges, back) if ctx.needs_input_grad[0] else None
        for_x = _apply(_Sum, weight, gradient, edges, not back) if ctx.needs_input_grad[1] else None
        return for_weight, for_x, None, None


class _Dots(torch.autograd.Function):
    r"""Product of the features a of the row and b of the column of each edge, :math:`s_e = a \cdot b`."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, edges: Neighbours, backwards: bool) -> Tensor:
        ctx.save_for_backward(a, b)
        ctx.edges, ctx.backwards = edges, backwards
        pattern = edges.out_of if backwards else edges.into
        zero = pattern.matrix(a.new_zeros(pattern.cell.size(0)))
        products: Tensor = torch.sparse.sampled_addmm(zero, a.contiguous(), b.T).values()
        return products[pattern.cell]

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        (gradient,), (a, b), edges, back = gradients, ctx.saved_tensors, ctx.edges, ctx.backwards
        for_a = _apply(_Sum, gradient, b, edges, back) if ctx.needs_input_grad[0] else None
        for_b = _apply(_Sum, gradient, a, edges, not back) if ctx.needs_input_grad[1] else None
        return for_a, for_b, None, None


class _Pattern(NamedTuple):
    """Cells of a sparse matrix in compressed rows; edges between the same nodes share one."""

    cell: Tensor  # of each edge
    starts: Tensor  # first cell of each row, and the number of cells
    columns: Tensor  # of each cell

    @classmethod
    def of(cls, row: Tensor, column: Tensor, size: int) -> _Pattern:
        order = torch.argsort(row * size + column, stable=True)
        rows, columns = row[order], column[order]
        fresh = torch.ones_like(rows, dtype=torch.bool)
        fresh[1:] = (rows[1:] != rows[:-1]) | (columns[1:] != columns[:-1])
        counts = torch.bincount(rows[fresh], minlength=size)
        starts = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
        return cls(torch.empty_like(order).index_copy(0, order, fresh.cumsum(0) - 1), starts, columns[fresh])

    def matrix(self, weight: Tensor) -> Tensor:
        size, values = self.starts.size(0) - 1, weight.new_zeros(self.columns.size(0)).index_add(0, self.cell, weight)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta", category=UserWarning)
            return torch.sparse_csr_tensor(self.starts, self.columns, values, (size, size), check_invariants=False)
