"""The transformer block of OrbEvo."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from graphlearn.models.batch import OrbitalInput
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


def molecule_edges(
    numbers: Tensor, positions_angstrom: Tensor, edge_index: Tensor, basis: GaussianBasis, lmax: int
) -> Geometry:
    """Geometry of a batch of molecules.

    Args:
        numbers: Atomic numbers, int64 [N].
        positions_angstrom: Positions, angstrom [N, 3].
        edge_index: Source and target, int64 [2, E].
        basis: K radial functions of a distance.
        lmax: Highest degree that the frames of the edges turn.

    Returns:
        Elements, edges, frames and radial functions.
    """
    positions = positions_angstrom[:, AXES]
    source, target = edge_index
    edge_vec = positions[target] - positions[source]
    return Geometry(numbers, edge_index, EdgeRotation(edge_vec, lmax), basis(edge_vec.norm(dim=-1)))


def edges_and_field(
    data: OrbitalInput, strength: Tensor, basis: GaussianBasis, lmax: int, *, vector_only: bool
) -> tuple[Geometry, FieldInput]:
    """Geometry and field of a batch.

    Args:
        data: Molecules and directions of their fields.
        strength: Samples of the field strength, normalised [B, P].
        basis: Radial functions of a distance.
        lmax: Highest degree.
        vector_only: Leave out degrees above one of the direction: to first order a uniform field acts as a vector.

    Returns:
        Geometry; strength, harmonics of the direction [B, (lmax+1)**2], and molecule of each atom [N].
    """
    harmonics = direction_harmonics(data.field_direction[:, AXES], lmax)
    if vector_only:
        harmonics = nn.functional.pad(harmonics[:, :4], (0, harmonics.shape[1] - 4))
    geometry = molecule_edges(data.numbers, data.positions_angstrom, data.edge_index, basis, lmax)
    return geometry, (strength, harmonics, data.batch)


def state_chunks(x: Tensor, size: int | None) -> Sequence[Tensor]:
    """Cut features into parts of a number of states.

    Args:
        x: [N, S, ...].
        size: States in each part; None for one part.

    Returns:
        Views of ``x``; the last one may hold fewer states.
    """
    parts: Sequence[Tensor] = x.split(size or x.shape[1], dim=1)  # type: ignore[no-untyped-call,unused-ignore]
    return parts


def embed_atoms(weights: Tensor, elements: Tensor, geometry: Geometry, average_degree: float) -> Tensor:
    """Elements, and the sum over the edges of each atom.

    Args:
        weights: Of the edges, [E, (lmax+1) C].
        elements: Embedded elements, [N, C].
        geometry: Of the molecules.
        average_degree: The sum is divided by it.

    Returns:
        [N, (lmax+1)**2, C].
    """
    lmax = weights.shape[-1] // elements.shape[-1] - 1
    spread = geometry.rotation.spread_scalars(torch.unflatten(weights, -1, (lmax + 1, -1)), lmax)
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
        """Normalise, and condition on the field.

        Args:
            x: Features, [N, S, (lmax+1)**2, channels].
            field: Strength [B, P], harmonics of the direction [B, (lmax+1)**2] and molecule of each atom [N]; None for
                no conditioning.

        Returns:
            Like ``x``.
        """
        y: Tensor = self.norm(x)
        return y if self.field is None or field is None else self.field(y, *field)


class FeedForward(nn.Module):
    """Linear map per degree, nonlinearity gated by invariants, linear map per degree."""

    def __init__(self, lmax: int, channels: int, hidden_channels: int, activation: str) -> None:
        super().__init__()
        self.activation = make_activation(activation, lmax, hidden_channels)
        self.gates = nn.Linear(channels, self.activation.num_gates)
        self.expand = DegreeLinear(lmax, channels, hidden_channels)
        self.contract = DegreeLinear(lmax, hidden_channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map each node by itself.

        Args:
            x: Features, [..., (lmax+1)**2, channels].

        Returns:
            Like ``x``.
        """
        out: Tensor = self.contract(self.activation(self.expand(x), self.gates(x[..., 0, :])))
        return out


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
        state_chunk_size: int | None = None,
    ) -> Tensor:
        """Apply the block.

        Args:
            x: Features, [N, S, (lmax+1)**2, channels].
            geometry: Of the molecules.
            field: Strength, harmonics of the direction, and molecule of each atom.
            density: Coupled density matrix of the edges (:meth:`DensityEncoder.couple`), for a block that takes it.
            state_chunk_size: Work through the states in parts of this size, to save memory.

        Returns:
            Like ``x``.
        """
        edge_features = None
        if self.density is not None and density is not None:
            edge_features = self.density.mix(density)
        scalars = self.scalars(geometry.radial, geometry.numbers, geometry.edge_index)
        parts = state_chunks(x, state_chunk_size)
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
