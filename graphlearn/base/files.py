"""Files that are whole or not there."""

from __future__ import annotations

import csv
import errno
import fcntl
import io
import os
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:
    import h5py

FULL = (errno.ENOSPC, errno.EDQUOT)
SECONDS_UNTIL_STALE = 60.0


def replace_text(path: Path, text: str) -> None:
    """Write a text file under a temporary name, and give it its name in one step.

    Args:
        path: The file.
        text: Its content.
    """
    replace_bytes(path, text.encode())


def replace_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    """Write a table as CSV, as :func:`replace_text` does; returns the path.

    Args:
        path: The file.
        header: Names of the columns.
        rows: Cells, row by row.


    Returns:
        The path.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows(rows)
    replace_text(path, text.getvalue())
    return path


def replace_hdf5(path: Path, fill: Callable[[h5py.File], None]) -> None:
    """Write an HDF5 file under a temporary name, flush it to disk, and give it its name in one step.

    HDF5 itself writes to memory: a disk that fills up then gives one clear OSError, and leaves nothing behind.

    Args:
        path: The file.
        fill: Writes the content into the open file.
    """
    import h5py

    with h5py.File("memory", "w", driver="core", backing_store=False, track_order=True) as file:
        fill(file)
        file.flush()
        image = file.id.get_file_image()
    replace_bytes(path, image)


def remove_temporaries(folder: Path, *, others_write: bool = False) -> None:
    """Remove what killed processes left half-written.

    Args:
        folder: Where to look.
        others_write: Whether others may be writing there; then what one of them holds, or has just made, is kept.
    """
    for path in folder.glob(".*.tmp"):
        if not (others_write and _is_in_use(path)):
            path.unlink(missing_ok=True)


def _is_in_use(path: Path) -> bool:
    try:
        with path.open("rb") as handle:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return time.time() - os.fstat(handle.fileno()).st_mtime < SECONDS_UNTIL_STALE
    except OSError:  # held, or gone already
        return True


def replace_bytes(path: Path, data: bytes) -> None:
    """Write a file under a temporary name, flush it to disk, and give it its name in one step.

    Its folder is flushed too, so that the new name outlives a power cut.

    Args:
        path: The file.
        data: Its content.
    """
    temporary = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    try:
        with temporary.open("wb") as handle:
            with suppress(OSError):  # a file system without locks
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            handle.write(data)
            handle.flush()
            os.fsync(handle.fileno())
            temporary.replace(path)
        flush_folder(path.parent)
    except OSError:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def flush_folder(folder: Path) -> None:
    """Write the names in a folder to disk, where the file system can."""
    with suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def is_disk_full(error: BaseException | None) -> bool:
    """Whether an error, or one that it came from, is that of a full disk or a used-up quota."""
    while error is not None:
        if isinstance(error, OSError) and (error.errno in FULL or "No space left" in str(error)):
            return True
        error = error.__cause__ or error.__context__
    return False
