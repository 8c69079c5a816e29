"""Locks on files, which are released when their process dies.

The package ``filelock`` is not used: its locks exclude each other, while shards share their folder; and asking whether
a lock is held must not need the right to write, which it opens its file for.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

LOCK_ATTEMPTS = 4


@contextmanager
def lock(path: Path, *, shared: bool = False) -> Iterator[bool]:
    """Hold a lock file, alone or with others who share it; it is released when the process dies.

    Args:
        path: The file, which is made where it does not exist.
        shared: Others may hold it too, if they also share it.

    Yields:
        Whether it is held. On a file system without locks it always is.
    """
    with path.open("a") as file:
        for attempt in range(LOCK_ATTEMPTS):  # somebody may just be looking
            if _try(file, shared):
                yield True
                return
            time.sleep(0.1 * attempt)
        yield False


def is_locked(path: Path) -> bool:
    """Whether a process holds this lock alone; the right to read the file is enough."""
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
