"""OrbEvo: an equivariant graph transformer that propagates the occupied orbitals of a molecule in a field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from graphlearn.models.batch import OrbitalInput
from graphlearn.models.orbevo.block import (
    FieldInput,
    FieldNorm,
    Geometry,
    OrbEvoBlock,
    edges_and_field,
    embed_atoms,
    state_chunks,
)
from graphlearn.models.orbevo.uncoupled import past_sources, propagate
from graphlearn.models.orbital_model import DataOptions, OrbitalModel
from graphlearn.nn.equivariant import (
    DegreeLinear,
    DensityEncoder,
    EdgeScalars,
    GaussianBasis,
    RadialMLP,
    SO2Attention,
)
from graphlearn.nn.equivariant.irreps import num_components

ORBITAL_LMAX = 2
_MESSAGES = 12  # arrays of channels x components that live together for each edge and state
_FEATURES = 6  # likewise for each atom and state; all states of the stream are kept


class OrbEvo(OrbitalModel):
    r"""Predicts the next T frames of all occupied orbitals from the last T frames and the field.

    Every state n of a molecule is a graph of atoms; states share edges, frames and weights. They exchange information
    in one of two ways, the paper's variants:

    - DM: through the density matrix :math:`D_{ij} = \sum_n \eta_n C_{n,i} \otimes C^*_{n,j}`; its diagonal blocks enter
      the atoms, its off-diagonal blocks the messages of the first ``num_density_blocks`` blocks;
    - WF: through the mean of their features (``pool_states``); after every plain block but the last,
      :math:`f_{n,i} \leftarrow f_{n,i} + G(\tfrac{1}{S}\sum_m f_m)_i` with a block G of its own on the graph of atoms.

    A weak field moves the orbitals in proportion to its strength. With ``linear_response`` the prediction is the
    derivative of the network f at the ground state without a field, in the direction of history and field,

    .. math:: \hat\delta = \partial_\epsilon f(\epsilon\,\delta, \epsilon\,e)\big|_{\epsilon = 0},

    so that it superposes and scales exactly, and nothing moves without a field.

    With ``independent_particles`` the orbitals are propagated under the ground-state Hamiltonian and the field, which
    costs next to nothing, and the network predicts the sources of :mod:`graphlearn.models.orbevo.uncoupled`: the
    response of the Hamiltonian. It sees the sources of its history too. The batch must hold ``modes``.

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
        average_degree: Edges per atom, on average, in the training set; scales the geometric embedding.
        hidden_channels: Channels inside the attention; by default ``channels``.
        ffn_channels: Channels inside the feed-forward; by default four times ``channels``.
        alpha_channels: Channels per head for the attention weights.
        value_channels: Channels per head for the values; by default ``channels // heads``.
        radial_hidden: Width of the radial and field networks; by default ``channels``.
        activation: ``gate`` (exactly equivariant) or ``s2`` (the paper's).
        unit_gain: Field conditioning scales by 1 + s rather than by s (the paper's).
        linear_response: Predict with the derivative of the network at rest, as above.
        independent_particles: Predict what the ground-state Hamiltonian leaves out, as above.
        source_scale: Size of that beside the orbitals, for the units of the network.
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
        linear_response: bool = False,
        independent_particles: bool = False,
        source_scale: float = 0.1,
        alpha_dropout: float = 0.0,
        path_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if lmax < ORBITAL_LMAX or density_lmax < lmax:
            raise ValueError(f"need 2 <= lmax <= density_lmax, got lmax={lmax}, density_lmax={density_lmax}")
        if num_density_blocks and density_lmax > 2 * ORBITAL_LMAX:
            raise ValueError(
                f"density_lmax is at most {2 * ORBITAL_LMAX}, the highest degree of products of two orbitals, "
                f"got {density_lmax}"
            )
        sizes = {"channels": channels, "heads": heads, "num_frames": num_frames, "field_samples": field_samples}
        for name, size in {**sizes, "num_radial - 1": num_radial - 1}.items():
            if not isinstance(size, int) or size < 1:
                raise ValueError(f"{name} must be a positive whole number, got {size!r}")
        if value_channels is None and channels % heads:
            raise ValueError(f"heads ({heads}) must divide channels ({channels}), or give value_channels")
        if len(shells) != ORBITAL_LMAX + 1:
            raise ValueError(f"shells counts the radial channels of s, p and d, got {tuple(shells)}")
        self.config = {
            "channels": channels, "heads": heads, "num_density_blocks": num_density_blocks, "num_blocks": num_blocks,
            "pool_states": pool_states, "density_lmax": density_lmax, "lmax": lmax, "num_frames": num_frames,
            "field_samples": field_samples, "shells": tuple(shells), "cutoff_angstrom": cutoff_angstrom,
            "num_radial": num_radial, "average_degree": average_degree, "hidden_channels": hidden_channels,
            "ffn_channels": ffn_channels, "alpha_channels": alpha_channels, "value_channels": value_channels,
            "radial_hidden": radial_hidden, "activation": activation, "unit_gain": unit_gain,
            "linear_response": linear_response, "independent_particles": independent_particles,
            "source_scale": source_scale, "alpha_dropout": alpha_dropout, "path_dropout": path_dropout,
        }  # fmt: skip
        self.channels, self.num_frames, self.field_samples = channels, num_frames, field_samples
        self.lmax, self.shells, self.linear_response = lmax, tuple(shells), linear_response
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
        self.independent_particles, self.source_scale = independent_particles, source_scale
        moving = 4 * num_frames if independent_particles else 2 * num_frames
        self.state = DegreeLinear(ORBITAL_LMAX, self.num_radial_slots * (moving + 1), channels)
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
        """The paper's configuration.

        Args:
            variant: ``dm`` or ``wf``.
            **changes: Arguments of the constructor that differ from the paper's.

        Returns:
            The network, untrained.

        Raises:
            ValueError: for another variant.
        """
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

    @property
    def geometry(self) -> DataOptions:
        """Arguments of :class:`graphlearn.datasets.TDDFTTrajectories` that suit this model."""
        return {
            "cutoff_angstrom": self.cutoff_angstrom, "shells": self.shells, "modes": self.independent_particles,
        }  # fmt: skip

    def forward_bytes(self, data: OrbitalInput, states: int) -> int:
        """Estimate the peak memory of a forward pass without gradients, bytes.

        Args:
            data: What is to be predicted.
            states: Number of states that are worked through at a time.

        Returns:
            Bytes.
        """
        atoms, edges = len(data.numbers), data.edge_index.shape[1]
        number = data.c0.element_size()
        size = num_components(self.top_lmax) * self.channels * number * (2 if self.linear_response else 1)
        density = 0
        if self.atom_density is not None:
            orbitals = sum(count * (2 * l + 1) for l, count in enumerate(self.shells))
            density = edges * (2 * self.num_frames + 1) * orbitals**2 * number * 4
        return _MESSAGES * edges * states * size + _FEATURES * atoms * data.occupations.shape[1] * size + density

    def message_bytes(self, data: OrbitalInput) -> int:
        """Size of the messages of one state along all edges, bytes.

        Args:
            data: What is to be predicted.

        Returns:
            Bytes.
        """
        return data.edge_index.shape[1] * num_components(self.top_lmax) * self.channels * data.c0.element_size()

    @classmethod
    def idle_arguments(cls, arguments: Mapping[str, Any]) -> dict[str, str]:
        """Name the arguments that have no effect beside the others.

        Args:
            arguments: All of the constructor by name.

        Returns:
            Why, by name.
        """
        idle = {}
        if not arguments["num_density_blocks"]:
            idle["density_lmax"] = "there is no block with density interaction (num_density_blocks)"
        if not arguments["independent_particles"]:
            idle["source_scale"] = "independent_particles is off"
        if not arguments["num_density_blocks"] and not arguments["num_blocks"]:
            idle |= dict.fromkeys(("ffn_channels", "alpha_dropout", "path_dropout"), "there is no block")
        if arguments["pool_states"] and arguments["num_blocks"] < 2:
            idle["pool_states"] = "there is no pair of plain blocks to pool between (num_blocks)"
        return idle

    def forward(self, data: OrbitalInput, *, state_chunk_size: int | None = None) -> Tensor:
        """Predict the next frames of a batch.

        Args:
            data: An object with the tensors of :class:`graphlearn.datasets.OrbitalBatch` (N atoms, B molecules, S
                states, R radial slots, T frames): ``numbers`` [N], ``positions_angstrom`` [N, 3], ``edge_index``
                [2, E], ``batch`` [N], ``c0`` [N, S, 9, R], ``delta`` [N, S, 9, R, T, 2], ``slot_mask`` [N, 9, R],
                ``occupations`` [B, S], ``field_strength`` [B, field_samples], ``field_direction`` [B, 3], and
                ``states``: None, or the K states of each molecule to predict, int64 [B, K]; the density matrix is
                that of all states. With ``independent_particles`` also ``modes`` and ``frame_fs``.
            state_chunk_size: Work through the states in parts of this size, to save memory where no gradient is needed.

        Returns:
            The next T frames, real and imaginary, [N, S (or K), 9, R, T, 2], zero in slots that hold no orbital,
            normalised as ``delta``.

        Raises:
            ValueError: if the model takes modes and the batch holds none.
        """
        if self.independent_particles and data.modes is None:
            raise ValueError("this model takes the modes of the ground state; read the data with modes=True")
        if not self.linear_response:
            return self._propagate(data, data.delta, data.field_strength, state_chunk_size)
        still = torch.zeros_like(data.delta), torch.zeros_like(data.field_strength)
        response: Tensor = torch.func.jvp(
            lambda delta, strength: self._propagate(data, delta, strength, state_chunk_size),
            still,
            (data.delta, data.field_strength),
        )[1]
        return response

    def history(self, data: OrbitalInput) -> list[Tensor]:
        """Invariant features after the embedding and after every block, the mean over states, [N, channels] each.

        What :class:`graphlearn.nn.HistoryReadout` takes, with ``data.batch``.
        """
        geometry, field = self._edges_and_field(data, data.field_strength)
        share = self._share(data).unsqueeze(-1)
        layers = self._layers(data, data.delta, geometry, field, None)
        return [(x[:, :, 0] * share.to(x.dtype)).sum(1) for x in layers]

    def _propagate(self, data: OrbitalInput, delta: Tensor, strength: Tensor, state_chunk_size: int | None) -> Tensor:
        geometry, field = self._edges_and_field(data, strength)
        for x in self._layers(data, delta, geometry, field, state_chunk_size):
            last = x
        x = self.norm(last[:, :, : num_components(self.lmax)], field)
        scalars = self.head_scalars(geometry.radial, geometry.numbers, geometry.edge_index)
        parts = state_chunks(x, state_chunk_size)
        out = torch.cat([self.head(part, geometry.edge_index, geometry.rotation, scalars) for part in parts], dim=1)
        out = out[:, :, : num_components(ORBITAL_LMAX)]
        out = torch.unflatten(out, -1, (self.num_radial_slots, self.num_frames, 2))
        out = out * data.slot_mask[:, None, :, :, None, None]
        if not self.independent_particles:
            return out
        now = delta[..., -1, :]
        if data.states is not None:
            now = chosen_states(now, data.states[data.batch])
        with torch.autocast(now.device.type, enabled=False):
            return propagate(now, self.source_scale * out.to(now), strength, data)

    def _layers(
        self, data: OrbitalInput, delta: Tensor, geometry: Geometry, field: FieldInput, state_chunk_size: int | None
    ) -> Iterator[Tensor]:
        """Features [N, S, (l+1)**2, channels] after the embedding and after every block."""
        occupations = data.occupations[data.batch]
        inputs, moving = data.c0, delta
        if data.states is not None:
            inputs, moving = (chosen_states(x, data.states[data.batch]) for x in (inputs, moving))
        states = [inputs, moving.flatten(3)]
        if self.independent_particles:
            with torch.autocast(moving.device.type, enabled=False):
                states.append(past_sources(moving, field[0], data).flatten(3) / self.source_scale)
        x = self.state(torch.cat(states, dim=-1))
        atoms = self._embed_atoms(geometry)
        if self.atom_density is not None:
            same = torch.arange(len(atoms), device=atoms.device).expand(2, -1)
            atoms = atoms + self.atom_density(data.c0, delta, occupations, same)
        atoms = atoms.unsqueeze(1).expand(-1, x.shape[1], -1, -1)
        x = torch.cat([atoms[:, :, : x.shape[2]] + x, atoms[:, :, x.shape[2] :]], dim=2)
        yield x
        share, coupled = self._share(data), None
        if self.atom_density is not None:
            coupled = self.atom_density.couple(data.c0, delta, occupations, geometry.edge_index)
        for index, block in enumerate(cast(list[OrbEvoBlock], self.blocks)):
            x = x[:, :, : num_components(block.lmax)]
            x = block(x, geometry, field, coupled, state_chunk_size)
            if str(index) in self.pools:
                mean = torch.einsum("ns,nsmc->nmc", share.to(x.dtype), x).unsqueeze(1)
                x = x + self.pools[str(index)](mean, geometry, field)
            yield x

    @staticmethod
    def _share(data: OrbitalInput) -> Tensor:
        """Share of each predicted state in a mean over states, [N, S]; zero for padding."""
        present = data.occupations if data.states is None else data.occupations.gather(1, data.states)
        share = (present > 0) / (present > 0).sum(1, keepdim=True)
        return share[data.batch]

    def _edges_and_field(self, data: OrbitalInput, strength: Tensor) -> tuple[Geometry, FieldInput]:
        return edges_and_field(data, strength, self.basis, self.top_lmax, vector_only=self.linear_response)

    def _embed_atoms(self, geometry: Geometry) -> Tensor:
        """Elements and geometry, [N, (top_lmax+1)**2, channels]."""
        scalars = self.edge_scalars(geometry.radial, geometry.numbers, geometry.edge_index)
        return embed_atoms(self.edge_degree(scalars), self.element(geometry.numbers), geometry, self.average_degree)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(channels={self.channels}, blocks={len(self.blocks)}, "
            f"lmax={self.top_lmax}->{self.lmax}, num_frames={self.num_frames})"
        )


def chosen_states(x: Tensor, states: Tensor) -> Tensor:
    """Pick states of each atom.

    Args:
        x: One row per atom and state, [N, S, ...].
        states: Indices of states per atom, int64 [N, K].

    Returns:
        [N, K, ...].
    """
    return torch.take_along_dim(x, states.view(*states.shape, *[1] * (x.dim() - 2)), dim=1)
