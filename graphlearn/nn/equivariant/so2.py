"""Linear maps in the frame of an edge, where rotations about the edge are all that is left."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from graphlearn.nn.equivariant.irreps import num_components


class SO2Linear(nn.Module):
    r"""Linear map that commutes with rotations about the polar axis.

    .. math:: y_0 = W_0 x_0 + b, \qquad
              y_{+m} = W^r_m x_{+m} - W^i_m x_{-m}, \qquad y_{-m} = W^r_m x_{-m} + W^i_m x_{+m}

    where :math:`x_m` holds all degrees l >= \|m\| and channels. Inputs may be scaled first by weights of the edge,
    one a (\|m\|, l, channel).

    Args:
        lmax: Highest degree.
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        num_scalars: Further invariant outputs.
        bias: Whether the m = 0 outputs get a bias.
        fan_in_channels: Channels that the initial weights are scaled for, where several maps are summed.

    Shapes:
        - x: ``[E, (lmax+1)**2, S, in_channels]`` in edge order
        - scale: ``[E, num_weights]``, optional
        - output: ``[E, (lmax+1)**2, S, out_channels]`` in edge order, and ``[E, S, num_scalars]``

    Source: eSCN (arXiv 2302.03655).
    """

    def __init__(
        self,
        lmax: int,
        in_channels: int,
        out_channels: int,
        *,
        num_scalars: int = 0,
        bias: bool = True,
        fan_in_channels: int | None = None,
    ) -> None:
        super().__init__()
        self.lmax, self.in_channels, self.out_channels, self.num_scalars = lmax, in_channels, out_channels, num_scalars
        self.fan_in_channels = fan_in_channels or in_channels
        self.num_weights = in_channels * (lmax + 1) * (lmax + 2) // 2
        degrees = lmax + 1
        self.weight_zero = nn.Parameter(torch.empty(degrees * in_channels, degrees * out_channels + num_scalars))
        self.bias = nn.Parameter(torch.empty(degrees * out_channels + num_scalars)) if bias else None
        self.weight_pairs = nn.ParameterList(
            nn.Parameter(torch.empty((degrees - m) * in_channels, 2 * (degrees - m) * out_channels))
            for m in range(1, degrees)
        )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Weights from N(0, 1/fan_in), zero bias."""
        for m, weight in enumerate([self.weight_zero, *self.weight_pairs]):
            nn.init.normal_(weight, std=((self.lmax + 1 - m) * self.fan_in_channels) ** -0.5)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, x: Tensor, scale: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Apply the map."""
        edges, _, states, _ = x.shape
        degrees = self.lmax + 1
        scales = None if scale is None else scale.view(edges, -1, 1, self.in_channels)
        zero = x[:, :degrees] if scales is None else x[:, :degrees] * scales[:, :degrees]
        y = zero.transpose(1, 2).flatten(2) @ self.weight_zero
        if self.bias is not None:
            y = y + self.bias
        scalars = y[..., degrees * self.out_channels :]
        outputs = [y[..., : degrees * self.out_channels].unflatten(2, (degrees, -1)).transpose(1, 2)]
        start, weight_start = degrees, degrees
        for m, weight in enumerate(self.weight_pairs, start=1):
            count = degrees - m
            pair = x[:, start : start + 2 * count].unflatten(1, (2, count))  # [E, 2, count, S, C]
            if scales is not None:
                pair = pair * scales[:, None, weight_start : weight_start + count]
            product = pair.transpose(2, 3).flatten(3) @ weight  # [E, 2, S, 2 count C']
            product = product.view(edges, 2, states, 2, count, self.out_channels)
            plus = product[:, 0, :, 0] - product[:, 1, :, 1]
            minus = product[:, 1, :, 0] + product[:, 0, :, 1]
            outputs += [plus.transpose(1, 2), minus.transpose(1, 2)]
            start, weight_start = start + 2 * count, weight_start + count
        return torch.cat(outputs, dim=1), scalars

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({self.lmax}, {self.in_channels}, {self.out_channels}, "
            f"num_scalars={self.num_scalars}, components={num_components(self.lmax)})"
        )
