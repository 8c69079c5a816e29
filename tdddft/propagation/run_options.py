"""How a propagation is run and stored: the keywords that do not change its physics."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypedDict

import torch

from tdddft.electronic.hamiltonian import Hamiltonian
from tdddft.trajectory import Trajectory

Progress = Callable[[int, int], None]
SECONDS_BETWEEN = 30.0


class RunOptions(TypedDict, total=False):
    """Further keywords of :func:`tdddft.propagate` and :func:`tdddft.propagate_batch`; each may be left out.

    Attributes:
        precision: ``complex64`` (default) or ``complex128`` for the stored coefficients.
        hamiltonian: Reuse the integrals of another propagation of the same ground states.
        device: Torch device such as ``cuda``, the CPU by default; not used with a given ``hamiltonian``.
        progress: Called with (step, steps) after every frame.
        checkpoint: File to keep up to date while running; where it exists, the propagation goes on from it and ends
            with the same numbers. Delete it once the trajectory is written.
        checkpoint_seconds: Shortest time between two writes of that file, 30 by default.
        keep_state: Whether the trajectory holds the state at its end, from which :func:`tdddft.lengthen` goes on; true
            by default, and a quarter more to store for small molecules.
        before: A finished trajectory of one molecule with its last state, of the same field and scheme: only what
            follows it is computed, and the whole is returned.
        stop: Asked after every frame; once it returns true, the checkpoint is written and StoppedError raised.
    """

    precision: str
    hamiltonian: Hamiltonian | None
    device: str | torch.device
    progress: Progress | None
    checkpoint: Path | None
    checkpoint_seconds: float
    keep_state: bool
    before: Trajectory | None
    stop: Callable[[], bool] | None
