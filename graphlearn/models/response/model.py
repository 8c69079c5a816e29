"""ResponseOrbEvo, a learned response of the Hamiltonian: one pass per molecule, exact mechanics for the orbitals."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from graphlearn.models.batch import OrbitalInput
from graphlearn.models.orbevo.block import FieldNorm, Geometry, OrbEvoBlock, embed_atoms, molecule_edges
from graphlearn.models.orbevo.model import chosen_states
from graphlearn.models.orbevo.modes import molecules_of
from graphlearn.models.orbital_model import DataOptions, OrbitalModel
from graphlearn.models.response.dynamics import propagate
from graphlearn.models.response.kernel import ORBITAL_PAIR_LMAX, Kernel, KernelFactors, ResponseKernel, kernel_of
from graphlearn.nn.equivariant import EdgeScalars, GaussianBasis, RadialMLP

_KERNEL_PARTS = 4  # arrays of the size of a kernel's fit that live together while it is built


class ResponseOrbEvo(OrbitalModel):
    r"""Propagates the occupied orbitals of a molecule under its ground-state Hamiltonian and a learned response of it.

    To first order in a weak field all that happens to the orbitals beyond independent particles is the change of the
    Hamiltonian with the density. For functionals without exact exchange it is a real, symmetric, instantaneous linear
    map of the density, the kernel K of linear-response theory. A graph transformer on the atoms predicts K, as a fit
    of products of orbitals by a few auxiliary functions on each atom and a metric between those
    (:mod:`graphlearn.models.response.kernel`); the orbitals follow from

    .. math:: i \dot\delta_{mn} = \omega_{mn}\, \delta_{mn} + \kappa_{mn}\, e(t)
              + \sum_{m'n'} K_{mn,m'n'}\, \mathrm{Re}\, \delta_{m'n'}

    by a symplectic integrator (:mod:`graphlearn.models.response.dynamics`). The result is linear in the field, its
    oscillations neither grow nor fade, it does not depend on the signs of orbitals, and it may be continued for any
    time. The network runs once per molecule: it knows neither states, nor frames, nor the field.

    Args:
        channels: Channels of the node features.
        heads: Attention heads.
        num_blocks: Blocks.
        lmax: Highest degree of the features.
        auxiliary: Auxiliary functions of each degree l = 0, 1, ... per atom.
        num_frames: Frames T of a prediction; no weight depends on it.
        field_samples: Samples of the field strength, half of them before the last frame of history.
        shells: Radial channels of s, p and d orbitals.
        cutoff_angstrom: Atoms closer than this see each other and polarise each other.
        num_radial: Gaussians of the distance.
        average_degree: Edges per atom, on average, in the training set.
        activation: ``gate`` (exactly equivariant) or ``s2``.
        fit_scale: Size of the fit at the start.
    """

    any_number_of_frames = True  # no weight depends on it
    splits_states = False  # the network does not know states
    depends_on_signs = False

    def __init__(
        self,
        channels: int = 32,
        heads: int = 4,
        *,
        num_blocks: int = 1,
        lmax: int = 2,
        auxiliary: Sequence[int] = (4, 3, 2),
        num_frames: int = 8,
        field_samples: int = 160,
        shells: Sequence[int] = (2, 2, 1),
        cutoff_angstrom: float = 8.0,
        num_radial: int = 32,
        average_degree: float = 8.0,
        activation: str = "gate",
        fit_scale: float = 0.2,
    ) -> None:
        super().__init__()
        self.config = {
            "channels": channels, "heads": heads, "num_blocks": num_blocks, "lmax": lmax,
            "auxiliary": tuple(auxiliary), "num_frames": num_frames, "field_samples": field_samples,
            "shells": tuple(shells), "cutoff_angstrom": cutoff_angstrom, "num_radial": num_radial,
            "average_degree": average_degree, "activation": activation, "fit_scale": fit_scale,
        }  # fmt: skip
        sizes = {"channels": channels, "heads": heads, "num_frames": num_frames, "field_samples": field_samples}
        for name, size in {**sizes, "num_radial - 1": num_radial - 1}.items():
            if not isinstance(size, int) or size < 1:
                raise ValueError(f"{name} must be a positive whole number, got {size!r}")
        if channels % heads:
            raise ValueError(f"heads ({heads}) must divide channels ({channels})")
        if field_samples % (2 * num_frames):
            raise ValueError(f"field_samples ({field_samples}) must be a multiple of 2 x num_frames ({num_frames})")
        if not 1 <= len(auxiliary) <= ORBITAL_PAIR_LMAX + 1 or min(auxiliary) < 0 or auxiliary[0] < 1:
            raise ValueError(f"auxiliary counts functions of l = 0, 1, ... up to 4, got {tuple(auxiliary)}")
        self.channels, self.lmax, self.num_frames, self.field_samples = channels, lmax, num_frames, field_samples
        self.shells, self.cutoff_angstrom, self.average_degree = tuple(shells), cutoff_angstrom, average_degree
        attention = {
            "heads": heads, "hidden_channels": channels, "alpha_channels": max(4, channels // heads),
            "radial_hidden": channels, "value_channels": channels // heads, "activation": activation,
        }  # fmt: skip
        self.basis = GaussianBasis(num_radial, cutoff_angstrom)
        self.element = nn.Embedding(90, channels)
        self.edge_scalars = EdgeScalars(num_radial, channels)
        self.edge_degree = RadialMLP(self.edge_scalars.out_channels, channels, (lmax + 1) * channels)
        self.blocks = nn.ModuleList(
            OrbEvoBlock(
                lmax, channels, 0, num_radial, attention, {}, density=None, ffn_channels=2 * channels,
                alpha_dropout=0.0, path_dropout=0.0,
            )
            for _ in range(num_blocks)
        )  # fmt: skip
        self.norm = FieldNorm(lmax, channels, 0, {})
        self.kernel = ResponseKernel(self.shells, auxiliary, channels, num_radial, fit_scale)

    @property
    def geometry(self) -> DataOptions:
        """Arguments of :class:`graphlearn.datasets.TDDFTTrajectories` that suit this model."""
        return {"cutoff_angstrom": self.cutoff_angstrom, "shells": self.shells, "modes": True}

    def lasting(self, frames: int) -> ResponseOrbEvo:
        """The same model, weights shared, that predicts another number of frames at a time.

        Args:
            frames: The number.

        Returns:
            A model that shares the weights.
        """
        other = copy.copy(self)
        other.num_frames, other.field_samples = frames, self.field_samples // self.num_frames * frames
        return other

    def forward(self, data: OrbitalInput, *, state_chunk_size: int | None = None) -> Tensor:
        """Predict the next frames of a batch.

        Args:
            data: As for :class:`graphlearn.models.OrbEvo`, with ``modes``, ``frame_fs`` and ``windows_per_trajectory``.
            state_chunk_size: Without effect: the network does not know states.

        Returns:
            The next T frames, real and imaginary, [N, S (or K), 9, R, T, 2], normalised as ``data.delta``.

        Raises:
            ValueError: if the batch holds no modes.
        """
        kernels = self.kernels(data)
        with torch.autocast(data.c0.device.type, enabled=False):
            frames = propagate(kernels, data, self.num_frames)
        return frames if data.states is None else chosen_states(frames, data.states[data.batch])

    def forward_bytes(self, data: OrbitalInput, states: int) -> int:
        """Estimate the memory of the kernels of all molecules, and of what it takes to build the largest, bytes.

        Args:
            data: What is to be predicted.
            states: Without effect.

        Returns:
            Bytes.
        """
        functions = sum(count * (2 * l + 1) for l, count in enumerate(self.config["auxiliary"]))
        atoms = torch.bincount(data.batch).tolist()
        kernels: list[int] = [
            n * functions * modes.coupling.numel() * data.c0.element_size()
            for n, modes in zip(atoms, data.modes or (), strict=True)
        ]
        return 2 * sum(kernels) + _KERNEL_PARTS * max(kernels)

    @classmethod
    def idle_arguments(cls, arguments: Mapping[str, Any]) -> dict[str, str]:
        """Name the arguments that have no effect beside the others.

        Args:
            arguments: All of the constructor by name.

        Returns:
            Why, by name.
        """
        return (
            {} if arguments["num_blocks"] else dict.fromkeys(("heads", "activation"), "there is no block (num_blocks)")
        )

    def kernels(self, data: OrbitalInput) -> list[Kernel]:
        """The kernel of every molecule of a batch, rad/fs; the windows of one trajectory share one."""
        if data.modes is None:
            raise ValueError("this model takes the modes of the ground state; read the data with modes=True")
        each = data.windows_per_trajectory
        first = data.batch % each == 0  # the network sees each molecule once
        place, batch = first.cumsum(0) - 1, data.batch[first] // each
        edges = place[data.edge_index[:, first[data.edge_index[0]]]]
        positions = data.positions_angstrom[first]
        geometry = molecule_edges(data.numbers[first], positions, edges, self.basis, max(self.lmax, ORBITAL_PAIR_LMAX))
        distance = (positions[edges[1]] - positions[edges[0]]).norm(dim=-1)
        envelope = 0.5 * (1.0 + torch.cos(math.pi * distance / self.cutoff_angstrom))
        factors = self.kernel(self._invariants(geometry), geometry.radial, envelope, edges, geometry.rotation)
        molecules = list(molecules_of(data, all_states=True))[::each]
        result, start, owner = [], 0, batch[edges[0]]
        with torch.autocast(data.c0.device.type, enabled=False):
            for number, molecule in enumerate(molecules):
                atoms = slice(start, start + molecule.atoms.stop - molecule.atoms.start)
                mine = torch.nonzero(owner == number).squeeze(1)
                own = KernelFactors(
                    factors.fit_within[atoms], factors.fit_between.index_select(0, mine),
                    factors.metric_within[atoms], factors.metric_between.index_select(0, mine),
                )  # fmt: skip
                own = KernelFactors(*(x.to(data.c0) for x in own))
                result.append(kernel_of(molecule, own, edges[:, mine] - start, data.c0.shape[2:], self.shells))
                start = atoms.stop
        return result

    def _invariants(self, geometry: Geometry) -> Tensor:
        """Invariant features of the atoms, [N, channels]."""
        scalars = self.edge_scalars(geometry.radial, geometry.numbers, geometry.edge_index)
        weights = self.edge_degree(scalars)
        x = embed_atoms(weights, self.element(geometry.numbers), geometry, self.average_degree).unsqueeze(1)
        for block in cast(list[OrbEvoBlock], self.blocks):
            x = block(x, geometry)
        invariants: Tensor = self.norm(x, None)[:, 0, 0]
        return invariants

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(channels={self.channels}, blocks={len(self.blocks)}, lmax={self.lmax}, "
            f"num_frames={self.num_frames})"
        )
