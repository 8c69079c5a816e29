"""The two graph convolutions of region layers, on self-loops and weights that their caller has prepared."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch_geometric.nn.inits import zeros
from torch_geometric.utils import softmax

from graphlearn.nn.region.neighbour_sum import Neighbours


class Convolution(nn.Module):
    r"""Graph convolution with given weights, :math:`y_i = b + \sum_{(j, i) \in E} w_{ji} W x_j`.

    With the weights of :func:`symmetric_normalised` this is PyG's ``GCNConv``, without a row of features per edge.

    Args:
        in_channels: Channels of x.
        out_channels: Channels of y.

    Example:
        >>> neighbours = Neighbours(torch.tensor([[0, 1], [1, 2]]), 3)
        >>> Convolution(4, 2)(torch.randn(3, 4), neighbours, torch.ones(2)).shape
        torch.Size([3, 2])
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels))
        self.bias = nn.Parameter(torch.empty(out_channels))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialise all weights again."""
        nn.init.xavier_uniform_(self.weight)
        nn.init.zeros_(self.bias)

    def forward(self, x: Tensor, neighbours: Neighbours, edge_weight: Tensor) -> Tensor:
        """Sum the projected features of the neighbours.

        Args:
            x: Features, ``[N, in_channels]``.
            neighbours: The edges.
            edge_weight: Weights w, ``[E]``.

        Returns:
            ``[N, out_channels]``.
        """
        return neighbours.sum(F.linear(x, self.weight), edge_weight) + self.bias

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.weight.size(1)}, {self.weight.size(0)})"


class Attention(nn.Module):
    r"""Graph attention of one head, with :math:`z = W x`.

    .. math::
        \alpha_{ij} = \mathrm{softmax}_j\, \mathrm{LeakyReLU}_{0.2}(a \cdot z_i + a' \cdot z_j), \qquad
        y_i = b + \sum_j \alpha_{ij} z_j

    PyG's ``GATConv``, without a row of features per edge.

    Args:
        in_channels: Channels of x.
        out_channels: Channels of y.
        bias: Add b.

    Example:
        >>> neighbours = Neighbours(torch.tensor([[0, 1, 2], [0, 1, 2]]), 3)
        >>> Attention(4, 2)(torch.randn(3, 4), neighbours).shape
        torch.Size([3, 2])

    Source: Velickovic et al. 2018 (arXiv 1710.10903).
    """

    def __init__(self, in_channels: int, out_channels: int, *, bias: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels))
        self.receive = nn.Parameter(torch.empty(1, out_channels))
        self.send = nn.Parameter(torch.empty(1, out_channels))
        self.bias = nn.Parameter(torch.empty(out_channels)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialise all weights again."""
        for weight in (self.weight, self.receive, self.send):
            nn.init.xavier_uniform_(weight)
        zeros(self.bias)

    def forward(self, x: Tensor, neighbours: Neighbours) -> Tensor:
        """Mean of the projected features of the neighbours, weighted by attention.

        Args:
            x: Features, ``[N, in_channels]``.
            neighbours: The edges.

        Returns:
            ``[N, out_channels]``.
        """
        z = F.linear(x, self.weight)
        source, target = neighbours.edge_index
        received, sent = (z * self.receive).sum(-1), (z * self.send).sum(-1)
        logits = F.leaky_relu(received.index_select(0, target) + sent.index_select(0, source), 0.2)
        out = neighbours.sum(z, softmax(logits, target, num_nodes=x.size(0)))
        return out if self.bias is None else out + self.bias

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.weight.size(1)}, {self.weight.size(0)})"
