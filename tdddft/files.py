"""Files that are whole or not there."""

from __future__ import annotations

import csv
import errno
import io
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import h5py

FULL = (errno.ENOSPC, errno.EDQUOT)


def replace_text(path: Path, text: str) -> None:
    """Write a text file under a temporary name, and give it its name in one step."""
    replace_bytes(path, text.encode())


def replace_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    """Write a table as CSV, as :func:`replace_text` does; returns the path."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows(rows)
    replace_text(path, text.getvalue())
    return path


def replace_hdf5(path: Path, fill: Callable[[h5py.File], None]) -> None:
    """Write an HDF5 file under a temporary name, flush it to disk, and give it its name in one step.

    HDF5 itself writes to memory: a disk that fills up then gives one clear OSError, and leaves nothing behind.
    """
    with h5py.File("memory", "w", driver="core", backing_store=False, track_order=True) as file:
        fill(file)
        file.flush()
        image = file.id.get_file_image()
    replace_bytes(path, image)


def remove_temporaries(folder: Path) -> None:
    """Remove what killed processes left half-written; nobody may be writing there."""
    for path in folder.glob(".*.tmp"):
        path.unlink(missing_ok=True)


def replace_bytes(path: Path, data: bytes) -> None:
    """Write a file under a temporary name, flush it to disk, and give it its name in one step."""
    temporary = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    try:
        with temporary.open("wb") as handle:
            handle.write(data)
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(path)
    except OSError:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def says_full(error: BaseException | None) -> bool:
    """Whether an error, or one that it came from, is that of a full disk or a used-up quota."""
    while error is not None:
        if isinstance(error, OSError) and (error.errno in FULL or "No space left" in str(error)):
            return True
        error = error.__cause__ or error.__context__
    return False
