"""QM9 in its own xyz form (``dsgdb9nsd_NNNNNN.xyz``) and as the CSV files of the package qm9pack."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

import numpy as np

from graphlearn.base.errors import InputError
from graphlearn.base.limits import check_atoms
from tdddft.molecules.molecule import SYMBOLS
from tdddft.molecules.sources.entry import Entry
from tdddft.molecules.sources.stated import Stated

_NUMBER_OF = {symbol: number for number, symbol in enumerate(SYMBOLS)}
_ITEM = re.compile(r"[^\[\]',\s]+")  # the lists are not JSON: zero is written as 0.
_COLUMNS = ("Index", "SMILES", "Elements", "XYZ_Ang")


def is_native(text: str) -> bool:
    """Whether a text is one molecule in QM9's own form: its second line starts with ``gdb``."""
    lines = text.split("\n", 2)
    return len(lines) > 1 and lines[1].split()[:1] == ["gdb"]


def read_native(text: str, name: str) -> Entry:
    """One molecule: count, ``gdb`` line, atoms with charges, frequencies, SMILES, InChI, all separated by tabs.

    Some of the original files write exponents as ``*^`` and leave tabs at line ends; lines after the atoms may be
    missing or of any length.

    Args:
        text: Content of the file.
        name: Name of the file, for messages.

    Returns:
        What the file says of the molecule.
    """
    lines = text.splitlines()
    try:
        count, index = int(lines[0]), int(lines[1].split()[1])
        check_atoms(count, name)
        atoms = [line.split() for line in lines[2 : 2 + count]]
        numbers = np.array([_NUMBER_OF[fields[0]] for fields in atoms])
        positions = np.array([[float(x.replace("*^", "e")) for x in fields[1:4]] for fields in atoms])
        if positions.shape != (count, 3):
            raise ValueError(f"{len(positions)} of {count} atoms")
    except InputError:
        raise
    except (ValueError, IndexError, KeyError) as error:
        raise InputError(f"{name}: not readable as a file of QM9 ({type(error).__name__}: {error})") from None
    smiles = lines[3 + count].split() if len(lines) > 3 + count else []
    return _entry(index, numbers, positions, smiles[0] if smiles else None)


def read_qm9pack(text: str, name: str, stem: str) -> Iterator[Entry]:
    """All rows of one of qm9pack's CSV files.

    Args:
        text: Content of the file.
        name: Name of the file, for messages and the source of each molecule.
        stem: Name of the molecules, numbered where there are several.

    Yields:
        What the file says of each molecule, in its order.
    """
    rows = csv.DictReader(io.StringIO(text))
    missing = [c for c in _COLUMNS if c not in (rows.fieldnames or ())]
    if missing:
        raise InputError(f"{name}: not a table of qm9pack, it has no column {', '.join(missing)}")
    for line, row in enumerate(rows, start=2):
        try:
            numbers = np.array([_NUMBER_OF[element] for element in _ITEM.findall(row["Elements"])])
            positions = np.array(_ITEM.findall(row["XYZ_Ang"]), dtype=np.float64).reshape(-1, 3)
            index = int(row["Index"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{name}, line {line}: {type(error).__name__}: {error}") from None
        yield _entry(index, numbers, positions, row["SMILES"])


def _entry(index: int, numbers: np.ndarray, positions: np.ndarray, smiles: str | None) -> Entry:
    neutral = Stated(0, "QM9 holds neutral molecules")
    return Entry(f"gdb_{index:06d}", numbers, positions, f"QM9 gdb {index}", neutral, smiles, index)
