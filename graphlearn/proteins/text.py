"""Lines of text files, packed or not, and what is wrong with them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TypeVar

from graphlearn.base.errors import InputError
from graphlearn.base.unpacking import read_unpacked

T = TypeVar("T")
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


def located_lines(path: Path | str) -> Iterator[tuple[str, str]]:
    """Lines of a file with their places, such as ``table.tsv, line 1``; empty ones are left out.

    Args:
        path: The file, plain or packed.

    Yields:
        Place for messages, and the line without its end.

    Raises:
        InputError: if the file cannot be read or holds nothing.
    """
    text = read_text(path)
    if not text.strip():
        raise InputError(f"{path}: the file is empty")
    for number, line in enumerate(text.split("\n"), start=1):
        line = line.removesuffix("\r")
        if line:
            yield f"{path}, line {number}", line


def table_rows(path: Path | str, header: str) -> Iterator[tuple[str, list[str]]]:
    """Rows of a table of fields with tabs between them, below its header line.

    Args:
        path: The file.
        header: What its first line must be; every row has as many fields.

    Yields:
        Place of the row for messages, such as ``table.tsv, line 2``, and its fields.

    Raises:
        InputError: if the first line is another, or a row has another number of fields.
    """
    lines = located_lines(path)
    where, first = next(lines)
    if first != header:
        raise InputError(f"{where}: the header is {first[:80]!r}, but {header!r} is needed")
    width = header.count("\t") + 1
    for where, line in lines:
        fields = line.split("\t")
        if len(fields) != width:
            raise InputError(f"{where}: {len(fields)} fields where the header has {width}")
        yield where, fields


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


def add_chain(table: dict[str, T], chain: str, value: T, where: str, known: Collection[str] | None = None) -> None:
    """Put what a line says of a chain into a table.

    Args:
        table: Values by name of the chain; changed in place.
        chain: Name of the chain, like ``1A2B-C``.
        value: What the line says.
        where: File and line, for the message.
        known: Chains that there are; None takes any.

    Raises:
        InputError: if the chain is no name, is unknown or is there already.
    """
    if check_chain(chain, where, known) in table:
        raise InputError(f"{where}: chain {chain} has a line already; keep one of them")
    table[chain] = value


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
