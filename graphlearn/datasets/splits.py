"""Which trajectories train, validate and test."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tdddft.errors import InputError
from tdddft.folder import DatasetFolder


@dataclass(frozen=True)
class Parts:
    """Ids of the three parts of a data set; no id is in two of them."""

    train: list[str]
    validation: list[str]
    test: list[str]

    def __post_init__(self) -> None:
        if not self.train or not self.test:
            raise InputError(f"split: {len(self.train)} ids train and {len(self.test)} test; neither may be empty")


def split_at_random(names: Sequence[str], validation: float, test: float, seed: int) -> Parts:
    """Trajectory by trajectory: ``default_rng(seed).permutation``, first train, then validation, then test.

    Args:
        names: Ids.
        validation: Fraction (below 1) or number of ids.
        test: Fraction (below 1) or number of ids.
        seed: Of the permutation.
    """
    return _permuted([[n] for n in names], len(names), validation, test, seed)


def split_by_molecule(folder: str | Path, validation: float, test: float, seed: int) -> Parts:
    """Like :func:`split_at_random`, but all geometries and field directions of a molecule go to the same part.

    Two geometries are the same molecule if their SMILES strings agree or, where there are none, their formulas.
    """
    groups: dict[str, list[str]] = {}
    rows, names = _rows(folder)
    for name in names:
        row = rows[name]
        groups.setdefault(row["smiles"] or row["formula"], []).append(name)
    return _permuted(list(groups.values()), len(names), validation, test, seed)


def split_by_size(folder: str | Path, largest_in_training: int, validation: float, seed: int) -> Parts:
    """Out of distribution: molecules with more heavy atoms than any in training are the test set.

    Args:
        folder: Data-set folder.
        largest_in_training: Heavy atoms up to which molecules train and validate.
        validation: Fraction or number of the small ones.
        seed: Of their permutation.
    """
    rows, names = _rows(folder)
    small = [n for n in names if int(rows[n]["heavy_atoms"]) <= largest_in_training]
    large = [n for n in names if int(rows[n]["heavy_atoms"]) > largest_in_training]
    if not small or not large:
        raise InputError(
            f"split: {len(small)} trajectories have at most {largest_in_training} heavy atoms and {len(large)} more; "
            "choose another size"
        )
    count = _count(validation, len(small))
    order = np.random.default_rng(seed).permutation(len(small))
    return Parts(
        [small[i] for i in order[: len(small) - count]], [small[i] for i in order[len(small) - count :]], large
    )


def _permuted(groups: Sequence[list[str]], total: int, validation: float, test: float, seed: int) -> Parts:
    held_out = {"validation": _count(validation, total), "test": _count(test, total)}
    parts: dict[str, list[str]] = {"train": [], "validation": [], "test": []}
    target = [("train", total - sum(held_out.values())), *held_out.items()]
    order = iter(np.random.default_rng(seed).permutation(len(groups)))
    for part, size in target:
        while len(parts[part]) < size:
            index = next(order, None)
            if index is None:
                break
            parts[part] += groups[index]
    return Parts(**parts)


def _count(part: float, total: int) -> int:
    return round(part * total) if part < 1 else int(part)


def _rows(folder: str | Path) -> tuple[Mapping[str, dict[str, str]], list[str]]:
    """Line of the selection table for every finished id, and the ids."""
    dataset = DatasetFolder(Path(folder))
    names, records = list(dataset.finished()), dataset.records()
    if not dataset.selection.is_file():
        raise InputError(f"{folder} has no selection.csv; run the same 'tdddft generate' again, it writes one")
    with dataset.selection.open() as file:
        table = {row["name"]: row for row in csv.DictReader(file)}
    return {n: table[records[n]["molecule"]] for n in names}, names
