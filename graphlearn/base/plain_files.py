"""Opening what is a file and nothing else: a device never ends, and a pipe waits for somebody to write."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

from graphlearn.base.errors import InputError


@contextmanager
def open_plain(path: Path | str) -> Iterator[BufferedReader]:
    """Open a file for reading.

    Args:
        path: The file, or a link to one.

    Yields:
        The open file.

    Raises:
        InputError: if it is absent, not readable, or a folder, a device or a pipe.
    """
    try:
        file = open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK))  # noqa: SIM115 (closed below)
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file") from None
    except OSError as error:
        raise InputError(f"{path}: not readable ({error.strerror or error})") from None
    with file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise InputError(f"{path}: is a device or a pipe, not a file; copy what it gives into a file")
        yield file


def file_hash(path: Path | str) -> str:
    """SHA-256 of the content of a file, read piece by piece.

    Args:
        path: The file.

    Returns:
        Hexadecimal digits.

    Raises:
        InputError: as :func:`open_plain` does.
    """
    with open_plain(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
