"""Nonlinearities on spherical-harmonic features."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from graphlearn.nn.constants import ConstantBuffers
from graphlearn.nn.equivariant.irreps import (
    check_components,
    check_shape,
    degree_of_component,
    edge_order,
    num_components,
)

Order = Literal["e3nn", "edge"]


class GateActivation(ConstantBuffers):
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
        degree, columns = degree_of_component(lmax), _columns(lmax, order)
        self._register_constant("gate_of_component", lambda: torch.tensor([degree[i] - 1 for i in columns[1:]]).long())

    def forward(self, x: Tensor, gates: Tensor) -> Tensor:
        """Apply SiLU to degree 0 and the gates to all others.

        Args:
            x: Features, ``[..., (lmax+1)**2, channels]``.
            gates: Invariants before the sigmoid, ``[..., num_gates]``, degree by degree.

        Returns:
            Like x.

        Raises:
            ValueError: for another shape.
        """
        check_components(x, self.lmax, self.channels)
        check_shape(gates, (*x.shape[:-2], self.num_gates), "gates")
        scalars = nn.functional.silu(x[..., :1, :])
        if self.lmax == 0:
            return scalars
        gates = torch.sigmoid(gates).unflatten(-1, (self.lmax, self.channels))
        return torch.cat([scalars, x[..., 1:, :] * gates.index_select(-2, self.gate_of_component.to(x.device))], dim=-2)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.lmax}, {self.channels})"


class SeparableS2Activation(ConstantBuffers):
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
        self.lmax, self.channels = lmax, channels
        self.num_gates = channels
        columns = _columns(lmax, order)
        self._register_constant("to_grid", lambda: _to_grid(lmax)[:, columns])
        self._register_constant("from_grid", lambda: _from_grid(lmax)[:, columns])

    def forward(self, x: Tensor, gates: Tensor) -> Tensor:
        """Apply SiLU to the gates for degree 0, and on the grid for all others.

        Args:
            x: Features, ``[..., (lmax+1)**2, channels]``.
            gates: Invariants, ``[..., channels]``.

        Returns:
            Like x.

        Raises:
            ValueError: for another shape.
        """
        check_components(x, self.lmax, self.channels)
        check_shape(gates, (*x.shape[:-2], self.num_gates), "gates")
        y = self.from_grid.T.to(x.device) @ nn.functional.silu(self.to_grid.to(x.device) @ x)
        return torch.cat([nn.functional.silu(gates).unsqueeze(-2), y[..., 1:, :]], dim=-2)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.lmax}, {self.channels})"


def _columns(lmax: int, order: Order) -> list[int]:
    """Indices in e3nn's order of the components in this order."""
    return edge_order(lmax) if order == "edge" else list(range(num_components(lmax)))


def _resolution(lmax: int) -> tuple[int, int]:
    return 2 * (lmax + 1), 2 * (lmax + 1) + 1


def _to_grid(lmax: int) -> Tensor:
    """Values of the harmonics on the grid, [points, (lmax + 1)**2]."""
    from e3nn import o3

    grid = o3.ToS2Grid(lmax, _resolution(lmax), normalization="component")
    return torch.einsum("mbi,am->bai", grid.shb, grid.sha).flatten(0, 1)


def _from_grid(lmax: int) -> Tensor:
    """Weights of the points in the integrals over the sphere, likewise."""
    from e3nn import o3

    grid = o3.FromS2Grid(_resolution(lmax), lmax, normalization="component")
    return torch.einsum("am,mbi->bai", grid.sha, grid.shb).flatten(0, 1)


def make_activation(
    name: str, lmax: int, channels: int, *, order: Order = "e3nn"
) -> GateActivation | SeparableS2Activation:
    """The activation called ``gate`` or ``s2``.

    Args:
        name: ``gate`` for :class:`GateActivation`, ``s2`` for :class:`SeparableS2Activation`.
        lmax: Highest degree.
        channels: Number of channels.
        order: Order of the components, ``e3nn`` or ``edge``.

    Returns:
        The activation.

    Raises:
        ValueError: for another name.
    """
    if name == "gate":
        return GateActivation(lmax, channels, order=order)
    if name == "s2":
        return SeparableS2Activation(lmax, channels, order=order)
    raise ValueError(f"activation {name!r} is unknown; choose 'gate' or 's2'")
