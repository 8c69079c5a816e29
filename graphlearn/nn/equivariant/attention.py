"""Graph attention whose messages are SO(2)-linear in the frame of each edge."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch_geometric.nn.inits import reset
from torch_geometric.utils import softmax

from graphlearn.nn.equivariant.activation import make_activation
from graphlearn.nn.equivariant.frames import EdgeRotation
from graphlearn.nn.equivariant.irreps import check_shape, num_components
from graphlearn.nn.equivariant.linear import DegreeLinear
from graphlearn.nn.equivariant.radial import RadialMLP
from graphlearn.nn.equivariant.so2 import SO2Linear


class SO2Attention(nn.Module):
    r"""Equivariant graph attention (eSCN convolutions with attention re-normalisation).

    For an edge j -> i with frame rotation :math:`D_{ij}`:

    .. math::
        h_{ij} = \mathrm{SO2}_1(D_{ij} [x_j \Vert x_i \Vert e_{ij}] \odot w(s_{ij})), \quad
        v_{ij} = \mathrm{SO2}_2(\mathrm{act}(h_{ij})), \\
        a_{ij} = \mathrm{softmax}_j(u \cdot \mathrm{LeakyReLU}(\mathrm{LayerNorm}(z_{ij}))), \quad
        y_i = W \sum_j D_{ij}^T a_{ij} v_{ij}

    where s are edge scalars and z invariant outputs of the first map. States S of one node share edges, frames and
    weights; attention is taken within each.

    Args:
        lmax: Highest degree.
        in_channels: Channels of node features.
        out_channels: Channels of the output.
        edge_scalars: Number of invariant edge features s.
        heads: Attention heads.
        hidden_channels: Channels between the two maps.
        alpha_channels: Channels per head for the attention weights.
        value_channels: Channels per head for the values.
        edge_channels: Channels of equivariant edge features e; 0 for none.
        radial_hidden: Width of the radial network w.
        activation: ``gate`` (exactly equivariant) or ``s2``.
        alpha_dropout: Dropout of attention weights.

    Shapes:
        - x: ``[N, S, (lmax+1)**2, in_channels]`` or ``[N, (lmax+1)**2, in_channels]``
        - edge_index: ``[2, E]``, sources first; scalars: ``[E, edge_scalars]``
        - edge_features: ``[E, (lmax+1)**2, edge_channels]``
        - output: like x, with ``out_channels``

    Example:
        >>> x, edge_index = torch.randn(3, 9, 16), torch.tensor([[0, 1, 2, 0], [1, 0, 0, 2]])
        >>> vectors = torch.randn(4, 3)
        >>> layer = SO2Attention(2, 16, 32, edge_scalars=8)
        >>> layer(x, edge_index, EdgeRotation(vectors, 2), torch.randn(4, 8)).shape
        torch.Size([3, 9, 32])

    Source: EquiformerV2 (arXiv 2306.12059), OrbEvo (arXiv 2603.03511).
    """

    def __init__(
        self,
        lmax: int,
        in_channels: int,
        out_channels: int,
        *,
        edge_scalars: int,
        heads: int = 8,
        hidden_channels: int = 128,
        alpha_channels: int = 32,
        value_channels: int = 16,
        edge_channels: int = 0,
        radial_hidden: int = 128,
        activation: str = "gate",
        alpha_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.lmax, self.in_channels, self.out_channels = lmax, in_channels, out_channels
        self.heads, self.alpha_channels, self.alpha_dropout = heads, alpha_channels, alpha_dropout
        self.edge_scalars = edge_scalars
        self.activation = make_activation(activation, lmax, hidden_channels, order="edge")
        self.num_alpha = heads * alpha_channels
        scalars = self.num_alpha + self.activation.num_gates
        total = 2 * in_channels + edge_channels
        self.first = SO2Linear(lmax, 2 * in_channels, hidden_channels, num_scalars=scalars, fan_in_channels=total)
        self.first_edge = (
            SO2Linear(lmax, edge_channels, hidden_channels, num_scalars=scalars, bias=False, fan_in_channels=total)
            if edge_channels
            else None
        )
        weights = self.first.num_weights + (self.first_edge.num_weights if self.first_edge else 0)
        self.radial = RadialMLP(edge_scalars, radial_hidden, weights)
        self.second = SO2Linear(lmax, hidden_channels, heads * value_channels)
        self.alpha_norm = nn.LayerNorm(alpha_channels)
        self.alpha_vector = nn.Parameter(torch.empty(heads, alpha_channels))
        self.project = DegreeLinear(lmax, heads * value_channels, out_channels)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialise all weights again."""
        for module in (self.first, self.first_edge, self.radial, self.second, self.alpha_norm, self.project):
            reset(module)
        bound = self.alpha_channels**-0.5
        nn.init.uniform_(self.alpha_vector, -bound, bound)

    def forward(
        self,
        x: Tensor,
        edge_index: Tensor,
        rotation: EdgeRotation,
        scalars: Tensor,
        edge_features: Tensor | None = None,
    ) -> Tensor:
        """Sum the values of all neighbours of a node, weighted by attention.

        Args:
            x: Node features, ``[N, (lmax+1)**2, in_channels]`` or ``[N, S, (lmax+1)**2, in_channels]``.
            edge_index: Edges from source j to target i, ``[2, E]``.
            rotation: Frames of the edges, up to ``lmax`` at least.
            scalars: Invariant edge features s, ``[E, edge_scalars]``.
            edge_features: Equivariant edge features e, ``[E, (lmax+1)**2, edge_channels]``; None where
                there are no such channels.

        Returns:
            Like x with ``out_channels``; zero, or the bias at l = 0, for a node that no edge enters.

        Raises:
            ValueError: where shapes or numbers of edges do not fit together, or edge features are missing or
                not wanted.
        """
        if x.dim() == 3:
            attended: Tensor = self(x.unsqueeze(1), edge_index, rotation, scalars, edge_features)
            return attended.squeeze(1)
        self._check(x, edge_index, rotation, scalars, edge_features)
        source, target = edge_index
        weights = self.radial(scalars).unsqueeze(1)
        pair = torch.cat([x.index_select(0, source), x.index_select(0, target)], dim=-1)
        hidden, invariant = self.first(rotation.into_edge(pair, self.lmax), weights[..., : self.first.num_weights])
        if self.first_edge is not None and edge_features is not None:
            turned = rotation.into_edge(edge_features.unsqueeze(1), self.lmax)
            more, more_invariant = self.first_edge(turned, weights[..., self.first.num_weights :])
            hidden, invariant = hidden + more, invariant + more_invariant
        alpha = self._attention(invariant[..., : self.num_alpha], target, x.size(0))
        values, _ = self.second(self.activation(hidden, invariant[..., self.num_alpha :]))
        values = (values.unflatten(-1, (self.heads, -1)) * alpha[:, :, None, :, None]).flatten(-2)
        values = rotation.out_of_edge(values, self.lmax)
        summed = values.new_zeros(x.size(0), *values.shape[1:]).index_add(0, target, values)
        projected: Tensor = self.project(summed)
        return projected

    def _check(
        self, x: Tensor, edge_index: Tensor, rotation: EdgeRotation, scalars: Tensor, edge_features: Tensor | None
    ) -> None:
        edges = edge_index.size(-1)
        check_shape(edge_index, (2, edges), "edge_index")
        check_shape(x, (*x.shape[:2], num_components(self.lmax), self.in_channels), "x")
        check_shape(scalars, (edges, self.edge_scalars), "scalars")
        if rotation.num_edges != edges:
            raise ValueError(f"there are {edges} edges, but rotation is that of {rotation.num_edges}")
        wanted = self.first_edge.in_channels if self.first_edge else 0
        if edge_features is None and wanted:
            raise ValueError(f"this layer was built with edge_channels={wanted}; pass edge_features")
        if edge_features is not None and not wanted:
            raise ValueError("this layer was built without edge_channels; it takes no edge_features")
        if edge_features is not None:
            check_shape(edge_features, (edges, num_components(self.lmax), wanted), "edge_features")

    def _attention(self, features: Tensor, target: Tensor, num_nodes: int) -> Tensor:
        """Attention weights [E, S, heads]."""
        features = self.alpha_norm(features.unflatten(-1, (self.heads, self.alpha_channels)))
        logits = torch.einsum("eshc,hc->esh", smooth_leaky_relu(features), self.alpha_vector)
        alpha = softmax(logits, target, num_nodes=num_nodes)
        return nn.functional.dropout(alpha, self.alpha_dropout, self.training)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.lmax}, {self.in_channels}, {self.out_channels}, heads={self.heads})"


def smooth_leaky_relu(x: Tensor, slope: float = 0.2) -> Tensor:
    r"""A leaky ReLU with a continuous derivative, :math:`\frac{1+a}{2} x + \frac{1-a}{2} x\,(2\sigma(x) - 1)`.

    Args:
        x: Any shape.
        slope: Slope a far below zero.

    Returns:
        Like x.

    Source: EquiformerV2 (arXiv 2306.12059).
    """
    return 0.5 * (1 + slope) * x + 0.5 * (1 - slope) * x * (2 * torch.sigmoid(x) - 1)
