"""Normalisation that keeps equivariance."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from graphlearn.nn.constants import ConstantBuffers
from graphlearn.nn.equivariant.irreps import check_components, degree_of_component


class EquivariantRMSNorm(ConstantBuffers):
    r"""Root-mean-square norm over all degrees, each degree with the same weight.

    .. math:: y_{lm} = g_l \odot \frac{\tilde{x}_{lm}}
              {\sqrt{\frac{1}{C (L+1)} \sum_{lmc} \frac{\tilde{x}_{lmc}^2}{2l+1} + \epsilon}} + \delta_{l0}\, b

    where :math:`\tilde{x}` is x with the channel mean of l = 0 removed. Half precision is computed in float32.

    Args:
        lmax: Highest degree.
        channels: Number of channels.
        eps: Added to the mean square.

    Shapes:
        - input and output: ``[..., (lmax+1)**2, channels]``

    Source: OrbEvo (arXiv 2603.03511), after EquiformerV2.
    """

    degree: Tensor
    count: Tensor

    def __init__(self, lmax: int, channels: int, *, eps: float = 1e-5) -> None:
        super().__init__()
        self.lmax, self.channels, self.eps = lmax, channels, eps
        self._register_constant("degree", lambda: torch.tensor(degree_of_component(lmax)))
        self._register_constant("count", lambda: _count(lmax, channels))
        self.gain = nn.Parameter(torch.empty(lmax + 1, channels))
        self.bias = nn.Parameter(torch.empty(channels))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Unit gain, zero bias."""
        nn.init.ones_(self.gain)
        nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Divide features by their root mean square, and scale each degree and channel.

        Args:
            x: Features, ``[..., (lmax+1)**2, channels]``.

        Returns:
            Like x.

        Raises:
            ValueError: for another shape.
        """
        check_components(x, self.lmax, self.channels)
        kind, x = torch.promote_types(x.dtype, self.gain.dtype), x.to(torch.promote_types(x.dtype, torch.float32))
        share = (1.0 / self.count.to(x.device)).to(x.dtype)
        scalars = x[..., :1, :]
        centred = torch.cat([scalars - scalars.mean(-1, keepdim=True), x[..., 1:, :]], dim=-2)
        mean_square = (centred.square() * share).sum(dim=(-2, -1), keepdim=True)
        y = centred * (mean_square + self.eps).rsqrt() * self.gain.index_select(0, self.degree.to(x.device))
        return torch.cat([y[..., :1, :] + self.bias, y[..., 1:, :]], dim=-2).to(kind)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.lmax}, {self.channels})"


def _count(lmax: int, channels: int) -> Tensor:
    """What the square of each component is divided by in the mean square, [(lmax + 1)**2, 1]."""
    degree = torch.tensor(degree_of_component(lmax))
    return ((2 * degree + 1) * (lmax + 1) * channels).view(-1, 1)
