"""Atomic numbers from what files write in the place of an element."""

from __future__ import annotations

import re

from ase.data import chemical_symbols

from graphlearn.base.errors import InputError
from tdddft.molecules.molecule import SYMBOLS

_NUMBER_OF = {symbol: number for number, symbol in enumerate(chemical_symbols)} | {"D": 1, "T": 1}
_LABEL = re.compile(r"([A-Za-z]{1,2})_?\d+")
_GHOST = re.compile(r"(ghost|bq|gh|xx?|q|du)(?![a-z])|ghost|bq|@|.*:$", re.IGNORECASE)
_GHOST_OF = re.compile(r"(?:ghost|gh|x|bq)[-_:]([A-Za-z]{1,2}\d*)", re.IGNORECASE)
# Capitals that are an element here and a carbon, a nitrogen or a hydrogen in files made from proteins.
_CARBON_OR_METAL = frozenset({"CA", "CD", "CE", "CS", "NE", "HE", "HF", "HG", "HO"})


def element(text: str, where: str) -> int:
    """Atomic number of a symbol in any case (``cl``), a label (``O1``), or an atomic number; D and T are hydrogen.

    Args:
        text: What the file says.
        where: File and line, for messages.

    Returns:
        Atomic number.

    Raises:
        InputError: for ghost atoms, unknown or too heavy elements, and what could be either of two.
    """
    if text.isdecimal() and text.isascii() and len(text) < 4:
        number = int(text)
        if number:
            return _known(number, text, where)
    label = _LABEL.fullmatch(text)
    symbol = label[1] if label else text
    is_symbol = symbol.capitalize() in _NUMBER_OF and symbol not in ("X", "x")
    if is_symbol and (symbol in _CARBON_OR_METAL or (label and len(symbol) == 2 and symbol.isupper())):
        raise InputError(f"{where}: {text!r} may be {symbol.capitalize()} or {symbol[0]}; write the element's symbol")
    if is_symbol:
        return _known(_NUMBER_OF[symbol.capitalize()], text, where)
    if text == "0" or _GHOST.match(text):
        raise InputError(f"{where}: {text!r} is a ghost or dummy atom without an element; remove it, or write Ghost-O")
    raise InputError(f"{where}: {text[:20]!r} is not an element; write its symbol or atomic number")


def element_or_ghost(text: str, where: str) -> tuple[int, bool]:
    """Atomic number, and whether a ghost of the element is meant: ``Ghost-O``, ``X-O``, ``gh_O`` or ``Bq:O``.

    Args:
        text: What the file says.
        where: File and line, for messages.

    Returns:
        Atomic number, and whether it is a ghost.

    Raises:
        InputError: as :func:`element`, and for ghosts of no element.
    """
    ghost = _GHOST_OF.fullmatch(text)
    return (element(text, where), False) if ghost is None else (element(ghost[1], where), True)


def _known(number: int, text: str, where: str) -> int:
    if number >= len(SYMBOLS):
        raise InputError(f"{where}: {text!r} is heavier than {SYMBOLS[-1]}, the last element that is supported")
    return number
