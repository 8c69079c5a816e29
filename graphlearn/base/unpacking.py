"""Packed files, with a bound on what they may unpack to: a small file can hold more than the memory does."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphlearn.base.errors import InputError, first_line
from graphlearn.base.limits import limit
from graphlearn.base.plain_files import open_plain

if TYPE_CHECKING:
    import numpy as np

LIMIT_VARIABLE = "GRAPHLEARN_MAX_UNPACKED_MB"
DEFAULT_LIMIT_MB = 512
_CHUNK = 1 << 20
DAMAGED = (OSError, EOFError, zlib.error, lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile)


_OPEN: dict[bytes, Callable[[Any], Any]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file), b"\xfd7zXZ\x00": lzma.LZMAFile, b"BZh": bz2.BZ2File,
}  # fmt: skip


def unpacked_limit() -> int:
    """Bytes that one file may hold or unpack to: 512 MB, or ``GRAPHLEARN_MAX_UNPACKED_MB``.

    Returns:
        Bytes.

    Raises:
        InputError: if the variable is not a positive number.
    """
    return int(limit(LIMIT_VARIABLE, DEFAULT_LIMIT_MB, "megabytes") * 1e6)


def check_size(size: int, where: Path | str, least: int = 0) -> None:
    """Refuse a file, or a part of one, that holds more bytes than :func:`unpacked_limit`, or than ``least`` if larger.

    Args:
        size: Bytes.
        where: Name of the file, for the message.
        least: Bytes that are allowed whatever the limit.

    Raises:
        InputError: that names the variable which raises the limit.
    """
    most = max(unpacked_limit(), least)
    if size > most:
        raise InputError(
            f"{where}: holds more than {most / 1e6:g} MB when unpacked; if you trust it, "
            f"set the environment variable {LIMIT_VARIABLE} higher"
        )


def unpack(data: bytes, where: Path | str) -> bytes:
    """Content of a file packed with gzip, xz or bzip2, told from its first bytes; other content as it is.

    Args:
        data: Bytes of the file.
        where: Name of the file, for messages.

    Returns:
        The unpacked bytes.

    Raises:
        InputError: if it is damaged or unpacks to more than :func:`unpacked_limit`.
    """
    try:
        return _Counted(io.BytesIO(data), where).read()
    except DAMAGED as error:
        raise InputError(f"{where}: the packed file is damaged ({error}); fetch it again") from None


def read_unpacked(path: Path | str) -> bytes:
    """Content of a file, unpacked as by :func:`unpack`.

    Args:
        path: The file.

    Returns:
        The unpacked bytes.

    Raises:
        InputError: if it is absent, not readable, damaged or too large.
    """
    with open_plain(path) as file:
        try:
            check_size(os.fstat(file.fileno()).st_size, path)
            return unpack(file.read(), path)
        except OSError as error:
            raise InputError(f"{path}: not readable ({error.strerror or error})") from None


def load_arrays(data: bytes, where: Path | str) -> dict[str, np.ndarray]:
    """Arrays of an npz file; nothing is unpickled, and declared sizes are checked before memory is taken.

    Args:
        data: Bytes of the file, unpacked.
        where: Name of the file, for messages.

    Returns:
        Arrays by name.

    Raises:
        InputError: if it is no npz file, holds objects, or declares more than :func:`unpacked_limit`.
    """
    import numpy as np

    npy = np.lib.format
    arrays: dict[str, np.ndarray] = {}
    total = 0
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for entry in archive.infolist():
                with archive.open(entry) as file:
                    first = npy.read_magic(file) == (1, 0)
                    read_header = npy.read_array_header_1_0 if first else npy.read_array_header_2_0
                    shape, _, dtype = read_header(file)
                if dtype.hasobject:
                    raise InputError(f"{where}: {entry.filename} holds Python objects, which are not read")
                total += max(entry.file_size, dtype.itemsize * int(np.prod([int(n) for n in shape], dtype=object)))
                check_size(total, where)
                with archive.open(entry) as file:
                    arrays[entry.filename.removesuffix(".npy")] = npy.read_array(file, allow_pickle=False)
    except InputError:
        raise
    except (ValueError, NotImplementedError, RuntimeError, *DAMAGED) as error:
        raise InputError(f"{where}: not readable as an npz file ({first_line(error)})") from None
    return arrays


def tar_members(
    path: Path, wanted: Callable[[str], bool] = lambda name: True, least: int = 0
) -> Iterator[tuple[str, bytes]]:
    """Plain files of a tar archive, packed or not, as ``(path inside, content)``; links are passed over.

    Args:
        path: The archive.
        wanted: Says of a path inside whether its content is read.
        least: Bytes that the archive may unpack to whatever the limit is, for one whose size is known.

    Yields:
        Path inside and content of each wanted file.

    Raises:
        InputError: if the archive is damaged or unpacks to more than :func:`unpacked_limit` in all.
    """
    try:
        with open_plain(path) as file, tarfile.open(fileobj=_Counted(file, path, least), mode="r|") as archive:
            for member in archive:
                if member.isreg() and wanted(member.name):
                    content = archive.extractfile(member)
                    assert content is not None
                    yield member.name, content.read()
    except DAMAGED as error:
        raise InputError(f"{path}: not readable as a tar archive ({error}); fetch it again") from None


class _Counted(io.RawIOBase):
    """Unpacks a file piece by piece, and counts."""

    def __init__(self, file: Any, where: Path | str, least: int = 0) -> None:
        head = file.read(6)
        file.seek(0)
        opener = next((open_ for magic, open_ in _OPEN.items() if head.startswith(magic)), None)
        self._file, self._where, self._least, self._total = opener(file) if opener else file, where, least, 0

    def read(self, size: int | None = -1) -> bytes:
        """Up to ``size`` bytes, or all; a refusal of :func:`check_size` where they come to too many."""
        content = io.BytesIO()
        left = max(unpacked_limit(), self._least) + 1 if size is None or size < 0 else size
        while left > 0 and (piece := self._file.read(min(_CHUNK, left))):
            self._total += len(piece)
            check_size(self._total, self._where, self._least)
            left -= len(piece)
            content.write(piece)
        return content.getvalue()
