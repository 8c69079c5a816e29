"""Nonlinearities on spherical-harmonic features."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from graphlearn.nn.equivariant.irreps import degree_of_component, edge_order

Order = Literal["e3nn", "edge"]


class GateActivation(nn.Module):
    r"""Gated nonlinearity, exactly equivariant.

    .. math:: y_0 = \mathrm{SiLU}(x_0), \qquad y_{lm} = \sigma(g_l)\, x_{lm} \quad (l > 0)

    Args:
        lmax: Highest degree.
        channels: Number of channels.
        order: Order of the components, ``e3nn`` or ``edge``.

    Shapes:
        - x: ``[..., (lmax+1)**2, channels]``
        - gates: ``[..., num_gates]`` with ``num_gates = lmax * channels``
    """

    gate_of_component: Tensor

    def __init__(self, lmax: int, channels: int, *, order: Order = "e3nn") -> None:
        super().__init__()
        self.lmax, self.channels = lmax, channels
        self.num_gates = lmax * channels
        degree = torch.tensor(degree_of_component(lmax))
        if order == "edge":
            degree = degree[edge_order(lmax)]
        self.register_buffer("gate_of_component", degree[1:] - 1, persistent=False)

    def forward(self, x: Tensor, gates: Tensor) -> Tensor:
        """Apply the gates."""
        scalars = nn.functional.silu(x[..., :1, :])
        if self.lmax == 0:
            return scalars
        gates = torch.sigmoid(gates).unflatten(-1, (self.lmax, self.channels))
        return torch.cat([scalars, x[..., 1:, :] * gates.index_select(-2, self.gate_of_component)], dim=-2)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.lmax}, {self.channels})"


class SeparableS2Activation(nn.Module):
    r"""SiLU of the signal on a grid on the sphere for l > 0, and of a gate for l = 0.

    Equivariant up to the resolution of the grid, 2(L+1) x (2(L+1) + 1) points.

    Args:
        lmax: Highest degree.
        channels: Number of channels.
        order: Order of the components, ``e3nn`` or ``edge``.

    Shapes:
        - x: ``[..., (lmax+1)**2, channels]``
        - gates: ``[..., num_gates]`` with ``num_gates = channels``

    Source: EquiformerV2 (arXiv 2306.12059), section 4.2.
    """

    to_grid: Tensor
    from_grid: Tensor

    def __init__(self, lmax: int, channels: int, *, order: Order = "e3nn") -> None:
        super().__init__()
        from e3nn import o3

        self.lmax, self.channels = lmax, channels
        self.num_gates = channels
        resolution = (2 * (lmax + 1), 2 * (lmax + 1) + 1)
        to_grid = o3.ToS2Grid(lmax, resolution, normalization="component")
        from_grid = o3.FromS2Grid(resolution, lmax, normalization="component")
        columns = edge_order(lmax) if order == "edge" else list(range((lmax + 1) ** 2))
        to_matrix = torch.einsum("mbi,am->bai", to_grid.shb, to_grid.sha).flatten(0, 1)
        from_matrix = torch.einsum("am,mbi->bai", from_grid.sha, from_grid.shb).flatten(0, 1)
        self.register_buffer("to_grid", to_matrix[:, columns].clone(), persistent=False)
        self.register_buffer("from_grid", from_matrix[:, columns].clone(), persistent=False)

    def forward(self, x: Tensor, gates: Tensor) -> Tensor:
        """Apply SiLU on the grid."""
        y = self.from_grid.T @ nn.functional.silu(self.to_grid @ x)
        return torch.cat([nn.functional.silu(gates).unsqueeze(-2), y[..., 1:, :]], dim=-2)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.lmax}, {self.channels})"


def make_activation(
    name: str, lmax: int, channels: int, *, order: Order = "e3nn"
) -> GateActivation | SeparableS2Activation:
    """The activation called ``gate`` or ``s2``."""
    if name == "gate":
        return GateActivation(lmax, channels, order=order)
    if name == "s2":
        return SeparableS2Activation(lmax, channels, order=order)
    raise ValueError(f"activation {name!r} is unknown; choose 'gate' or 's2'")
