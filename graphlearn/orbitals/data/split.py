"""Which trajectories train, validate and test."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from graphlearn.base.errors import InputError
from tdddft.dataset.store import DatasetFolder


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

    Two geometries are the same molecule if their SMILES strings agree; or their formulas, wherever one of that formula
    has no SMILES.
    """
    groups = molecule_groups(folder)
    return _permuted([g.names for g in groups], sum(len(g.names) for g in groups), validation, test, seed)


def split_by_size(folder: str | Path, largest_in_training: int, validation: float, seed: int) -> Parts:
    """Out of distribution: molecules with more heavy atoms than any in training are the test set.

    Args:
        folder: Data-set folder.
        largest_in_training: Heavy atoms up to which molecules train and validate; no molecule does both.
        validation: Fraction or number of the small ones.
        seed: Of their permutation.
    """
    groups = molecule_groups(folder)
    small = [g.names for g in groups if g.heavy_atoms <= largest_in_training]
    large = [n for g in groups if g.heavy_atoms > largest_in_training for n in g.names]
    total = sum(map(len, small))
    if not small or not large:
        raise InputError(
            f"split: {total} trajectories have at most {largest_in_training} heavy atoms and {len(large)} more; "
            "choose another size"
        )
    number = part_size(validation, total)
    train, held_out = fill_parts(small, [total - number, number], seed)
    return Parts(train, held_out, large)


@dataclass(frozen=True)
class MoleculeGroup:
    """All trajectories of one molecule."""

    heavy_atoms: int
    names: list[str]


def molecule_groups(folder: str | Path, select: Collection[str] | None = None) -> list[MoleculeGroup]:
    """Finished ids of each molecule, in the order of the data set; of ``select`` only, where it is given."""
    dataset = DatasetFolder(Path(folder))
    names, records = [n for n in dataset.finished() if select is None or n in select], dataset.records()
    if not dataset.selection.is_file():
        raise InputError(f"{folder} has no selection.csv; run the same 'tdddft generate' again, it writes one")
    table = {row["name"]: row for row in dataset.chosen().rows if {"smiles", "formula", "heavy_atoms"} <= set(row)}
    molecules = {n: records[n].get("molecule", "") for n in names}
    unknown_names = sorted(set(molecules.values()) - set(table))
    if unknown_names:
        raise InputError(
            f"{dataset.selection} says nothing of {', '.join(unknown_names[:5])}; 'tdddft validate {folder} --repair' "
            "writes it again"
        )
    rows = {n: table[m] for n, m in molecules.items()}
    unknown = {row["formula"] for row in table.values() if not row["smiles"]}
    groups: dict[str, MoleculeGroup] = {}
    for name, row in rows.items():
        key = row["formula"] if row["formula"] in unknown else row["smiles"]
        groups.setdefault(key, MoleculeGroup(int(row["heavy_atoms"]), [])).names.append(name)
    return list(groups.values())


def _permuted(groups: Sequence[list[str]], total: int, validation: float, test: float, seed: int) -> Parts:
    held_out = [part_size(validation, total), part_size(test, total)]
    return Parts(*fill_parts(groups, [total - sum(held_out), *held_out], seed))


def fill_parts(groups: Sequence[list[str]], sizes: Sequence[int], seed: int) -> list[list[str]]:
    """Parts of at least these sizes, filled one after the other with groups in random order, while there are any."""
    order = iter(np.random.default_rng(seed).permutation(len(groups)))
    parts: list[list[str]] = [[] for _ in sizes]
    for part, size in zip(parts, sizes, strict=True):
        while len(part) < size and (index := next(order, None)) is not None:
            part += groups[index]
    return parts


def part_size(part: float, total: int) -> int:
    """A fraction (below 1) of the total, or a number."""
    return round(part * total) if part < 1 else int(part)
