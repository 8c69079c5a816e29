"""OrbEvo: an equivariant graph transformer that propagates the occupied orbitals of a molecule in a field."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

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
    RadialMLP,
    SO2Attention,
    direction_harmonics,
    make_activation,
)
from graphlearn.nn.equivariant.irreps import num_components

ORBITAL_LMAX = 2
AXES = [1, 2, 0]  # e3nn's l = 1 is (x, y, z) of its axes; with (y, z, x) it is (y, z, x) = (p_-1, p_0, p_1)


class OrbEvo(nn.Module):
    r"""Predicts the next T frames of all occupied orbitals from the last T frames and the field.

    Every state n of a molecule is a graph of atoms; states share edges, frames and weights. They exchange information
    in one of two ways, the paper's variants:

    - DM: through the density matrix :math:`D_{ij} = \sum_n \eta_n C_{n,i} \otimes C^*_{n,j}`; its diagonal blocks enter
      the atoms, its off-diagonal blocks the messages of the first ``num_density_blocks`` blocks;
    - WF: through the mean of their features (``pool_states``); after every plain block but the last,
      :math:`f_{n,i} \leftarrow f_{n,i} + G(\tfrac{1}{S}\sum_m f_m)_i` with a block G of its own on the graph of atoms.

    The output turns with molecule and field, does not depend on the order of atoms or states, nor on what else is in
    the batch.

    Args:
        channels: Channels of the node features.
        heads: Attention heads.
        num_density_blocks: Blocks with density interaction; 0 leaves the density matrix out.
        num_blocks: Plain blocks after them.
        pool_states: Let states exchange their mean between plain blocks.
        density_lmax: Highest degree in the blocks with density interaction; without them it is ``lmax``.
        lmax: Highest degree in the plain blocks; at least 2, the degree of d orbitals.
        num_frames: Frames T of history and of prediction (time bundling).
        field_samples: Samples of the field strength, half of them before the last frame of history.
        shells: Radial channels of s, p and d orbitals.
        cutoff_angstrom: Edges join atoms closer than this.
        num_radial: Gaussians of the distance.
        average_degree: Edges an atom, on average, in the training set; scales the geometric embedding.
        hidden_channels: Channels inside the attention; by default ``channels``.
        ffn_channels: Channels inside the feed-forward; by default four times ``channels``.
        alpha_channels: Channels a head for the attention weights.
        value_channels: Channels a head for the values; by default ``channels // heads``.
        radial_hidden: Width of the radial and field networks; by default ``channels``.
        activation: ``gate`` (exactly equivariant) or ``s2`` (the paper's).
        unit_gain: Field conditioning scales by 1 + s rather than by s (the paper's).
        alpha_dropout: Dropout of attention weights.
        path_dropout: Probability of skipping a residual branch, for each state of each molecule.

    Source: Zhang et al., Orbital Transformers for Predicting Wavefunctions in Time-Dependent Density Functional Theory,
    arXiv 2603.03511.
    """

    def __init__(
        self,
        channels: int = 128,
        heads: int = 8,
        *,
        num_density_blocks: int = 2,
        num_blocks: int = 4,
        pool_states: bool = False,
        density_lmax: int = 4,
        lmax: int = 2,
        num_frames: int = 8,
        field_samples: int = 160,
        shells: Sequence[int] = (2, 2, 1),
        cutoff_angstrom: float = 5.0,
        num_radial: int = 250,
        average_degree: float = 15.571,
        hidden_channels: int | None = None,
        ffn_channels: int | None = None,
        alpha_channels: int = 32,
        value_channels: int | None = None,
        radial_hidden: int | None = None,
        activation: str = "gate",
        unit_gain: bool = True,
        alpha_dropout: float = 0.0,
        path_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if lmax < ORBITAL_LMAX or density_lmax < lmax:
            raise ValueError(f"need 2 <= lmax <= density_lmax, got lmax={lmax}, density_lmax={density_lmax}")
        sizes = {"channels": channels, "heads": heads, "num_frames": num_frames, "field_samples": field_samples}
        for name, size in {**sizes, "num_radial - 1": num_radial - 1}.items():
            if not isinstance(size, int) or size < 1:
                raise ValueError(f"{name} must be a positive whole number, got {size!r}")
        if value_channels is None and channels % heads:
            raise ValueError(f"heads ({heads}) must divide channels ({channels}), or give value_channels")
        if len(shells) != ORBITAL_LMAX + 1:
            raise ValueError(f"shells counts the radial channels of s, p and d, got {tuple(shells)}")
        self.config: dict[str, Any] = {
            k: tuple(v) if k == "shells" else v
            for k, v in locals().items()
            if k not in ("self", "__class__", "sizes", "name", "size")
        }
        self.channels, self.num_frames, self.field_samples = channels, num_frames, field_samples
        self.lmax, self.shells = lmax, tuple(shells)
        self.top_lmax = density_lmax = density_lmax if num_density_blocks else lmax
        self.cutoff_angstrom, self.average_degree = cutoff_angstrom, average_degree
        self.num_radial_slots = max(shells)
        hidden, width = hidden_channels or channels, radial_hidden or channels
        attention: dict[str, Any] = {
            "heads": heads, "hidden_channels": hidden, "alpha_channels": alpha_channels, "radial_hidden": width,
            "value_channels": value_channels or channels // heads, "activation": activation,
        }  # fmt: skip
        field = {"hidden_channels": width, "unit_gain": unit_gain}

        self.basis = GaussianBasis(num_radial, cutoff_angstrom)
        self.element = nn.Embedding(90, channels)
        self.edge_scalars = EdgeScalars(num_radial, channels)
        self.edge_degree = RadialMLP(self.edge_scalars.out_channels, width, (density_lmax + 1) * channels)
        self.state = DegreeLinear(ORBITAL_LMAX, self.num_radial_slots * (2 * num_frames + 1), channels)
        self.atom_density = (
            DensityEncoder(self.shells, num_frames, channels, lmax=density_lmax) if num_density_blocks else None
        )

        def block(degree: int, density: tuple[tuple[int, ...], int] | None = None) -> OrbEvoBlock:
            return OrbEvoBlock(
                degree, channels, field_samples, num_radial, attention, field, density=density,
                ffn_channels=ffn_channels or 4 * channels, alpha_dropout=alpha_dropout, path_dropout=path_dropout,
            )  # fmt: skip

        dense = [block(density_lmax, (self.shells, num_frames)) for _ in range(num_density_blocks)]
        self.blocks = nn.ModuleList([*dense, *(block(lmax) for _ in range(num_blocks))])
        pooled = range(num_density_blocks, len(self.blocks) - 1) if pool_states else ()
        self.pools = nn.ModuleDict({str(index): block(lmax) for index in pooled})
        self.norm = FieldNorm(lmax, channels, field_samples, field)
        self.head_scalars = EdgeScalars(num_radial, channels)
        self.head = SO2Attention(
            lmax, channels, 2 * num_frames * self.num_radial_slots, edge_scalars=self.head_scalars.out_channels,
            **attention,
        )  # fmt: skip

    @classmethod
    def published(cls, variant: str = "dm", **changes: Any) -> OrbEvo:
        """The paper's configuration: ``dm`` or ``wf``."""
        interaction: dict[str, dict[str, Any]] = {
            "dm": {},
            "wf": {"num_density_blocks": 0, "num_blocks": 6, "pool_states": True},
        }
        if variant not in interaction:
            raise ValueError(f"variant {variant!r} is not in the paper; choose one of {', '.join(interaction)}")
        settings: dict[str, Any] = {
            "activation": "s2", "unit_gain": False, "alpha_dropout": 0.1, "path_dropout": 0.05,
        }  # fmt: skip
        return cls(**{**settings, **interaction[variant], **changes})

    def forward(self, data: Any) -> Tensor:
        """Predict the next frames of a batch.

        Args:
            data: An object with the tensors of :class:`graphlearn.datasets.OrbitalBatch` (N atoms, B molecules, S
                states, R radial slots, T frames): ``numbers`` [N], ``positions_angstrom`` [N, 3], ``edge_index``
                [2, E], ``batch`` [N], ``c0`` [N, S, 9, R], ``delta`` [N, S, 9, R, T, 2], ``slot_mask`` [N, 9, R],
                ``occupations`` [B, S], ``field_strength`` [B, field_samples], ``field_direction`` [B, 3].

        Returns:
            The next T frames, real and imaginary, [N, S, 9, R, T, 2], zero in slots that hold no orbital.
        """
        numbers, edge_index, batch = data.numbers, data.edge_index, data.batch
        positions = data.positions_angstrom[:, AXES]
        harmonics = direction_harmonics(data.field_direction[:, AXES], self.top_lmax)
        occupations = data.occupations[batch]
        source, target = edge_index
        edge_vec = positions[target] - positions[source]
        rotation = EdgeRotation(edge_vec, self.top_lmax)
        radial = self.basis(edge_vec.norm(dim=-1))
        field = (data.field_strength, harmonics, batch)

        x = self._embed_atoms(numbers, edge_index, rotation, radial)
        states = torch.cat([data.c0, data.delta.flatten(3)], dim=-1)
        states = self.state(states)
        if self.atom_density is not None:
            same = torch.arange(len(numbers), device=numbers.device).expand(2, -1)
            x = x + self.atom_density(data.c0, data.delta, occupations, same)
        x = x.unsqueeze(1).expand(-1, states.shape[1], -1, -1)
        x = torch.cat([x[:, :, : states.shape[2]] + states, x[:, :, states.shape[2] :]], dim=2)
        share = (occupations > 0) / (occupations > 0).sum(1, keepdim=True)  # of a state in the mean, [N, S]
        for index, block in enumerate(cast(list[OrbEvoBlock], self.blocks)):
            x = x[:, :, : num_components(block.lmax)]
            density = (data.c0, data.delta, occupations, edge_index) if block.density is not None else None
            x = block(x, numbers, edge_index, rotation, radial, field, density)
            if str(index) in self.pools:
                mean = torch.einsum("ns,nsmc->nmc", share.to(x.dtype), x).unsqueeze(1)
                x = x + self.pools[str(index)](mean, numbers, edge_index, rotation, radial, field, None)
        x = self.norm(x[:, :, : num_components(self.lmax)], field)
        out = self.head(x, edge_index, rotation, self.head_scalars(radial, numbers, edge_index))
        out = out[:, :, : num_components(ORBITAL_LMAX)]
        out = out.unflatten(-1, (self.num_radial_slots, self.num_frames, 2))
        return out * data.slot_mask[:, None, :, :, None, None]

    def _embed_atoms(self, numbers: Tensor, edge_index: Tensor, rotation: EdgeRotation, radial: Tensor) -> Tensor:
        """Elements and geometry, [N, (top_lmax+1)**2, channels]."""
        weights = self.edge_degree(self.edge_scalars(radial, numbers, edge_index))
        spread = rotation.spread_scalars(weights.unflatten(-1, (self.top_lmax + 1, -1)), self.top_lmax)
        x = spread.new_zeros(len(numbers), *spread.shape[1:]).index_add(0, edge_index[1], spread)
        x = x / self.average_degree
        return torch.cat([x[:, :1] + self.element(numbers).unsqueeze(1), x[:, 1:]], dim=1)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(channels={self.channels}, blocks={len(self.blocks)}, "
            f"lmax={self.top_lmax}->{self.lmax}, num_frames={self.num_frames})"
        )


FieldInput = tuple[Tensor, Tensor, Tensor]


class FieldNorm(nn.Module):
    """Equivariant norm followed by field conditioning."""

    def __init__(self, lmax: int, channels: int, field_samples: int, field: dict[str, Any]) -> None:
        super().__init__()
        self.norm = EquivariantRMSNorm(lmax, channels)
        self.field = FieldConditioning(lmax, channels, field_samples, **field)

    def forward(self, x: Tensor, field: FieldInput) -> Tensor:
        """Normalise and condition."""
        return self.field(self.norm(x), *field)


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
    """Pre-norm transformer block: attention between atoms, then feed-forward, both residual."""

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
        numbers: Tensor,
        edge_index: Tensor,
        rotation: EdgeRotation,
        radial: Tensor,
        field: FieldInput,
        density: tuple[Tensor, Tensor, Tensor, Tensor] | None,
    ) -> Tensor:
        """Apply the block to features [N, S, (lmax+1)**2, channels]."""
        edge_features = self.density(*density) if self.density is not None and density is not None else None
        scalars = self.scalars(radial, numbers, edge_index)
        message = self.attention(self.attention_norm(x, field), edge_index, rotation, scalars, edge_features)
        x = x + self._drop_path(message, field[2])
        return x + self._drop_path(self.feed_forward(self.feed_norm(x, field)), field[2])

    def _drop_path(self, x: Tensor, batch: Tensor) -> Tensor:
        if not self.training or self.path_dropout == 0.0:
            return x
        graphs = int(batch.max()) + 1
        keep = torch.rand(graphs, x.shape[1], device=x.device) >= self.path_dropout
        return x * (keep[batch] / (1.0 - self.path_dropout))[:, :, None, None]
