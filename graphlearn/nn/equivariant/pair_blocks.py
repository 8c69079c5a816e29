"""Matrix blocks between the orbitals of atom pairs from equivariant features."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from graphlearn.nn.equivariant.density import coupling_matrix, multiplicities
from graphlearn.nn.equivariant.irreps import constant


class PairBlocks(nn.Module):
    r"""Blocks of an operator between orbitals, the inverse of :class:`DensityEncoder`.

    .. math:: M^{l_1 l_2}_{m_1 m_2} = \sum_{LM} \sqrt{2L+1}\, w^{l_1 l_2 L}_{m_1 m_2 M} \sum_c W^{l_1 l_2 L}_c x_{LMc}

    with 3j symbols w: features of degree L are expanded into every pair of shells that couples to L.

    Args:
        shells: Radial channels of l = 0, 1, 2.
        channels: Channels of the features.
        num_blocks: Blocks a pair.
        lmax: Highest degree of the features.

    Shapes:
        - input: ``[P, (lmax+1)**2, channels]``
        - output: ``[P, num_blocks, A, A]``, orbitals ordered by l, radial index, m

    Source: QHNet (arXiv 2306.04922), expansion.
    """

    def __init__(self, shells: Sequence[int], channels: int, num_blocks: int, *, lmax: int) -> None:
        super().__init__()
        self.shells, self.channels, self.num_blocks, self.lmax = tuple(shells), channels, num_blocks, lmax
        self.multiplicities = multiplicities(self.shells, lmax)
        self.weight = nn.ParameterList(
            nn.Parameter(torch.empty(channels, num_blocks * count)) for count in self.multiplicities
        )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Weights from N(0, 1/channels)."""
        for weight in self.weight:
            nn.init.normal_(weight, std=self.channels**-0.5)

    def forward(self, x: Tensor) -> Tensor:
        """Expand."""
        parts = []
        for l, (count, weight) in enumerate(zip(self.multiplicities, self.weight, strict=True)):
            degree = (x[:, l * l : (l + 1) ** 2] @ weight).unflatten(-1, (self.num_blocks, count))
            parts.append(degree.permute(0, 2, 3, 1).flatten(2))
        coupled = torch.cat(parts, dim=-1)
        blocks = coupled @ constant(coupling_matrix, self.shells, self.lmax, like=coupled).T
        size = round(blocks.shape[-1] ** 0.5)
        return blocks.unflatten(-1, (size, size))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(shells={self.shells}, {self.channels}, {self.num_blocks}, lmax={self.lmax})"


def reverse_edges(edge_index: Tensor) -> Tensor:
    """Index of the edge j -> i for every edge i -> j, int64 [E]; both must be there."""
    nodes = int(edge_index.max()) + 1 if edge_index.numel() else 0
    there = edge_index[0] * nodes + edge_index[1]
    back = edge_index[1] * nodes + edge_index[0]
    order, wanted = there.argsort(), back.argsort()
    reverse = torch.empty_like(order)
    reverse[wanted] = order
    return reverse
