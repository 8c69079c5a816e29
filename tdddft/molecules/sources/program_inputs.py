"""Geometries as quantum-chemistry programs take them: Gaussian's input and Turbomole's coord."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from graphlearn.base.errors import InputError
from graphlearn.base.limits import check_atoms
from tdddft.molecules.sources.elements import element
from tdddft.molecules.sources.entry import Entry
from tdddft.molecules.sources.lines import position, split_lines
from tdddft.molecules.sources.stated import Stated, of_comment
from tdddft.units import BOHR_ANGSTROM

_TWO_NUMBERS = re.compile(r"\s*[+-]?\d+[\s,]+\d+\s*")
_UNITS = re.compile(r"\bunits?\s*=?\s*\(?\s*([^\s)]+)", re.IGNORECASE)


def read_gaussian(text: str, name: str, stem: str) -> Iterator[Entry]:
    """Input of Gaussian with Cartesian coordinates: route, title, charge and multiplicity, atoms.

    Args:
        text: Content of the file.
        name: Name of the file, for messages and the source of each molecule.
        stem: Name of the molecules, numbered where there are several.

    Yields:
        What the file says of each molecule, in its order.

    Raises:
        InputError: for several steps, internal coordinates, a geometry from elsewhere, or fragments.
    """
    sections: list[list[str]] = [[]]
    for line in split_lines(text):
        if line.strip():
            sections[-1].append(line.split("!")[0])
        elif sections[-1]:
            sections.append([])
    where = f"{name}: not readable as an input of Gaussian"
    if len(sections) < 3 or not sections[2]:
        raise InputError(
            f"{where}: route, title, and atoms below 'charge multiplicity' are expected between blank lines"
        )
    route = " ".join(line for line in sections[0] if not line.startswith("%")).lower()
    if "--link1--" in text.lower() or re.search(r"\bgeom\b", route):
        raise InputError(f"{where}: inputs of several steps, and geometries from checkpoints, are not read")
    units = _UNITS.search(route)
    scale = BOHR_ANGSTROM if units and re.split(r"[,=]", units[1])[0] in ("au", "bohr") else 1.0
    charge, *rows = sections[2]
    if not _TWO_NUMBERS.fullmatch(charge):
        raise InputError(f"{where}: {charge.strip()[:60]!r} is not 'charge multiplicity'")
    atoms = [_gaussian_atom(row, where) for row in rows]
    yield _entry(atoms, scale, name, stem, of_comment(charge.replace(",", " ")))


def read_coord(text: str, name: str, stem: str) -> Iterator[Entry]:
    """Turbomole's ``coord``: ``x y z element``, in bohr, or in angstrom where the header says ``angs``.

    Args:
        text: Content of the file.
        name: Name of the file, for messages and the source of each molecule.
        stem: Name of the molecules, numbered where there are several.

    Yields:
        What the file says of each molecule, in its order.
    """
    lines = iter(split_lines(text))
    header = next((line for line in lines if line.strip().startswith("$coord")), "")
    words = header.split()[1:]
    scale = {(): BOHR_ANGSTROM, ("angs",): 1.0, ("bohr",): BOHR_ANGSTROM}.get(tuple(w for w in words if "=" not in w))
    if not header or scale is None:
        raise InputError(f"{name}: not readable as coord of Turbomole; its first line is '$coord' or '$coord angs'")
    atoms = []
    for line in lines:
        if line.strip().startswith("$"):
            break
        if line.strip():
            fields = line.split()
            xyz = position(fields[:3], line, name)
            atoms.append((element(fields[3] if len(fields) > 3 else "", name), xyz))
    yield _entry(atoms, scale, name, stem, Stated())


def _gaussian_atom(row: str, where: str) -> tuple[int, list[float]]:
    fields = re.split(r"[\s,]+", row.strip())
    symbol = re.sub(r"\(.*\)|-(?=[A-Za-z]).*", "", fields[0])  # without isotope, fragment and force-field type
    numbers = fields[2:5] if len(fields) > 4 and fields[1] in ("0", "-1") else fields[1:4]
    return element(symbol, where), position(numbers, row, f"{where}: Cartesian coordinates are needed")


def _entry(atoms: list[tuple[int, list[float]]], scale: float, name: str, stem: str, stated: Stated) -> Entry:
    check_atoms(len(atoms), name)
    positions = scale * np.array([xyz for _, xyz in atoms]).reshape(-1, 3)
    return Entry(stem, [z for z, _ in atoms], positions, f"{name}[0]", stated, None, 0)
