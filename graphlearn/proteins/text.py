"""Lines of text files, packed or not, and what is wrong with them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator
from pathlib import Path

from graphlearn.base.errors import InputError
from graphlearn.base.unpacking import read_unpacked

_CHAIN = re.compile(r"[^\s,#]+")


def read_text(path: Path | str) -> str:
    """Text of a UTF-8 file, plain or packed with gzip, xz or bzip2 whatever its name.

    Args:
        path: The file.

    Returns:
        The whole text.

    Raises:
        InputError: if it is absent, a folder, damaged, not text or too large
            (:func:`graphlearn.base.unpacking.check_size`).
    """
    try:
        return read_unpacked(path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not readable as text ({error}); fetch the file again") from None


def numbered_lines(path: Path | str) -> Iterator[tuple[int, str]]:
    """Lines of a file with their numbers, from 1, as ``(number, line)``; empty ones are left out.

    Args:
        path: The file, plain or packed.

    Yields:
        Number of the line and the line without its end.

    Raises:
        InputError: if the file cannot be read or holds nothing.
    """
    text = read_text(path)
    if not text.strip():
        raise InputError(f"{path}: the file is empty")
    for number, line in enumerate(text.split("\n"), start=1):
        line = line.removesuffix("\r")
        if line:
            yield number, line


def table_rows(path: Path | str, header: str, separator: str = "\t") -> Iterator[tuple[int, list[str]]]:
    """Rows of a table below its header line, as ``(line number, fields)``.

    Args:
        path: The file.
        header: What its first line must be; every row has as many fields.
        separator: Between fields.

    Yields:
        Number of the line and its fields.

    Raises:
        InputError: if the first line is another, or a row has another number of fields.
    """
    lines = numbered_lines(path)
    number, first = next(lines)
    if first != header:
        raise InputError(f"{path}, line {number}: the header is {first[:80]!r}, but {header!r} is needed")
    width = header.count(separator) + 1
    for number, line in lines:
        fields = line.split(separator)
        if len(fields) != width:
            raise InputError(f"{path}, line {number}: {len(fields)} fields where the header has {width}")
        yield number, fields


def check_chain(chain: str, where: str, known: Collection[str] | None = None) -> str:
    """A name of a chain as it is.

    Args:
        chain: The name, like ``1A2B-C``.
        where: File and line, for the message.
        known: Chains that there are; None takes any.

    Returns:
        The name, unchanged.

    Raises:
        InputError: if it is empty or holds white space, a comma or a hash, or is not known.
    """
    if not _CHAIN.fullmatch(chain):
        raise InputError(f"{where}: {chain!r} is no name of a chain; names look like 1A2B-C")
    if known is not None and chain not in known:
        raise InputError(f"{where}: unknown chain {chain!r}{did_you_mean(chain, known)}")
    return chain


def did_you_mean(word: str, known: Collection[str]) -> str:
    """``; did you mean ...?`` with up to three known words that are close, or nothing.

    Args:
        word: The word that is not known.
        known: Words that are.

    Returns:
        End of a message, or an empty text.
    """
    near = difflib.get_close_matches(word, known, n=3)
    return f"; did you mean {' or '.join(near)}?" if near else ""
