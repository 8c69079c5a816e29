"""What a run is doing, as other processes see it: ``run.json`` in its folder."""

from __future__ import annotations

import json
import math
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from graphlearn.base.errors import InputError
from graphlearn.base.files import replace_text
from graphlearn.base.locks import is_locked
from graphlearn.base.plain_data import read_json

SECONDS_BETWEEN_LOOKS = 5.0


@dataclass
class RunState:
    """Progress of a run, written to ``run.json`` of its folder and removed at its end.

    Args:
        workers: Worker processes.
        cost_total: Cost of what the run set out to do.
        cost_done: Cost of what it has finished, or failed to.
        current: Molecules that are being worked on.
        started_at: ISO time, UTC.
        run_id: Tells this run from others in the folder.
        stopping: Whether it asks its jobs to stop.
    """

    workers: int
    cost_total: float
    cost_done: float = 0.0
    current: list[str] = field(default_factory=list)
    started_at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    run_id: str = field(default_factory=lambda: uuid4().hex)
    stopping: bool = False

    @property
    def fraction(self) -> float:
        """Part of the cost that is done, 0 to 1."""
        return min(self.cost_done / self.cost_total, 1.0) if self.cost_total else 1.0

    def eta_seconds(self, now: datetime | None = None) -> float | None:
        """Seconds left at the speed so far; None before anything is done."""
        elapsed = ((now or datetime.now(UTC)) - datetime.fromisoformat(self.started_at)).total_seconds()
        return elapsed * (1.0 / self.fraction - 1.0) if self.fraction else None

    def write(self, path: Path) -> None:
        """Replace the file in one step."""
        replace_text(path, json.dumps(asdict(self)))


def read_run_states(root: Path) -> list[RunState]:
    """What the runs in a folder are doing; what a killed run left behind does not count."""
    states = []
    for path in sorted(root.glob("run*.json")):
        if is_locked(path.with_name(f".lock{path.stem.removeprefix('run')}")):
            state = read_run_state(path)
            states += [state] if state else []
    return states


def read_run_state(path: Path) -> RunState | None:
    """What one state file says; None where there is none."""
    try:
        state = RunState(**read_json(path))
        state.eta_seconds()
        named = isinstance(state.current, list) and all(isinstance(name, str) for name in state.current)
        return state if named and type(state.workers) is int else None
    except (InputError, ValueError, TypeError, ArithmeticError):
        return None


@dataclass
class ToldToStop:
    """Whether a run wants its jobs to stop, or another run has taken over its folder; asked on any machine.

    Args:
        run_file: State file of the run; it is read every five seconds at most.
        run_id: Identity of the run.
        looked: Time of the last look.
    """

    run_file: Path
    run_id: str
    looked: float = -math.inf

    def __call__(self) -> bool:
        """Whether to stop."""
        if time.monotonic() - self.looked < SECONDS_BETWEEN_LOOKS:
            return False
        self.looked = time.monotonic()
        state = read_run_state(self.run_file)
        return state is not None and (state.run_id != self.run_id or state.stopping)
