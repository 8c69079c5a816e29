"""OrbEvo with a learned response of the Hamiltonian: one network a molecule, exact linear algebra a state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from graphlearn.models.hamiltonian_response import propagate
from graphlearn.models.orbevo import ORBITAL_LMAX
from graphlearn.models.orbevo_block import FieldNorm, Geometry, OrbEvoBlock, embed_atoms, surroundings
from graphlearn.nn.equivariant import (
    DensityEncoder,
    EdgeScalars,
    GaussianBasis,
    PairBlocks,
    RadialMLP,
    SO2Linear,
    make_activation,
    reverse_edges,
)


class ResponseOrbEvo(nn.Module):
    r"""Propagates the occupied orbitals of a molecule under its ground-state Hamiltonian and a learned response of it.

    To first order in a weak field all that happens to the orbitals beyond independent particles is the change
    :math:`\delta F(t)` of the Hamiltonian with the density, the same operator for every state. The network sees the
    change of the density matrix over the last T frames and the field, and predicts :math:`\delta F` over the next T,
    as blocks between the orbitals of atom pairs, Q Legendre coefficients a frame; the states follow from

    .. math:: i \dot\Delta_{mn} = \omega_{mn} \Delta_{mn} + \kappa_{mn}\, e(t)
              + \beta^{-1} \langle m | \delta F(t) | n \rangle,

    solved in the basis of ground-state orbitals (:mod:`graphlearn.models.hamiltonian_response`). The cost of the
    network does not grow with the number of states. With ``linear_response`` (the default) :math:`\delta F` is the
    derivative of the network at rest, exactly linear in density and field.

    Args:
        channels: Channels of the node features.
        heads: Attention heads.
        num_blocks: Blocks.
        lmax: Highest degree of the features; 4 reaches all products of d orbitals.
        num_frames: Frames T of history and of prediction (time bundling).
        field_samples: Samples of the field strength, half of them before the last frame of history.
        num_legendre: Legendre coefficients Q of :math:`\delta F` between two frames.
        shells: Radial channels of s, p and d orbitals.
        cutoff_angstrom: Edges join atoms closer than this.
        num_radial: Gaussians of the distance.
        average_degree: Edges an atom, on average, in the training set.
        ffn_channels: Channels inside the feed-forward; by default twice ``channels``.
        alpha_channels: Channels a head for the attention weights.
        activation: ``gate`` (exactly equivariant) or ``s2``.
        response_scale: Size of :math:`\delta F / \beta` in units of the network, per fs.
        linear_response: Use the derivative of the network at rest.
    """

    def __init__(
        self,
        channels: int = 64,
        heads: int = 4,
        *,
        num_blocks: int = 2,
        lmax: int = 4,
        num_frames: int = 4,
        field_samples: int = 80,
        num_legendre: int = 3,
        shells: Sequence[int] = (2, 2, 1),
        cutoff_angstrom: float = 5.0,
        num_radial: int = 32,
        average_degree: float = 8.0,
        ffn_channels: int | None = None,
        alpha_channels: int = 16,
        activation: str = "gate",
        response_scale: float = 1.0,
        linear_response: bool = True,
    ) -> None:
        super().__init__()
        self.config: dict[str, Any] = {
            k: tuple(v) if k == "shells" else v for k, v in locals().items() if k not in ("self", "__class__")
        }
        if lmax < ORBITAL_LMAX:
            raise ValueError(f"need lmax >= 2, got {lmax}")
        sizes = {"channels": channels, "heads": heads, "num_frames": num_frames, "num_legendre": num_legendre}
        for name, size in {**sizes, "field_samples": field_samples, "num_radial - 1": num_radial - 1}.items():
            if not isinstance(size, int) or size < 1:
                raise ValueError(f"{name} must be a positive whole number, got {size!r}")
        if channels % heads:
            raise ValueError(f"heads ({heads}) must divide channels ({channels})")
        self.channels, self.lmax, self.num_frames, self.field_samples = channels, lmax, num_frames, field_samples
        self.num_legendre, self.shells, self.cutoff_angstrom = num_legendre, tuple(shells), cutoff_angstrom
        self.average_degree, self.response_scale, self.linear_response = average_degree, response_scale, linear_response
        attention = {
            "heads": heads, "hidden_channels": channels, "alpha_channels": alpha_channels, "radial_hidden": channels,
            "value_channels": channels // heads, "activation": activation,
        }  # fmt: skip
        field = {"hidden_channels": channels, "unit_gain": True}
        self.basis = GaussianBasis(num_radial, cutoff_angstrom)
        self.element = nn.Embedding(90, channels)
        self.edge_scalars = EdgeScalars(num_radial, channels)
        self.edge_degree = RadialMLP(self.edge_scalars.out_channels, channels, (lmax + 1) * channels)
        self.atom_density = DensityEncoder(self.shells, num_frames, channels, lmax=lmax)
        self.blocks = nn.ModuleList(
            OrbEvoBlock(
                lmax, channels, field_samples, num_radial, attention, field, density=(self.shells, num_frames),
                ffn_channels=ffn_channels or 2 * channels, alpha_dropout=0.0, path_dropout=0.0,
            )
            for _ in range(num_blocks)
        )  # fmt: skip
        self.norm = FieldNorm(lmax, channels, field_samples, field)
        self.pair_density = DensityEncoder(self.shells, num_frames, channels, lmax=lmax)
        self.pair_scalars = EdgeScalars(num_radial, channels)
        self.pair_activation = make_activation(activation, lmax, channels, order="edge")
        self.pair_first = SO2Linear(lmax, 3 * channels, channels, num_scalars=self.pair_activation.num_gates)
        self.pair_radial = RadialMLP(self.pair_scalars.out_channels, channels, self.pair_first.num_weights)
        self.pair_second = SO2Linear(lmax, channels, channels)
        operators = num_frames * num_legendre
        self.between = PairBlocks(self.shells, channels, operators, lmax=lmax)
        self.within = PairBlocks(self.shells, channels, operators, lmax=lmax)

    @property
    def geometry(self) -> dict[str, Any]:
        """Arguments of :class:`graphlearn.datasets.TDDFTTrajectories` that suit this model."""
        return {"cutoff_angstrom": self.cutoff_angstrom, "shells": self.shells, "particles": True}

    def forward(self, data: Any, *, states_at_once: int | None = None) -> Tensor:
        """Predict the next frames of a batch.

        Args:
            data: As for :class:`graphlearn.models.OrbEvo`, with ``particles`` and ``frame_fs``.
            states_at_once: Without effect: the network does not know states.

        Returns:
            The next T frames, real and imaginary, [N, S (or K), 9, R, T, 2].
        """
        if data.particles is None:
            raise ValueError("this model takes the modes of the ground state; read the data with particles=True")
        within, between = self.response(data)
        shape = (self.num_frames, self.num_legendre)
        with torch.autocast(within.device.type, enabled=False):
            operator = (within.to(data.c0).unflatten(1, shape), between.to(data.c0).unflatten(1, shape))
            return propagate(operator, data, self.shells)

    def response(self, data: Any) -> tuple[Tensor, Tensor]:
        r"""Change of the Hamiltonian :math:`\delta F / \beta`, in units of the network per fs.

        Returns:
            Blocks within atoms [N, T Q, A, A] and between them [E, T Q, A, A] (target, source), symmetric.
        """
        if not self.linear_response:
            return self._respond(data, data.delta, data.field_strength)
        still = torch.zeros_like(data.delta), torch.zeros_like(data.field_strength)
        response: tuple[Tensor, Tensor] = torch.func.jvp(
            lambda delta, strength: self._respond(data, delta, strength), still, (data.delta, data.field_strength)
        )[1]
        return response

    def _respond(self, data: Any, delta: Tensor, strength: Tensor) -> tuple[Tensor, Tensor]:
        batch, occupations = data.batch, data.occupations[data.batch]
        geometry, field = surroundings(data, strength, self.basis, self.lmax, vector_only=self.linear_response)
        same = torch.arange(len(batch), device=batch.device).expand(2, -1)
        x = self._embed_atoms(geometry) + self.atom_density(data.c0, delta, occupations, same)
        x = x.unsqueeze(1)
        coupled = self.atom_density.couple(data.c0, delta, occupations, geometry.edge_index)
        for block in cast(list[OrbEvoBlock], self.blocks):
            x = block(x, geometry, field, coupled)
        x = self.norm(x, field)
        source, target = geometry.edge_index
        ends = torch.cat([x.index_select(0, target), x.index_select(0, source)], dim=-1)
        pair = torch.cat([ends, self.pair_density.mix(coupled).unsqueeze(1)], dim=-1)
        weights = self.pair_radial(self.pair_scalars(geometry.radial, geometry.numbers, geometry.edge_index))
        hidden, gates = self.pair_first(geometry.rotation.into_edge(pair, self.lmax), weights.unsqueeze(1))
        hidden, _ = self.pair_second(self.pair_activation(hidden, gates))
        features = geometry.rotation.out_of_edge(hidden, self.lmax).squeeze(1)
        within, between = self.within(x.squeeze(1)), self.between(features)
        within = 0.5 * (within + within.transpose(-1, -2))
        back = between.index_select(0, reverse_edges(geometry.edge_index)).transpose(-1, -2)
        return self.response_scale * within, 0.5 * self.response_scale * (between + back)

    def _embed_atoms(self, geometry: Geometry) -> Tensor:
        scalars = self.edge_scalars(geometry.radial, geometry.numbers, geometry.edge_index)
        return embed_atoms(self.edge_degree(scalars), self.element(geometry.numbers), geometry, self.average_degree)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(channels={self.channels}, blocks={len(self.blocks)}, lmax={self.lmax}, "
            f"num_frames={self.num_frames})"
        )
