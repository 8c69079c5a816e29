"""Which trajectory is used for what."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from graphlearn.training.recipe import Split
from tdddft.errors import InputError


def assign(names: Iterable[str], split: Split) -> dict[str, list[str]]:
    """Ids by use: every test set under its own name, then ``train``; each id once.

    Raises:
        InputError: if nothing is left to train on.
    """
    sections = {**split.test, "train": split.train}
    result: dict[str, list[str]] = {section: [] for section in sections}
    for name in names:
        for section, patterns in sections.items():
            if any(fnmatchcase(name, p) for p in patterns):
                result[section].append(name)
                break
    if not result["train"]:
        raise InputError(f"split: no trajectory is left for training (train: {', '.join(split.train)})")
    return result
