"""Lines of atoms: numbers as programs write them, and how many atoms there may be."""

from __future__ import annotations

import re
from collections.abc import Sequence

from graphlearn.base.errors import InputError

_NUMBER = re.compile(
    r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][+-]?\d+)?|[+-]?(?:nan|inf(?:inity)?)", re.ASCII | re.IGNORECASE
)
_BREAK = re.compile(r"\r\n|\n|\r")


def split_lines(text: str) -> list[str]:
    """Lines of a text, whichever of the three line ends it has."""
    return _BREAK.split(text)


def is_number(text: str) -> bool:
    """Whether a word is a number, Fortran's ``1.0D-3`` included."""
    return _NUMBER.fullmatch(text) is not None


def number(text: str) -> float:
    """Value of a word for which :func:`is_number` holds."""
    return float(text.replace("d", "e").replace("D", "e"))


def position(words: Sequence[str], line: str, where: str) -> list[float]:
    """Three coordinates of a line.

    Args:
        words: The three words.
        line: The whole line, for messages.
        where: File and line, for messages.

    Returns:
        Three numbers, in the units of the file.

    Raises:
        InputError: for words that are no numbers.
    """
    if len(words) != 3 or not all(map(is_number, words)):
        hint = "; numbers are separated by blanks and have points" if "," in line else ""
        raise InputError(f"{where}: {line.strip()[:60]!r} does not hold an element and three coordinates{hint}")
    return [number(word) for word in words]
