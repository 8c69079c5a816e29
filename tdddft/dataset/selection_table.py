"""Reading ``selection.csv``: which molecules a data set has. Rows that make no sense are passed over and named."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

from graphlearn.base.errors import InputError
from graphlearn.base.unpacking import check_size
from tdddft.dataset.index import is_identifier
from tdddft.molecules.selection import COLUMNS

NAME, GEOMETRY = "name", "geometry"
_PATTERNS = {"geometry": re.compile(r"[0-9a-f]{16}"), "atoms": re.compile(r"\d+"), "heavy_atoms": re.compile(r"\d+")}


@dataclass
class SelectionTable:
    """Rows of a selection table.

    Args:
        rows: Those that make sense, by column, in order.
        bad: What is wrong with the others.
    """

    rows: list[dict[str, str]] = field(default_factory=list)
    bad: list[str] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """Names of the molecules."""
        return [row[NAME] for row in self.rows]

    @property
    def geometries(self) -> dict[str, str]:
        """Fingerprints of the geometries by name, where the table has them."""
        return {row[NAME]: row[GEOMETRY] for row in self.rows if GEOMETRY in row}

    def changed(self, now: SelectionTable) -> str | None:
        """Name of the first molecule in which another table differs; None if they are of the same molecules.

        Bad rows stand for any molecule.
        """
        if self.bad:
            place = {name: number for number, name in enumerate(now.names)}
            order = [place.get(name, -1) for name in self.names]
            strangers = [n for n in self.names if n not in place or now.geometries.get(n) != self.geometries.get(n)]
            same_size = len(self.rows) + len(self.bad) == len(now.rows)
            return None if not strangers and same_size and order == sorted(order) else (strangers or ["molecule"])[0]
        for a, b in zip_longest(self.rows, now.rows):
            if a is None or b is None or (a[NAME], a.get(GEOMETRY)) != (b[NAME], b.get(GEOMETRY)):
                return str((b or a or {NAME: ""})[NAME])
        return None


def read_selection(path: Path) -> SelectionTable:
    """The table of a data-set folder; an empty one where the file is not there.

    Args:
        path: The file.

    Returns:
        The table.

    Raises:
        InputError: if it cannot be read at all.
    """
    try:
        if not path.is_file():
            return SelectionTable()
        check_size(path.stat().st_size, path)
        return parse_selection(path.read_bytes(), path.name)
    except OSError as error:
        raise InputError(f"{path}: not readable ({error.strerror or error})") from None


def parse_selection(content: bytes, where: str = "selection.csv") -> SelectionTable:
    """Rows of a table; a header that makes no sense counts as a bad row, and the columns of this version are taken.

    Args:
        content: Bytes of the file.
        where: Name of the file, for messages.


    Returns:
        The table, with the bad rows by number.
    """
    first, *lines = content.split(b"\n")
    table, header = SelectionTable(), _cells(first)
    if header is None or NAME not in header or len(set(header)) < len(header):
        table.bad.append(f"{where} line 1: not the names of the columns")
        header = list(COLUMNS)
    for number, line in enumerate(lines, start=2):
        if not line.strip():
            continue
        cells = _cells(line)
        fault = "not text" if cells is None else _fault(header, cells)
        if number == len(lines) + 1:  # nothing follows the end of the last line of a whole table
            fault = fault or "cut off"
        if fault or cells is None:
            table.bad.append(f"{where} line {number}: {fault}")
        else:
            table.rows.append(dict(zip(header, cells, strict=True)))
    return table


def _cells(line: bytes) -> list[str] | None:
    try:
        return next(csv.reader([line.decode().rstrip("\r")], strict=True), [])
    except (UnicodeDecodeError, csv.Error):
        return None


def _fault(header: list[str], cells: list[str]) -> str:
    if len(cells) != len(header):
        return f"{len(cells)} cells, expected {len(header)}"
    row = dict(zip(header, cells, strict=True))
    if not is_identifier(row[NAME]):
        return "its name is not that of a molecule"
    wrong = [column for column, pattern in _PATTERNS.items() if column in row and not pattern.fullmatch(row[column])]
    return f"its {wrong[0]} makes no sense" if wrong else ""
