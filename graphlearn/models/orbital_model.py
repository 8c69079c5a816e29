"""What every model of orbitals offers, ours and those of other packages."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, TypedDict

from torch import Tensor, nn

from graphlearn.models.batch import OrbitalInput


class DataOptions(TypedDict):
    """Arguments of :class:`graphlearn.datasets.TDDFTTrajectories` that a model decides.

    ``cutoff_angstrom``: edges join atoms closer than this; ``shells``: radial channels of s, p and d orbitals;
    ``modes``: whether the modes of the ground-state Hamiltonian are needed.
    """

    cutoff_angstrom: float
    shells: tuple[int, ...]
    modes: bool


class OrbitalModel(nn.Module, ABC):
    """Predicts the next frames of the occupied orbitals of a batch of molecules.

    A model of another package derives from this class, and takes the arguments of its constructor by keyword. What it
    says about itself decides how it is trained and rolled out; nothing else of the package names it.

    Attributes:
        num_frames: Frames T of history and of prediction.
        field_samples: Samples of the field strength, half of them before the last frame of history.
        config: Arguments of the constructor by name, plain values.
        any_number_of_frames: Whether :meth:`lasting` gives models of any number of frames.
        splits_states: Whether ``state_chunk_size`` saves memory.
        depends_on_signs: Whether the prediction may depend on the signs of the orbitals.
    """

    num_frames: int
    field_samples: int
    config: dict[str, Any]
    any_number_of_frames: bool = False
    splits_states: bool = True
    depends_on_signs: bool = True

    @property
    @abstractmethod
    def geometry(self) -> DataOptions:
        """Arguments of :class:`graphlearn.datasets.TDDFTTrajectories` that suit this model."""

    @abstractmethod
    def forward(self, data: OrbitalInput, *, state_chunk_size: int | None = None) -> Tensor:
        """Predict the next frames of a batch.

        Args:
            data: N atoms of B molecules with S states, R radial slots and T frames of history.
            state_chunk_size: Work through so many states at a time, to save memory where no gradient is needed.

        Returns:
            The next T frames, real and imaginary, [N, S (or K, with ``data.states``), 9, R, T, 2], normalised as
            ``data.delta``.
        """

    def lasting(self, frames: int) -> OrbitalModel:
        """A model with the same weights that predicts another number of frames at a time.

        Args:
            frames: The number.

        Returns:
            The model itself where :attr:`any_number_of_frames` is False.
        """
        return self

    def forward_bytes(self, data: OrbitalInput, states: int) -> int:
        """Estimate the peak memory of a forward pass without gradients, bytes.

        Args:
            data: What is to be predicted.
            states: Number of states that are worked through at a time.

        Returns:
            Zero where nothing is known; the rollout then takes all states at once.
        """
        return 0

    def message_bytes(self, data: OrbitalInput) -> int:
        """Size of the messages of one state along all edges, bytes; zero where a larger one does not cost time.

        Args:
            data: What is to be predicted.

        Returns:
            Bytes.
        """
        return 0

    @classmethod
    def idle_arguments(cls, arguments: Mapping[str, Any]) -> dict[str, str]:
        """Name the arguments that have no effect beside the others.

        Args:
            arguments: All of the constructor by name, defaults filled in.

        Returns:
            Why, by name.
        """
        return {}
