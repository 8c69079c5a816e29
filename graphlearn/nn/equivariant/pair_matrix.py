"""Matrices between the spherical-harmonic functions of two atoms, from invariants of the pair."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from graphlearn.nn.equivariant.frames import EdgeRotation
from graphlearn.nn.equivariant.irreps import check_shape


class PairMatrix(nn.Module):
    r"""Equivariant matrix between functions of degree :math:`l_1` on one atom and :math:`l_2` on another.

    In the frame of the edge only functions of one m meet, with a weight that depends on \|m\| alone,

    .. math:: A_{l_1 m_1 a,\, l_2 m_2 b} = \sum_{\mu} w^{l_1 l_2 |\mu|}_{ab}\, D^{l_1}_{\mu m_1} D^{l_2}_{\mu m_2},

    with the Wigner matrices D that turn the edge onto the polar axis: Slater and Koster's two-centre integrals. Mirror
    images get mirrored matrices.

    Args:
        left: Functions of each degree l = 0, 1, ... on the left.
        right: Likewise on the right.

    Shapes:
        - weights: ``[E, num_weights]``
        - output: ``[E, sum_l left_l (2l+1), sum_l right_l (2l+1)]``, sorted by l, then function, then m

    Source: Slater and Koster, Phys. Rev. 94, 1498 (1954).
    """

    def __init__(self, left: Sequence[int], right: Sequence[int]) -> None:
        super().__init__()
        self.left, self.right = tuple(left), tuple(right)
        self.sizes = [
            [a * b * (min(l1, l2) + 1) for l2, b in enumerate(self.right)] for l1, a in enumerate(self.left)
        ]  # fmt: skip
        self.num_weights = sum(map(sum, self.sizes))

    def forward(self, weights: Tensor, rotation: EdgeRotation) -> Tensor:
        """One matrix per edge.

        Args:
            weights: Invariants of the edge, ``[E, num_weights]``.
            rotation: Frames of the edges, up to the highest degree of both sides.

        Returns:
            ``[E, sum_l left_l (2l+1), sum_l right_l (2l+1)]``.

        Raises:
            ValueError: for another shape, or a degree that ``rotation`` does not hold.
        """
        check_shape(weights, (rotation.num_edges, self.num_weights), "weights")
        rows, start = [], 0
        for l1, a in enumerate(self.left):
            parts = []
            for l2, b in enumerate(self.right):
                size = self.sizes[l1][l2]
                here = weights[:, start : start + size].view(weights.size(0), a * b, min(l1, l2) + 1)
                start += size
                block = torch.bmm(here, _sums(rotation, l1, l2))  # [E, a b, (2 l1 + 1)(2 l2 + 1)]
                block = block.view(weights.size(0), a, b, 2 * l1 + 1, 2 * l2 + 1).transpose(2, 3)
                parts.append(block.reshape(weights.size(0), a * (2 * l1 + 1), b * (2 * l2 + 1)))
            rows.append(torch.cat(parts, dim=2))
        return torch.cat(rows, dim=1)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.left}, {self.right})"


class AtomMatrix(nn.Module):
    r"""Equivariant matrix between functions on one atom: :math:`A_{lma,l'm'b} = \delta_{ll'}\delta_{mm'} w^l_{ab}`.

    Args:
        left: Functions of each degree l = 0, 1, ... on the left.
        right: Likewise on the right.

    Shapes:
        - weights: ``[N, num_weights]``
        - output: as of :class:`PairMatrix`
    """

    def __init__(self, left: Sequence[int], right: Sequence[int]) -> None:
        super().__init__()
        self.left, self.right = tuple(left), tuple(right)
        self.num_weights = sum(a * b for a, b in zip(self.left, self.right, strict=False))

    def forward(self, weights: Tensor) -> Tensor:
        """One matrix per atom.

        Args:
            weights: Invariants of the atom, ``[N, num_weights]``.

        Returns:
            ``[N, sum_l left_l (2l+1), sum_l right_l (2l+1)]``.

        Raises:
            ValueError: for another shape.
        """
        check_shape(weights, (weights.size(0), self.num_weights), "weights")
        rows, start, before = [], 0, 0
        width = sum(b * (2 * l + 1) for l, b in enumerate(self.right))
        for l, a in enumerate(self.left):
            components, b = 2 * l + 1, self.right[l] if l < len(self.right) else 0
            unit = torch.eye(components, dtype=weights.dtype, device=weights.device).view(components, 1, components)
            block = weights[:, start : start + a * b].view(weights.size(0), a, 1, b, 1) * unit
            block = block.reshape(weights.size(0), a * components, b * components)
            rows.append(nn.functional.pad(block, (before, width - before - b * components)))
            start, before = start + a * b, before + b * components
        return torch.cat(rows, dim=1)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.left}, {self.right})"


def _sums(rotation: EdgeRotation, l1: int, l2: int) -> Tensor:
    r""":math:`\sum_{m = \pm\mu} D^{l_1}_{m m_1} D^{l_2}_{m m_2}` for every \|m\|, [E, min(l1, l2) + 1, K1 K2]."""
    first, second = rotation.degree(l1), rotation.degree(l2)
    low = min(l1, l2)
    each = first[:, l1 - low : l1 + low + 1, :, None] * second[:, l2 - low : l2 + low + 1, None, :]
    below, middle, above = each.flatten(2).split([low, 1, low], dim=1)
    return torch.cat([middle, above + below.flip(1)], dim=1)
