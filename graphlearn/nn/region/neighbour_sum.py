"""Weighted sums over neighbours as sparse matrix products, with gradients for features and weights."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor


def neighbour_sum(x: Tensor, edge_index: Tensor, edge_weight: Tensor) -> Tensor:
    r"""Sum of the weighted features of the nodes from which edges enter, :math:`y_i = \sum_{(j, i) \in E} w_{ji} x_j`.

    One row of features an edge is never made, neither forward nor backward: the edges become a sparse matrix in
    compressed rows. Differentiable any number of times. Half precision is computed in float32.

    Args:
        x: Features, ``[N, C]``.
        edge_index: Edges from source to target, in any order, ``[2, E]``.
        edge_weight: Weights, ``[E]``.

    Returns:
        Sums, ``[N, C]``, in the type of ``x``.

    Example:
        >>> x = torch.tensor([[1.0], [10.0], [100.0]])
        >>> neighbour_sum(x, torch.tensor([[0, 1, 2], [1, 2, 1]]), torch.tensor([1.0, 2.0, 3.0]))
        tensor([[  0.],
                [301.],
                [ 20.]])
    """
    kind = torch.promote_types(torch.promote_types(x.dtype, edge_weight.dtype), torch.float32)
    with torch.autocast(x.device.type, enabled=False):
        return cast(Tensor, _NeighbourSum.apply(edge_weight.to(kind), x.to(kind), *edge_index)).to(x.dtype)


class _NeighbourSum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, weight: Tensor, x: Tensor, source: Tensor, target: Tensor) -> Tensor:
        ctx.save_for_backward(weight, x, source, target)
        pattern = _Pattern.of(target, source, x.size(0))
        return pattern.matrix(weight) @ x

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        (gradient,) = gradients
        weight, x, source, target = ctx.saved_tensors
        for_weight = _EdgeDots.apply(gradient, x, target, source) if ctx.needs_input_grad[0] else None
        for_x = _NeighbourSum.apply(weight, gradient, target, source) if ctx.needs_input_grad[1] else None
        return for_weight, for_x, None, None


class _EdgeDots(torch.autograd.Function):
    r"""Products of the features at both ends of each edge, :math:`s_e = a_{i(e)} \cdot b_{j(e)}`."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, left: Tensor, right: Tensor) -> Tensor:
        ctx.save_for_backward(a, b, left, right)
        pattern = _Pattern.of(left, right, a.size(0))
        zero = pattern.matrix(a.new_zeros(left.size(0)))
        return torch.sparse.sampled_addmm(zero, a.contiguous(), b.T).values()[pattern.cell]

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        (gradient,) = gradients
        a, b, left, right = ctx.saved_tensors
        for_a = _NeighbourSum.apply(gradient, b, right, left) if ctx.needs_input_grad[0] else None
        for_b = _NeighbourSum.apply(gradient, a, left, right) if ctx.needs_input_grad[1] else None
        return for_a, for_b, None, None


class _Pattern(NamedTuple):
    """Cells of a sparse matrix in compressed rows; edges between the same nodes share one."""

    cell: Tensor  # of each edge
    starts: Tensor  # first cell of each row, and the number of cells
    columns: Tensor  # of each cell

    @classmethod
    def of(cls, row: Tensor, column: Tensor, size: int) -> _Pattern:
        places = row * size + column
        order = torch.argsort(places)
        cells, cell_in_order = torch.unique_consecutive(places[order], return_inverse=True)
        counts = torch.bincount(cells // max(size, 1), minlength=size)
        starts = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
        return cls(torch.empty_like(order).index_copy(0, order, cell_in_order), starts, cells % max(size, 1))

    def matrix(self, weight: Tensor) -> Tensor:
        size, values = self.starts.size(0) - 1, weight.new_zeros(self.columns.size(0)).index_add(0, self.cell, weight)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta", category=UserWarning)
            return torch.sparse_csr_tensor(self.starts, self.columns, values, (size, size), check_invariants=False)
