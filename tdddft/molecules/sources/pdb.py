"""Small molecules in the format of the Protein Data Bank."""

from __future__ import annotations

import re
from collections.abc import Iterator

from graphlearn.base.errors import InputError
from graphlearn.base.file_names import numbered
from graphlearn.base.limits import check_atoms
from tdddft.molecules.sources.elements import element
from tdddft.molecules.sources.entry import Entry
from tdddft.molecules.sources.lines import position, split_lines
from tdddft.molecules.sources.stated import Stated

_CHARGE = re.compile(r"(\d)([+-])|([+-])(\d)")
Atom = tuple[int, list[float], int | None]


def read_pdb(text: str, name: str, stem: str) -> Iterator[Entry]:
    """Every model of a file, as a molecule; the cell of ``CRYST1``, which the format always has, is passed over.

    The charge is the sum of the formal charges in columns 79 and 80, where an atom has one.

    Args:
        text: Content of the file.
        name: Name of the file, for messages and the source of each molecule.
        stem: Name of the molecules, numbered where there are several.

    Yields:
        What the file says of each molecule, in its order.

    Raises:
        InputError: for atoms without an element in columns 77 and 78, or in several places.
    """
    models: list[list[Atom]] = [[]]
    for place, line in enumerate(split_lines(text), start=1):
        if line.startswith(("ATOM  ", "HETATM")):
            models[-1].append(_atom(line, f"{name}, line {place}"))
            check_atoms(len(models[-1]), f"{name}, line {place}")
        elif line.startswith(("END", "MODEL ")) and models[-1]:
            models.append([])
    models = [model for model in models if model]
    for index, (title, model) in enumerate(zip(numbered(stem, len(models)), models, strict=True)):
        charges = [charge for _, _, charge in model if charge is not None]
        stated = Stated(sum(charges), f"formal charges, sum {sum(charges)}") if charges else Stated()
        numbers, positions = [z for z, _, _ in model], [xyz for _, xyz, _ in model]
        yield Entry(title, numbers, positions, f"{name}[{index}]", stated, None, index)


def _atom(line: str, where: str) -> Atom:
    if line[16:17].strip():
        raise InputError(f"{where}: the atom has alternate locations; keep one of them")
    if not line[76:78].strip():
        raise InputError(f"{where}: columns 77 and 78 hold no element; write it there, or use an xyz file")
    xyz = position([line[30:38].strip(), line[38:46].strip(), line[46:54].strip()], line, where)
    charge = _CHARGE.fullmatch(line[78:80].strip())
    if line[78:80].strip() and charge is None:
        raise InputError(f"{where}: columns 79 and 80 hold {line[78:80]!r}, which is no formal charge")
    value = int(f"{charge[2] or charge[3]}{charge[1] or charge[4]}") if charge else None
    return element(line[76:78].strip().capitalize(), where), xyz, value
