"""The checkpoint of a propagation: frames so far and the state to continue from."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch

from graphlearn.base.errors import ContractError, InputError
from graphlearn.base.files import replace_hdf5
from graphlearn.base.hdf5 import Kind, attribute, check_dataset, open_hdf5, read_dataset
from tdddft.electronic.batched_matrices import stack_padded
from tdddft.electronic.ground_state import GroundState
from tdddft.propagation.frames import Frame
from tdddft.propagation.schemes import State

FORMAT = "tdddft-checkpoint"
SCHEMA_VERSION = 1
SAME_ORBITALS = 1e-10
SAME_SPACE = 1e-6
_TENSORS = ("occupied", "response", "energy", "span_au")
_NUMBERS: dict[str, type] = {"time_au": float, "step_au": float, "substep_au": float, "unchecked": int}
_ARRAYS: dict[str, tuple[Kind, tuple[str | int, ...]]] = {
    "frame_occupied": ("complex", ("F", "L", "M", "S")),
    "frame_dipoles_au": ("real", ("F", "B", 3)),
    "frame_energies_hartree": ("real", ("F", "B")),
    "occupied": ("complex", ("L", "M", "S")),
    "response": ("real or complex", ("L", "M", "M")),
    "energy": ("real", ("B",)),
    "span_au": ("real", ("B",)),
    "past_times_au": ("real", ("P",)),
    "past": ("real or complex", ("P", "L", "M", "M")),
}
_OPTIONAL = ("span_au", "past_times_au", "past")


@dataclass
class PropagationState:
    """What a propagation has computed so far: its state (None before the start), frames, Fock builds and seconds."""

    state: State | None = None
    frames: Sequence[Frame] = ()
    builds: int = 0
    seconds: float = 0.0


class Checkpoint:
    """One file, replaced in one step whenever some seconds have passed.

    Orbitals of the ground state may turn inside degenerate levels, or change sign, from one solution to the next; the
    file holds those that its numbers refer to, and what is read is turned to the present ones.

    Args:
        path: The file; None keeps nothing.
        seconds_between: Shortest time between two writes.
        identity: Plain data that must be equal for the file to be continued, but for the number of ``steps``.
        ground_states: Those of the batch.
    """

    def __init__(
        self,
        path: Path | None,
        seconds_between: float,
        identity: Mapping[str, Any],
        ground_states: Sequence[GroundState],
    ) -> None:
        self.path, self._seconds_between, self._ground_states = path, seconds_between, ground_states
        self._channels = [(g, channel) for g in ground_states for channel in g.channels]
        self._identity = json.dumps(identity, sort_keys=True)
        self._saved = time.monotonic()

    def load(self, device: torch.device) -> PropagationState:
        """What the file holds; nothing where there is none, or a damaged one.

        Args:
            device: Where the tensors of the state are put.

        Returns:
            State, frames, Fock builds and seconds so far.

        Raises:
            InputError: if the file belongs to another propagation.
        """
        if self.path is None or not self.path.is_file():
            return PropagationState()
        try:
            with open_hdf5(self.path) as file:
                found = attribute(file, "format", str), attribute(file, "schema_version", int)
                if found != (FORMAT, SCHEMA_VERSION):
                    return PropagationState()
                if _without_steps(attribute(file, "identity", str)) != _without_steps(self._identity):
                    raise self._foreign()
                builds, seconds = attribute(file, "fock_builds", int), attribute(file, "wall_seconds", float)
                numbers = {name: attribute(file, name, kind) for name, kind in _NUMBERS.items()}
                arrays = self._turned(self._arrays(file))
        except ContractError:  # cut while it was written to a dying disk: start again
            return PropagationState()
        state = state_of_arrays(arrays, numbers, device)
        frames = [Frame(*parts) for parts in zip(*(arrays[f"frame_{n}"] for n in Frame._fields), strict=True)]
        return PropagationState(state, frames, builds, seconds)

    def _arrays(self, file: h5py.File) -> dict[str, np.ndarray]:
        """All arrays, of the shapes that these ground states have; ContractError where one differs."""
        channels = [channel for _, channel in self._channels]
        sizes = {"B": len(self._ground_states), "L": len(channels)}
        sizes |= {"M": max(c.orbitals.shape[1] for c in channels), "S": max(c.num_occupied for c in channels)}
        absent = {n for n in _OPTIONAL if n not in file or len(file[n]) == 0}
        expected = {name: described for name, described in _ARRAYS.items() if name not in absent}
        expected |= {f"orbitals_{i}": ("real", c.orbitals.shape) for i, c in enumerate(channels)}
        arrays = {}
        for name, (kind, shape) in expected.items():
            check_dataset(file, name, kind, shape, sizes)
            arrays[name] = read_dataset(file, name)
        if ("past" in arrays) != ("past_times_au" in arrays):
            raise ContractError(f"{self.path}: past matrices and their times go together")
        if not all(np.isfinite(array).all() for array in arrays.values()):
            raise ContractError(f"{self.path}: holds NaN or infinite numbers")
        return arrays

    def maybe_save(self, now: PropagationState) -> None:
        """Save, if the last time was long enough ago."""
        if self.path is not None and time.monotonic() - self._saved >= self._seconds_between:
            self.save(now)
            self._saved = time.monotonic()

    def save(self, now: PropagationState) -> None:
        """Write a temporary file, flush it to disk, rename it.

        Args:
            now: What was computed so far; nothing is written before the start.

        Raises:
            InputError: if the file cannot be written.
        """
        state = now.state
        if self.path is None or state is None:
            return
        arrays = {
            "past_times_au": np.array([t for t, _ in state.past]),
            "past": np.array([m.cpu().numpy() for _, m in state.past]),
        }
        arrays |= {f"frame_{n}": np.array([getattr(frame, n) for frame in now.frames]) for n in Frame._fields}
        arrays |= {f"orbitals_{i}": channel.orbitals for i, (_, channel) in enumerate(self._channels)}
        arrays |= {n: getattr(state, n).cpu().numpy() for n in _TENSORS if getattr(state, n) is not None}

        def fill(file: h5py.File) -> None:
            file.attrs.update(
                format=FORMAT, schema_version=SCHEMA_VERSION, identity=self._identity, fock_builds=now.builds,
                wall_seconds=now.seconds, **{name: getattr(state, name) for name in _NUMBERS},
            )  # fmt: skip
            for name, array in arrays.items():
                file[name] = array

        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            replace_hdf5(self.path, fill)
        except OSError as error:
            raise InputError(f"cannot write the checkpoint {self.path}: {error.strerror or error}") from None

    def _turned(self, arrays: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        """The arrays in the present orbitals in place of the stored ones."""
        stored = [arrays[f"orbitals_{i}"] for i in range(len(self._channels))]
        found = turned(arrays, stored, self._ground_states)
        if found is None:
            raise self._foreign()
        return found

    def _foreign(self) -> InputError:
        return InputError(f"{self.path} is the checkpoint of another propagation; remove it, or choose another name")


def state_of_arrays(arrays: Mapping[str, np.ndarray], numbers: Mapping[str, Any], device: torch.device) -> State:
    """A state out of its parts.

    Args:
        arrays: Its tensors by name, and ``past`` [P, B, M, M] with ``past_times_au`` [P] where it has a past.
        numbers: Its time, steps and counters.
        device: Where the tensors are put.

    Returns:
        The state.
    """
    values: dict[str, Any] = {n: torch.as_tensor(arrays[n]).to(device) for n in _TENSORS if n in arrays}
    past = torch.as_tensor(arrays["past"]).to(device) if "past" in arrays else ()
    times = arrays["past_times_au"].tolist() if "past" in arrays else ()
    return State(**numbers, **values, past=tuple(zip(times, past, strict=True)))


def turned(
    arrays: Mapping[str, np.ndarray], stored: Sequence[np.ndarray], ground_states: Sequence[GroundState]
) -> Mapping[str, np.ndarray] | None:
    """Arrays that refer to stored orbitals of the ground states, in the present ones.

    Args:
        arrays: By name: orbitals [..., L, M, S] and matrices [..., L, M, M] of a state and its frames.
        stored: The orbitals that they refer to, float64 [A, M] each, L of them.
        ground_states: The present ones.

    Returns:
        The arrays, the same ones where nothing turned; None where the two do not span the same space.
    """
    present = [(g, channel) for g in ground_states for channel in g.channels]
    turns = [c.orbitals.T @ g.overlap @ orbitals for (g, c), orbitals in zip(present, stored, strict=True)]
    if any(_from_unit(turn @ turn.T) > SAME_SPACE for turn in turns):
        return None
    if all(_from_unit(turn) < SAME_ORBITALS for turn in turns):
        return arrays
    turn = stack_padded(turns, torch.float64, torch.device("cpu")).numpy()  # [L, M, M]
    orbitals = {n: turn @ arrays[n] for n in ("frame_occupied", "occupied") if n in arrays}
    matrices = {n: turn @ arrays[n] @ turn.swapaxes(1, 2) for n in ("response", "past") if n in arrays}
    return {**arrays, **orbitals, **matrices}


def _without_steps(identity: str) -> dict[str, Any]:
    """The identity of a run of any length."""
    try:
        return {key: value for key, value in json.loads(identity).items() if key != "steps"}
    except (ValueError, AttributeError, RecursionError):
        return {"damaged": identity}


def _from_unit(matrix: np.ndarray) -> float:
    return float(np.abs(matrix - np.eye(len(matrix))).max())
