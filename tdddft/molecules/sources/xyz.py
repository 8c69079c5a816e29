"""The xyz format as programs and people write it, and ASE's extended form."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from graphlearn.base.errors import InputError
from graphlearn.base.file_names import numbered
from graphlearn.base.limits import check_atoms
from tdddft.molecules.sources.cell import check_cell, text_of, value_of, without_cell
from tdddft.molecules.sources.elements import element_or_ghost
from tdddft.molecules.sources.entry import Entry
from tdddft.molecules.sources.lines import is_number, number, position, split_lines
from tdddft.molecules.sources.stated import (
    Stated,
    of_comment,
    of_initial_charges,
    of_magnetic_moments,
    of_partial_charges,
    together,
)
from tdddft.units import BOHR_ANGSTROM

FORM = "expected the number of atoms, a comment line, then 'symbol x y z' in angstrom"
_PROPERTIES = value_of("properties")
_UNITS = re.compile(r"""\bunits?\s*[:=]\s*["']?([^\s"',;]+)""", re.IGNORECASE)
_BOHR, _ANGSTROM = (
    ("bohr", "au", "a.u.", "atomic"),
    ("angstrom", "angstroms", "ang", "a", "\N{ANGSTROM SIGN}", "\u00c5"),
)
_JMOL_CHARGE = (1, 4)  # unnamed columns after the position: a charge, or a charge and a vector


@dataclass(frozen=True)
class Columns:
    """Where the columns of the atoms stand: first column and number of columns by name, and how many there are."""

    at: dict[str, tuple[int, int]]
    total: int


def read_xyz(text: str, name: str, stem: str) -> Iterator[Entry]:
    """All frames of a file; blank lines between them are passed over.

    Args:
        text: Content of the file.
        name: Of the file, for messages.
        stem: From which the molecules are named.

    Yields:
        What the file says of each molecule, in its order.

    Raises:
        InputError: if a frame is cut off or not understood, names the line; if a cell is periodic; if it has ghosts
            of no element.
    """
    lines = split_lines(text)
    starts = list(_starts(lines, name))
    for index, (title, start) in enumerate(zip(numbered(stem, len(starts)), starts, strict=True)):
        yield _frame(lines, start, name, title, index)


def _starts(lines: list[str], name: str) -> Iterator[int]:
    at = 0
    while at < len(lines):
        count = lines[at].strip()
        if not count:
            at += 1
            continue
        if not (count.isdecimal() and count.isascii() and len(count) < 12 and int(count)):
            raise InputError(
                f"{name}, line {at + 1}: not readable as xyz, {count[:60]!r} stands where a number of atoms is "
                f"expected; {FORM}"
            )
        check_atoms(int(count), f"{name}, line {at + 1}")
        yield at
        at += 2 + int(count)


def _frame(lines: list[str], start: int, name: str, title: str, index: int) -> Entry:
    count, comment = int(lines[start]), lines[start + 1] if start + 1 < len(lines) else ""
    rows = lines[start + 2 : start + 2 + count]
    where = f"{name}, line {start + 1}"
    held = next((n for n, row in enumerate(rows) if not row.strip()), len(rows))
    if held < count:
        raise InputError(
            f"{where}: not readable as xyz, {held} of {count} atoms follow; is one missing, or the comment line? {FORM}"
        )
    columns = _columns(comment, where)
    words = [row.split() for row in rows]
    atoms, positions = [], []
    for offset, (row, fields) in enumerate(zip(rows, words, strict=True)):
        here = f"{name}, line {start + 3 + offset}"
        if len(fields) < columns.total:
            hint = "numbers are separated by blanks and have points" if "," in row else FORM
            raise InputError(f"{here}: not readable as xyz, {row.strip()[:60]!r} has too few columns; {hint}")
        first, width = columns.at["pos"]
        positions.append(position(fields[first : first + width], row, here))
        atoms.append(element_or_ghost(fields[columns.at["species"][0]], here))
    scale = _angstrom_per_unit(comment, where)
    check_cell(comment, scale * np.array(positions), scale, where)
    stated = together([of_comment(without_cell(_PROPERTIES.sub(" ", comment))), *_of_columns(words, columns, comment)])
    numbers, ghosts = [z for z, _ in atoms], tuple(i for i, (_, ghost) in enumerate(atoms) if ghost)
    return Entry(title, numbers, scale * np.array(positions), f"{name}[{index}]", stated, None, index, ghosts)


def _columns(comment: str, where: str) -> Columns:
    match = _PROPERTIES.search(comment)
    if match is None:
        return Columns({"species": (0, 1), "pos": (1, 3)}, 4)
    parts, at, total = text_of(match).split(":"), {}, 0
    for key, kind, width in zip(parts[::3], parts[1::3], parts[2::3], strict=False):
        if not (width.isdecimal() and width.isascii() and 0 < int(width[:4]) < 1000 and kind in "SIRL"):
            raise InputError(f"{where}: Properties={text_of(match)[:80]!r} does not list columns as name:type:number")
        at[key.lower()] = (total, int(width))
        total += int(width)
    at.setdefault("species", at.get("z", (0, 0)))
    if at["species"][1] != 1 or at.get("pos", (0, 0))[1] != 3:
        raise InputError(f"{where}: Properties={text_of(match)[:80]!r} has no species:S:1 and pos:R:3")
    return Columns(at, total)


def _of_columns(words: list[list[str]], columns: Columns, comment: str) -> Iterator[Stated]:
    unnamed = {len(fields) - columns.total for fields in words}
    if not _PROPERTIES.search(comment):
        if len(unnamed) == 1 and (extra := unnamed.pop()) in _JMOL_CHARGE:
            fifth = [fields[-extra] for fields in words]
            if all(map(is_number, fifth)):
                yield of_partial_charges(np.array([number(v) for v in fifth]), "the fifth column")
        return
    for key, (first, width) in columns.at.items():
        values = [fields[first : first + width] for fields in words]
        if not all(is_number(v) for row in values for v in row):
            continue
        table = np.array([[number(v) for v in row] for row in values])
        if key == "initial_charges":
            yield of_initial_charges(table)
        elif "charge" in key and width == 1:
            yield of_partial_charges(table, f"the column {key}")
        elif "magmom" in key:
            yield of_magnetic_moments(table)


def _angstrom_per_unit(comment: str, where: str) -> float:
    units = {match[1].lower() for match in _UNITS.finditer(comment)}
    if units and units <= set(_BOHR):
        return BOHR_ANGSTROM
    if units - set(_ANGSTROM):
        raise InputError(f"{where}: units {', '.join(sorted(units))} are not understood; write units=angstrom or bohr")
    if not units and re.search(r"\bbohr\b", comment, re.IGNORECASE):
        raise InputError(f"{where}: the comment speaks of bohr; write units=bohr or units=angstrom")
    return 1.0
