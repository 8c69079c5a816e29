"""A folder for the temporary files of worker processes, so that those of killed ones do not stay."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from graphlearn.base.locks import is_locked, lock

PREFIX = "tdddft-workers-"
LOCK = ".lock"
SECONDS_UNTIL_STALE = 60.0
SCRATCH_VARIABLES = ("TMPDIR", "PYSCF_TMPDIR")


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A new folder among the temporary files, removed at the end; those of runs that died are removed first."""
    base = Path(os.environ.get("PYSCF_TMPDIR") or tempfile.gettempdir())
    _remove_stale(base)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
    try:
        with lock(folder / LOCK):
            yield folder
    finally:
        remove_scratch(folder)


def remove_scratch(folder: Path) -> None:
    """Remove a scratch folder with everything in it, as far as that is allowed."""
    shutil.rmtree(folder, ignore_errors=True)


def _remove_stale(base: Path) -> None:
    for folder in base.glob(f"{PREFIX}*"):
        try:
            found = folder.lstat()
            mine = found.st_uid == os.getuid() and not folder.is_symlink()
            if mine and time.time() - found.st_mtime > SECONDS_UNTIL_STALE and not is_locked(folder / LOCK):
                remove_scratch(folder)
        except OSError:
            continue
