"""Which trajectory is used for what."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from graphlearn.training.recipe import Split
from tdddft.errors import InputError


def assign(names: Iterable[str], split: Split) -> dict[str, list[str]]:
    """Ids by use: every test set under its own name, then ``validation`` and ``train``; each id once.

    Raises:
        InputError: if a section matches nothing.
    """
    sections = {**split.test, "validation": split.validation, "train": split.train}
    result: dict[str, list[str]] = {section: [] for section in sections}
    for name in names:
        for section, patterns in sections.items():
            if any(fnmatchcase(name, p) for p in patterns):
                result[section].append(name)
                break
    for section, patterns in sections.items():
        if patterns and not result[section]:
            raise InputError(f"split: no trajectory matches {section} ({', '.join(patterns)})")
    return result
