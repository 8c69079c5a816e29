"""The one downloader: encrypted transport with verified certificates, and a bound on what arrives."""

from __future__ import annotations

import io
from pathlib import Path
from typing import IO
from urllib.request import urlopen

from graphlearn.base.unpacking import check_size, unpacked_limit

TIMEOUT_S = 20
_CHUNK = 1 << 20


def download(url: str) -> bytes:
    """Content of an address.

    Args:
        url: The address.

    Returns:
        The content.

    Raises:
        InputError: if it is larger than :func:`graphlearn.base.unpacking.unpacked_limit`.
        ValueError: if the address does not begin with https://.
        OSError: if it cannot be fetched, or the certificate of the server is not valid.
    """
    content = io.BytesIO()
    _copy(url, content, 0)
    return content.getvalue()


def download_file(url: str, path: Path, least: int = 0) -> None:
    """Write the content of an address to a file, as by :func:`download`, without holding it in memory.

    Args:
        url: Address.
        path: File to write.
        least: Bytes that are allowed even where the bound is lower.
    """
    with path.open("wb") as file:
        _copy(url, file, least)


def _copy(url: str, file: IO[bytes], least: int) -> None:
    if not url.startswith("https://"):
        raise ValueError(f"{url} does not begin with https://")
    most, size = max(unpacked_limit(), least), 0
    with urlopen(url, timeout=TIMEOUT_S) as answer:
        while size <= most and (part := answer.read(min(_CHUNK, most + 1 - size))):
            file.write(part)
            size += len(part)
    check_size(size, url, least)
