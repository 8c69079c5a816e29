"""A propagation that was cut off, on disk: frames so far and the state to go on from."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch

from tdddft.errors import InputError
from tdddft.propagators import State
from tdddft.scf import GroundState

FORMAT = "tdddft-checkpoint"
SCHEMA_VERSION = 1
SECONDS_BETWEEN = 30.0
_TENSORS = ("occupied", "response", "energy", "span_au")
_NUMBERS = ("time_au", "step_au", "substep_au", "unchecked")


@dataclass
class Frames:
    """Stored frames in memory, one entry a frame: orbitals [B, M, S], electronic dipoles [B, 3], energies [B]."""

    occupied: list[np.ndarray] = field(default_factory=list)
    dipoles: list[np.ndarray] = field(default_factory=list)
    energies: list[np.ndarray] = field(default_factory=list)

    def append(self, occupied: np.ndarray, dipoles: np.ndarray, energies: np.ndarray) -> None:
        """Add a frame."""
        self.occupied.append(occupied)
        self.dipoles.append(dipoles)
        self.energies.append(energies)

    def of(self, index: int, ground_state: GroundState) -> Frames:
        """The frames of one molecule of the batch, without its padding."""
        rows, columns = ground_state.orbitals.shape[1], ground_state.num_occupied
        return Frames(
            [o[index, :rows, :columns] for o in self.occupied],
            [d[index] for d in self.dipoles],
            [e[index] for e in self.energies],
        )

    def __len__(self) -> int:
        return len(self.occupied)


class Checkpoint:
    """One file, replaced in one step whenever some seconds have gone by.

    Args:
        path: The file; None keeps nothing.
        seconds_between: Shortest time between two writes.
        identity: Plain data that must be equal for the file to be continued.
    """

    def __init__(self, path: Path | None, seconds_between: float, identity: Mapping[str, Any]) -> None:
        self.path, self._seconds_between = path, seconds_between
        self._identity = json.dumps(identity, sort_keys=True)
        self._saved = time.monotonic()

    def load(self, device: torch.device) -> tuple[State | None, Frames, int]:
        """State, frames and Fock builds so far; None and nothing where there is no usable file.

        Raises:
            InputError: if the file belongs to another propagation.
        """
        frames = Frames()
        if self.path is None or not self.path.is_file():
            return None, frames, 0
        try:
            with h5py.File(str(self.path), "r") as file:
                if file.attrs["format"] != FORMAT or file.attrs["schema_version"] != SCHEMA_VERSION:
                    return None, frames, 0
                identity, builds = str(file.attrs["identity"]), int(file.attrs["fock_builds"])
                arrays = {name: np.asarray(file[name]) for name in file}
                numbers = {name: file.attrs[name].item() for name in _NUMBERS}
        except (OSError, KeyError, RuntimeError):  # cut while it was written to a dying disk: start again
            return None, frames, 0
        if identity != self._identity:
            raise InputError(f"{self.path} is the checkpoint of another propagation; remove it, or choose another name")
        frames = Frames(*(list(arrays[f"frame_{name}"]) for name in ("occupied", "dipoles_au", "energies_hartree")))
        values: dict[str, Any] = {n: torch.as_tensor(arrays[n]).to(device) for n in _TENSORS if n in arrays}
        past = zip(arrays["past_times_au"].tolist(), torch.as_tensor(arrays["past"]).to(device), strict=True)
        return State(**numbers, **values, past=tuple(past)), frames, builds

    def save_now_and_then(self, state: State, frames: Frames, builds: int) -> None:
        """Save, if the last time was long enough ago."""
        if self.path is not None and time.monotonic() - self._saved >= self._seconds_between:
            self.save(state, frames, builds)
            self._saved = time.monotonic()

    def save(self, state: State, frames: Frames, builds: int) -> None:
        """Write a temporary file, flush it to disk, rename it."""
        if self.path is None:
            return
        temporary = self.path.with_name(f"{self.path.name}.{os.getpid()}.tmp")
        arrays = {
            "frame_occupied": np.array(frames.occupied),
            "frame_dipoles_au": np.array(frames.dipoles),
            "frame_energies_hartree": np.array(frames.energies),
            "past_times_au": np.array([t for t, _ in state.past]),
            "past": np.array([m.cpu().numpy() for _, m in state.past]),
        }
        arrays |= {n: getattr(state, n).cpu().numpy() for n in _TENSORS if getattr(state, n) is not None}
        try:
            with h5py.File(str(temporary), "w") as file:
                file.attrs.update(
                    format=FORMAT, schema_version=SCHEMA_VERSION, identity=self._identity, fock_builds=builds,
                    **{name: getattr(state, name) for name in _NUMBERS},
                )  # fmt: skip
                for name, array in arrays.items():
                    file[name] = array
            with temporary.open("rb+") as handle:
                os.fsync(handle.fileno())
            temporary.replace(self.path)
        except OSError as error:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise InputError(f"cannot write the checkpoint {self.path}: {error.strerror or error}") from None

    def remove(self) -> None:
        """Delete the file: the propagation is complete."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)
