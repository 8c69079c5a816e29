"""The transformer block of OrbEvo."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from graphlearn.nn.equivariant import (
    DegreeLinear,
    DensityEncoder,
    EdgeRotation,
    EdgeScalars,
    EquivariantRMSNorm,
    FieldConditioning,
    GaussianBasis,
    SO2Attention,
    direction_harmonics,
    make_activation,
)

AXES = [1, 2, 0]  # e3nn's l = 1 is (x, y, z) of its axes; with (y, z, x) it is (y, z, x) = (p_-1, p_0, p_1)
FieldInput = tuple[Tensor, Tensor, Tensor]


class Geometry(NamedTuple):
    """What all states and all blocks share: elements [N], edges [2, E], their frames, and radial functions [E, K]."""

    numbers: Tensor
    edge_index: Tensor
    rotation: EdgeRotation
    radial: Tensor


def geometry_of(
    numbers: Tensor, positions_angstrom: Tensor, edge_index: Tensor, basis: GaussianBasis, lmax: int
) -> Geometry:
    """Geometry of a batch of molecules."""
    positions = positions_angstrom[:, AXES]
    source, target = edge_index
    edge_vec = positions[target] - positions[source]
    return Geometry(numbers, edge_index, EdgeRotation(edge_vec, lmax), basis(edge_vec.norm(dim=-1)))


def surroundings(
    data: Any, strength: Tensor, basis: GaussianBasis, lmax: int, *, vector_only: bool
) -> tuple[Geometry, FieldInput]:
    """Geometry and field of a batch; ``vector_only``: to first order a uniform field acts as a vector."""
    harmonics = direction_harmonics(data.field_direction[:, AXES], lmax)
    if vector_only:
        harmonics = nn.functional.pad(harmonics[:, :4], (0, harmonics.shape[1] - 4))
    geometry = geometry_of(data.numbers, data.positions_angstrom, data.edge_index, basis, lmax)
    return geometry, (strength, harmonics, data.batch)


def embed_atoms(weights: Tensor, elements: Tensor, geometry: Geometry, average_degree: float) -> Tensor:
    """Elements [N, C] and what the edges [E, (lmax+1) C] say about each atom, [N, (lmax+1)**2, C]."""
    lmax = weights.shape[-1] // elements.shape[-1] - 1
    spread = geometry.rotation.spread_scalars(weights.unflatten(-1, (lmax + 1, -1)), lmax)
    x = spread.new_zeros(len(elements), *spread.shape[1:]).index_add(0, geometry.edge_index[1], spread)
    x = x / average_degree
    return torch.cat([x[:, :1] + elements.unsqueeze(1), x[:, 1:]], dim=1)


class FieldNorm(nn.Module):
    """Equivariant norm followed by field conditioning, where there are samples of a field."""

    def __init__(self, lmax: int, channels: int, field_samples: int, field: dict[str, Any]) -> None:
        super().__init__()
        self.norm = EquivariantRMSNorm(lmax, channels)
        self.field = FieldConditioning(lmax, channels, field_samples, **field) if field_samples else None

    def forward(self, x: Tensor, field: FieldInput | None) -> Tensor:
        """Normalise and condition."""
        y: Tensor = self.norm(x)
        return y if self.field is None or field is None else self.field(y, *field)


class FeedForward(nn.Module):
    """Linear map a degree, nonlinearity gated by invariants, linear map a degree."""

    def __init__(self, lmax: int, channels: int, hidden_channels: int, activation: str) -> None:
        super().__init__()
        self.activation = make_activation(activation, lmax, hidden_channels)
        self.gates = nn.Linear(channels, self.activation.num_gates)
        self.expand = DegreeLinear(lmax, channels, hidden_channels)
        self.contract = DegreeLinear(lmax, hidden_channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Apply."""
        return self.contract(self.activation(self.expand(x), self.gates(x[..., 0, :])))


class OrbEvoBlock(nn.Module):
    """Pre-norm transformer block: attention between atoms, then feed-forward, both residual.

    With ``field_samples=0`` it knows no field.
    """

    def __init__(
        self,
        lmax: int,
        channels: int,
        field_samples: int,
        num_radial: int,
        attention: dict[str, Any],
        field: dict[str, Any],
        *,
        density: tuple[tuple[int, ...], int] | None,
        ffn_channels: int,
        alpha_dropout: float,
        path_dropout: float,
    ) -> None:
        super().__init__()
        self.lmax, self.path_dropout = lmax, path_dropout
        self.density = DensityEncoder(*density, channels, lmax=lmax) if density else None
        self.scalars = EdgeScalars(num_radial, channels)
        self.attention_norm = FieldNorm(lmax, channels, field_samples, field)
        self.attention = SO2Attention(
            lmax, channels, channels, edge_scalars=self.scalars.out_channels, alpha_dropout=alpha_dropout,
            edge_channels=channels if density else 0, **attention,
        )  # fmt: skip
        self.feed_norm = FieldNorm(lmax, channels, field_samples, field)
        self.feed_forward = FeedForward(lmax, channels, ffn_channels, attention["activation"])

    def forward(
        self,
        x: Tensor,
        geometry: Geometry,
        field: FieldInput | None = None,
        density: Tensor | None = None,
        states_at_once: int | None = None,
    ) -> Tensor:
        """Apply the block.

        Args:
            x: Features, [N, S, (lmax+1)**2, channels].
            geometry: Of the molecules.
            field: Strength, harmonics of the direction, and molecule of each atom.
            density: Coupled density matrix of the edges (:meth:`DensityEncoder.couple`), for a block that takes it.
            states_at_once: Work through the states in parts of this size, to save memory.
        """
        edge_features = None
        if self.density is not None and density is not None:
            edge_features = self.density.mix(density)
        scalars = self.scalars(geometry.radial, geometry.numbers, geometry.edge_index)
        parts = x.split(states_at_once or x.shape[1], dim=1)
        return torch.cat([self._states(part, geometry, field, scalars, edge_features) for part in parts], dim=1)

    def _states(
        self, x: Tensor, geometry: Geometry, field: FieldInput | None, scalars: Tensor, edge_features: Tensor | None
    ) -> Tensor:
        message = self.attention(
            self.attention_norm(x, field), geometry.edge_index, geometry.rotation, scalars, edge_features
        )
        x = x + self._drop_path(message, field)
        return x + self._drop_path(self.feed_forward(self.feed_norm(x, field)), field)

    def _drop_path(self, x: Tensor, field: FieldInput | None) -> Tensor:
        if not self.training or self.path_dropout == 0.0 or field is None:
            return x
        batch = field[2]
        graphs = int(batch.max()) + 1
        keep = torch.rand(graphs, x.shape[1], device=x.device) >= self.path_dropout
        return x * (keep[batch] / (1.0 - self.path_dropout))[:, :, None, None]
