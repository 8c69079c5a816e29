"""Linear maps in the frame of an edge, where rotations about the edge are all that is left."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch_geometric.nn.inits import zeros

from graphlearn.nn.constants import ConstantBuffers
from graphlearn.nn.equivariant.irreps import check_components, num_components


class SO2Linear(ConstantBuffers):
    r"""Linear map that commutes with rotations about the polar axis.

    .. math:: y_0 = W_0 x_0 + b, \qquad
              y_{+m} = W^r_m x_{+m} - W^i_m x_{-m}, \qquad y_{-m} = W^r_m x_{-m} + W^i_m x_{+m}

    where :math:`x_m` holds all degrees l >= \|m\| and channels. Inputs may be scaled first by weights of the edge,
    one per (\|m\|, l, channel).

    Args:
        lmax: Highest degree.
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        num_scalars: Further invariant outputs.
        bias: Whether the m = 0 outputs get a bias.
        fan_in_channels: Channels that the initial weights are scaled for, where several maps are summed.

    Shapes:
        - x: ``[..., (lmax+1)**2, in_channels]`` in edge order
        - scale: ``[..., num_weights]``, optional; broadcast against x
        - output: ``[..., (lmax+1)**2, out_channels]`` in edge order, and ``[..., num_scalars]``

    Source: eSCN (arXiv 2302.03655).
    """

    weight_of_component: Tensor

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
        self.weight_real, self.weight_imaginary = (
            nn.ParameterList(
                nn.Parameter(torch.empty((degrees - m) * in_channels, (degrees - m) * out_channels))
                for m in range(1, degrees)
            )
            for _ in range(2)
        )
        self._register_constant("weight_of_component", lambda: torch.tensor(_weight_of_component(lmax)))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Weights from N(0, 1/fan_in), zero bias."""
        for weights in ([self.weight_zero], *zip(self.weight_real, self.weight_imaginary, strict=True)):
            fan_in = len(weights[0]) // self.in_channels * self.fan_in_channels
            for weight in weights:
                nn.init.normal_(weight, std=fan_in**-0.5)
        zeros(self.bias)

    def forward(self, x: Tensor, scale: Tensor | None = None) -> tuple[Tensor, Tensor]:
        r"""Map features in the frames of the edges.

        Args:
            x: Features in edge order, ``[..., (lmax+1)**2, in_channels]``.
            scale: Weights of the edge for each (\|m\|, l, channel), ``[..., num_weights]``; None for none.

        Returns:
            Features in edge order, ``[..., (lmax+1)**2, out_channels]``, and invariants, ``[..., num_scalars]``.

        Raises:
            ValueError: for another shape.
        """
        check_components(x, self.lmax, self.in_channels)
        if scale is not None:
            if scale.size(-1) != self.num_weights:
                raise ValueError(f"scale has shape {tuple(scale.shape)}; expected [..., {self.num_weights}]")
            scale = scale.unflatten(-1, (-1, self.in_channels))
            x = x * scale.index_select(-2, self.weight_of_component.to(x.device))
        rows = x.flatten(0, -3).flatten(1)  # [edges, components * channels]
        widths = [(self.lmax + 1) * self.in_channels, *(2 * len(weight) for weight in self.weight_real)]
        still, *pairs = rows.split(widths, dim=1)
        zero = still @ self.weight_zero
        if self.bias is not None:
            zero = zero + self.bias
        zero, scalars = zero.split([(self.lmax + 1) * self.out_channels, self.num_scalars], dim=1)
        outputs = [zero]
        for pair, real, imaginary in zip(pairs, self.weight_real, self.weight_imaginary, strict=True):
            outputs.append(pair @ torch.cat([torch.cat([real, imaginary], 1), torch.cat([-imaginary, real], 1)]))
        y = torch.cat(outputs, dim=1)
        return y.view(*x.shape[:-1], self.out_channels), scalars.view(*x.shape[:-2], self.num_scalars)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({self.lmax}, {self.in_channels}, {self.out_channels}, "
            f"num_scalars={self.num_scalars}, components={num_components(self.lmax)})"
        )


def _weight_of_component(lmax: int) -> list[int]:
    """Which (|m|, l) weight scales each component in edge order."""
    weights, start = list(range(lmax + 1)), lmax + 1
    for m in range(1, lmax + 1):
        count = lmax + 1 - m
        weights += 2 * list(range(start, start + count))
        start += count
    return weights
