"""What models read of a batch; the batches themselves are made where the data are read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor

from graphlearn.models.orbevo.mode_basis import ModeBasis


class OrbitalInput(Protocol):
    """Molecules side by side, as :class:`graphlearn.datasets.OrbitalBatch` holds them.

    Shapes: N atoms of B molecules, E edges, S states, R radial slots, T frames of history, P field samples.
    """

    @property
    def numbers(self) -> Tensor:
        """Atomic numbers, int64 [N]."""

    @property
    def positions_angstrom(self) -> Tensor:
        """Positions, angstrom [N, 3]."""

    @property
    def edge_index(self) -> Tensor:
        """Source and target of each edge, int64 [2, E]."""

    @property
    def batch(self) -> Tensor:
        """Molecule of each atom, int64 [N]."""

    @property
    def c0(self) -> Tensor:
        """Occupied orbitals of the ground state in slots, normalised [N, S, 9, R]."""

    @property
    def delta(self) -> Tensor:
        """Change of the orbitals over the frames of history, normalised [N, S, 9, R, T, 2]."""

    @property
    def slot_mask(self) -> Tensor:
        """Slots that hold an orbital, bool [N, 9, R]."""

    @property
    def occupations(self) -> Tensor:
        """Occupation of each state, electrons [B, S]; zero for padding."""

    @property
    def field_strength(self) -> Tensor:
        """Samples of the field before and after the last frame of history, normalised [B, P]."""

    @property
    def field_direction(self) -> Tensor:
        """Unit vector along the field [B, 3]."""

    @property
    def states(self) -> Tensor | None:
        """States to predict, int64 [B, K]; None for all."""

    @property
    def modes(self) -> Sequence[ModeBasis] | None:
        """Modes of the ground-state Hamiltonian of each molecule, normalised; None where a molecule lacks them."""

    @property
    def frame_fs(self) -> float:
        """Time between two frames, fs."""

    @property
    def windows_per_trajectory(self) -> int:
        """Number of consecutive windows of one trajectory, everywhere in the batch."""
