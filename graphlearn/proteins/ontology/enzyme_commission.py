"""The hierarchy of EC numbers."""

from __future__ import annotations

import re

from graphlearn.base.errors import InputError
from graphlearn.proteins.ontology.base import Ontology

LEVELS = 4
CLASSES = {
    "1": "oxidoreductase", "2": "transferase", "3": "hydrolase", "4": "lyase", "5": "isomerase", "6": "ligase",
    "7": "translocase",
}  # fmt: skip
_NUMBER = re.compile(r"[1-9]\d*(\.([1-9]\d*|-)){2}\.(n?[1-9]\d*|-)")


class EnzymeCommission(Ontology):
    """EC numbers: ``3.4.21.4`` lies below ``3.4.21.-``, ``3.4.-.-`` and ``3.-.-.-``.

    The terms of DeepFRI's nrPDB-EC are levels 3 and 4 and its annotations are closed over them already.
    """

    def resolve(self, term: str) -> str:
        """The number with a dash for each level that is left open: ``3.4`` is ``3.4.-.-``.

        Args:
            term: EC number, with or without ``EC`` and open levels.

        Returns:
            The number with four levels.

        Raises:
            InputError: if it is no EC number.
        """
        levels = term.strip().removeprefix("EC").strip(" :").split(".")
        number = ".".join(levels + ["-"] * (LEVELS - len(levels)))
        if not _NUMBER.fullmatch(number) or "-." in number.rstrip(".-"):
            raise InputError(f"{term!r} is no EC number; they look like 3.4.21.4, or 3.4.21.- where a level is open")
        return number

    def __contains__(self, term: str) -> bool:
        try:
            return bool(self.resolve(term))
        except InputError:
            return False

    def parents(self, term: str) -> tuple[str, ...]:
        """The number with its last level left open; none above a class like ``3.-.-.-``."""
        levels = [level for level in self.resolve(term).split(".") if level != "-"]
        return () if len(levels) == 1 else (self.resolve(".".join(levels[:-1])),)
