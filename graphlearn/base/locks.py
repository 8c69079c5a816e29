"""Locks on files, which a process that dies lets go."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

ATTEMPTS = 4


@contextmanager
def lock(path: Path, *, shared: bool = False) -> Iterator[bool]:
    """Hold a lock file, alone or with others who share it, and say whether that worked; a process that dies lets go.

    File systems that know no locks let everybody in.
    """
    with path.open("a") as file:
        for attempt in range(ATTEMPTS):  # somebody may just be looking
            if _try(file, shared):
                yield True
                return
            time.sleep(0.1 * attempt)
        yield False


def is_locked(path: Path) -> bool:
    """Whether a process holds this lock alone; needs no right to write."""
    try:
        with path.open() as file:
            return not _try(file, shared=True)
    except OSError:
        return False


def _try(file: IO[str], shared: bool) -> bool:
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True
