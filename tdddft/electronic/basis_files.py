"""Files of basis sets: NWChem, Gaussian 94 and CP2K. Numbers are read as numbers; nothing is evaluated."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from graphlearn.base.errors import InputError
from graphlearn.base.plain_files import open_plain
from tdddft.molecules.molecule import SYMBOLS

LARGEST_FILE = 8_000_000  # bytes
MOST_PRIMITIVES = 200  # of one shell
ANGULAR = "SPDFGHI"
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([EeDd][+-]?\d{1,3})?", re.ASCII)
_WHOLE = re.compile(r"\d{1,4}", re.ASCII)
_NWCHEM_WORDS = ("BASIS", "END", "SPHERICAL", "CARTESIAN", "PRINT")
Shells = dict[str, list[dict[str, Any]]]


def read_basis_file(path: str | Path) -> dict[str, Any]:
    """Shells by element of a file in the format of NWChem, Gaussian 94 or CP2K, told apart by their first lines.

    Args:
        path: The file. A name, not a link to anything but a file.

    Returns:
        ``source`` (name of the file), ``elements`` (shells as plain data, see
        :class:`tdddft.electronic.basis_functions.Shell`) and ``valence`` (whether its sets are named after GTH
        pseudopotentials).

    Raises:
        InputError: that names the line which is not understood; for a core potential in the file, an element with
            several sets, and files beyond 8 MB.
    """
    name = Path(path).name
    with open_plain(path) as file:
        content = file.read(LARGEST_FILE + 1)
    if len(content) > LARGEST_FILE:
        raise InputError(f"{name}: more than {LARGEST_FILE / 1e6:g} MB; copy the elements that you need into a file")
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise InputError(f"{name}: not a text file") from None
    lines = _Lines(text, name)
    if not lines.rows:
        raise InputError(f"{name}: holds no basis functions")
    form = _form(lines.rows)
    found: Shells = {}
    for symbol, shell in {"gaussian": _gaussian, "nwchem": _nwchem, "cp2k": _cp2k}[form](lines):
        found.setdefault(symbol, []).append(shell)
    if not found:
        raise InputError(f"{name}: holds no basis functions")
    valence = form == "cp2k" and "GTH" in text.upper()
    return {"source": name[:200], "elements": found, "valence": valence}


class _Lines:
    """Lines of a file as words with their numbers, without comments and blank ones."""

    def __init__(self, text: str, name: str) -> None:
        self.name, self.at = name, 0
        words = ((number, re.split("[#!]", line)[0].split()) for number, line in enumerate(text.splitlines(), start=1))
        self.rows = [(number, found) for number, found in words if found]

    def __bool__(self) -> bool:
        return self.at < len(self.rows)

    def next(self, what: str) -> list[str]:
        if not self:
            raise InputError(f"{self.name}: ends where {what} is expected")
        self.at += 1
        return self.rows[self.at - 1][1]

    def peek(self) -> list[str]:
        return self.rows[self.at][1] if self else []

    def wrong(self, why: str) -> InputError:
        number, words = self.rows[max(self.at - 1, 0)]
        return InputError(f"{self.name}, line {number}: {' '.join(words)[:60]!r} {why}")

    def numbers(self, count: int | None = None) -> list[float]:
        """The next line as numbers; so many of them, if that is known."""
        words = self.next("a line of numbers")
        if not all(_NUMBER.fullmatch(word) for word in words) or (count is not None and len(words) != count):
            raise self.wrong(f"stands where {'numbers' if count is None else f'{count} numbers'} are expected")
        return [float(word.upper().replace("D", "E")) for word in words]

    def element(self, word: str) -> str:
        symbol = word.lstrip("-").capitalize()
        if symbol not in SYMBOLS[1:]:
            raise self.wrong("stands where the symbol of an element is expected")
        return symbol


def _form(rows: Sequence[tuple[int, list[str]]]) -> str:
    words = [found for _, found in rows]
    if any(set(found[0]) == {"*"} for found in words):
        return "gaussian"
    first = next((n for n, found in enumerate(words) if found[0].upper() not in _NWCHEM_WORDS), 0)
    if len(words[first]) == 2 and words[first][1] == "0":
        return "gaussian"
    after = words[first + 1] if first + 1 < len(words) else []
    return "cp2k" if first == 0 and len(after) == 1 and _WHOLE.fullmatch(after[0]) else "nwchem"


def _nwchem(lines: _Lines) -> Iterator[tuple[str, dict[str, Any]]]:
    while lines:
        words = lines.next("a shell")
        if words[0].upper() == "ECP":
            raise lines.wrong("begins a core potential, which is not read; name it by method.ecp")
        if words[0].upper() in _NWCHEM_WORDS:
            continue
        if len(words) != 2:
            raise lines.wrong("stands where an element and the letter of a shell are expected")
        symbol, letters, heading = lines.element(words[0]), words[1], lines.at
        rows: list[list[float]] = []
        while lines.peek() and _NUMBER.fullmatch(lines.peek()[0]):
            rows.append(lines.numbers(len(rows[0]) if rows else None))
        lines.at, end = heading, lines.at
        shells = list(_of_rows(lines, letters, rows))
        lines.at = end
        yield from ((symbol, shell) for shell in shells)


def _gaussian(lines: _Lines) -> Iterator[tuple[str, dict[str, Any]]]:
    symbol, seen = "", set()
    while lines:
        words = lines.next("a shell")
        if set(words[0]) == {"*"}:
            symbol = ""
        elif not symbol:
            if len(words) != 2 or words[1] != "0":
                raise lines.wrong("stands where an element and 0 are expected")
            symbol = lines.element(words[0])
            if symbol in seen:
                raise lines.wrong("is a second set of the element; keep one in the file")
            seen.add(symbol)
        else:
            if len(words) not in (2, 3) or not _WHOLE.fullmatch(words[1]):
                raise lines.wrong(
                    "is no shell: a letter, the number of primitives, and a scale; core potentials are not read"
                )
            letters, count = words[0], int(words[1])
            if len(words) == 3 and not _NUMBER.fullmatch(words[2]):
                raise lines.wrong("has no number as its scale")
            scale = float(words[2].upper().replace("D", "E")) if len(words) == 3 else 1.0
            heading = lines.at
            if count > MOST_PRIMITIVES:
                raise lines.wrong(f"has more than {MOST_PRIMITIVES} primitives")
            width = 1 + (len(letters) if letters.upper() == "SP" else 1)
            rows = [[e * scale**2, *c] for e, *c in (lines.numbers(width) for _ in range(count))]
            lines.at, end = heading, lines.at
            shells = list(_of_rows(lines, letters, rows))
            lines.at = end
            yield from ((symbol, shell) for shell in shells)


def _cp2k(lines: _Lines) -> Iterator[tuple[str, dict[str, Any]]]:
    seen: dict[str, str] = {}
    while lines:
        words = lines.next("an element and the name of its set")
        symbol, name = lines.element(words[0]), words[1] if len(words) > 1 else ""
        if symbol in seen:
            raise lines.wrong(f"is a second set of {symbol}, after {seen[symbol]}; keep one in the file")
        seen[symbol] = name
        count = lines.next("the number of sets")
        if len(count) != 1 or not _WHOLE.fullmatch(count[0]):
            raise lines.wrong("stands where the number of sets is expected")
        for _ in range(int(count[0])):
            words = lines.next("a set: n, lowest and highest l, number of exponents, functions of each l")
            if not all(_WHOLE.fullmatch(word) for word in words) or len(words) < 5:
                raise lines.wrong("is no set: n, lowest and highest l, number of exponents, functions of each l")
            _, low, high, primitives, *functions = map(int, words)
            if not (
                low <= high < len(ANGULAR) and len(functions) == high - low + 1 and 0 < primitives <= MOST_PRIMITIVES
            ):
                raise lines.wrong("is no set: n, lowest and highest l, number of exponents, functions of each l")
            rows = [lines.numbers(1 + sum(functions)) for _ in range(primitives)]
            at = 1
            for l, number in zip(range(low, high + 1), functions, strict=True):
                if number:
                    yield symbol, _shell(l, rows, range(at, at + number))
                at += number


def _of_rows(lines: _Lines, letters: str, rows: list[list[float]]) -> Iterator[dict[str, Any]]:
    """Shells of lines of an exponent and coefficients; SP has one column for each."""
    if not rows or len(rows[0]) < 2:
        raise lines.wrong("has no lines of an exponent and coefficients below it")
    if len(rows) > MOST_PRIMITIVES:
        raise lines.wrong(f"has more than {MOST_PRIMITIVES} primitives")
    momenta = letters.upper()
    if momenta not in (*ANGULAR, "SP", "L"):
        raise lines.wrong(f"names no shell; known: {', '.join(ANGULAR)}, SP")
    if momenta in ("SP", "L"):
        if len(rows[0]) != 3:
            raise lines.wrong("is a shell of s and p, and needs two coefficients per line")
        yield _shell(0, rows, [1])
        yield _shell(1, rows, [2])
    else:
        yield _shell(ANGULAR.index(momenta), rows, range(1, len(rows[0])))


def _shell(l: int, rows: list[list[float]], columns: Sequence[int]) -> dict[str, Any]:
    """Plain data of a shell without the primitives that none of its contractions uses."""
    used = [row for row in rows if any(row[c] for c in columns)] or rows
    return {"l": l, "exponents": [row[0] for row in used], "coefficients": [[row[c] for row in used] for c in columns]}
