"""What a run is doing right now, for those who look from outside."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from tdddft.files import replace_text


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
    """

    workers: int
    cost_total: float
    cost_done: float = 0.0
    current: list[str] = field(default_factory=list)
    started_at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    run_id: str = field(default_factory=lambda: uuid4().hex)

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
        lock = path.with_name(f".lock{path.stem.removeprefix('run')}")
        if is_locked(lock):
            with suppress(OSError, ValueError, TypeError):
                states.append(RunState(**json.loads(path.read_text())))
    return states


def read_run_id(path: Path) -> str | None:
    """Identity of the run that wrote a state file; None where there is none."""
    try:
        return str(json.loads(path.read_text())["run_id"])
    except (OSError, ValueError, KeyError):
        return None


@contextmanager
def lock(path: Path) -> Iterator[bool]:
    """Hold a lock file if nobody else does, and say whether that worked; a process that dies lets go."""
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True


def is_locked(path: Path) -> bool:
    """Whether a process holds this lock."""
    if not path.exists():
        return False
    with lock(path) as free:
        return not free
