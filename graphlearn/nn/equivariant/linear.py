"""Linear maps that act on each degree by itself."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch_geometric.nn.inits import zeros

from graphlearn.nn.equivariant.irreps import check_components


class DegreeLinear(nn.Module):
    r"""Equivariant linear map :math:`y_{lm} = W_l x_{lm} + \delta_{l0}\, b`.

    Args:
        lmax: Highest degree.
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        bias: Whether l = 0 gets a bias.

    Shapes:
        - input: ``[..., (lmax+1)**2, in_channels]``
        - output: ``[..., (lmax+1)**2, out_channels]``

    Example:
        >>> layer = DegreeLinear(2, 16, 32)
        >>> layer(torch.randn(5, 9, 16)).shape
        torch.Size([5, 9, 32])
    """

    def __init__(self, lmax: int, in_channels: int, out_channels: int, *, bias: bool = True) -> None:
        super().__init__()
        self.lmax, self.in_channels, self.out_channels = lmax, in_channels, out_channels
        self.weight = nn.Parameter(torch.empty(lmax + 1, in_channels, out_channels))
        self.bias = nn.Parameter(torch.empty(out_channels)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Weights from N(0, 1/in_channels), zero bias."""
        nn.init.normal_(self.weight, std=self.in_channels**-0.5)
        zeros(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map the channels of each degree.

        Args:
            x: Features, ``[..., (lmax+1)**2, in_channels]``.

        Returns:
            ``[..., (lmax+1)**2, out_channels]``.

        Raises:
            ValueError: for another shape.
        """
        check_components(x, self.lmax, self.in_channels)
        parts = [x[..., l * l : (l + 1) ** 2, :] @ self.weight[l] for l in range(self.lmax + 1)]
        if self.bias is not None:
            parts[0] = parts[0] + self.bias
        return torch.cat(parts, dim=-2)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.lmax}, {self.in_channels}, {self.out_channels})"
