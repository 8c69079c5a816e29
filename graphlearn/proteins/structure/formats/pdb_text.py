"""The lines of a PDB file that hold its first model, whoever wrote it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile

from graphlearn.proteins.structure.formats.builder import WATER

ATOMS = ("ATOM  ", "HETATM")


def first_model_lines(text: str) -> Iterator[str]:
    """Atoms of the first model, without water; every other line is blank, so that line numbers stay.

    A model ends at ``ENDMDL``. ``END`` ends one too if what follows goes by the ids of chains that were there already,
    as frames of a simulation do; other chains belong to the same model.

    Args:
        text: Of the file, lines ended by line feeds.

    Yields:
        Lines of the file, as many as ``text`` has.
    """
    before: set[str] = set()
    here: set[str] = set()
    ended = False
    for line in text.split("\n"):
        if not ended and line.startswith(ATOMS):
            if line[21:22] in before:
                ended = True
            else:
                here.add(line[21:22])
                if line[17:20].strip() not in WATER and line[17:21].strip() not in WATER:
                    yield line + "\n"
                    continue
        elif not ended and here:
            record = line[:6].rstrip().upper()
            ended = record in ("ENDMDL", "MODEL")
            if record == "END":
                before |= here
        yield "\n"


def remark(text: str, record: str) -> str:
    """Content of the lines of a record before the atoms, such as ``EXPDTA``, joined.

    Args:
        text: Content of a PDB file.
        record: Beginning of the lines, such as ``EXPDTA``.

    Returns:
        Text from column 11 on, lines joined by blanks; empty where the file lacks the record.
    """
    head = takewhile(lambda line: not line.startswith((*ATOMS, "MODEL ")), text.split("\n"))
    return " ".join(line[10:].strip() for line in head if line.startswith(record))
