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

    Returns:
        Ids of the three parts.

    Raises:
        InputError: if nothing is left to train or to test on.
    """
    return Parts(*draw_parts([[n] for n in names], validation, test, seed))


def split_by_molecule(folder: str | Path, validation: float, test: float, seed: int) -> Parts:
    """Like :func:`split_at_random`, but all geometries and field directions of a molecule go to the same part.

    Two geometries are the same molecule if their SMILES strings agree; or their formulas, wherever one of that formula
    has no SMILES.

    Args:
        folder: Data-set folder.
        validation: Fraction (below 1) or number of ids, at least.
        test: Fraction (below 1) or number of ids, at least.
        seed: Of the permutation of the molecules.

    Returns:
        Ids of the three parts.

    Raises:
        InputError: if nothing is left to train or to test on, or the folder does not know its molecules.
    """
    return Parts(*draw_parts([g.names for g in molecule_groups(folder)], validation, test, seed))


def split_by_size(folder: str | Path, largest_in_training: int, validation: float, seed: int) -> Parts:
    """Out of distribution: molecules with more heavy atoms than any in training are the test set.

    Args:
        folder: Data-set folder.
        largest_in_training: Heavy atoms up to which molecules train and validate; no molecule does both.
        validation: Fraction or number of the small ones.
        seed: Of their permutation.

    Returns:
        Ids of the three parts.

    Raises:
        InputError: if no molecule is larger, or none is as small.
    """
    groups = molecule_groups(folder)
    small = [g.names for g in groups if g.heavy_atoms <= largest_in_training]
    large = [n for g in groups if g.heavy_atoms > largest_in_training for n in g.names]
    if not small or not large:
        fitting = sum(map(len, small))
        raise InputError(
            f"split: {fitting} trajectories have at most {largest_in_training} heavy atoms and {len(large)} more; "
            "choose another size"
        )
    train, held_out, _ = draw_parts(small, validation, 0, seed)
    return Parts(train, held_out, large)


@dataclass(frozen=True)
class MoleculeGroup:
    """All trajectories of one molecule."""

    heavy_atoms: int
    names: list[str]


def molecule_groups(folder: str | Path, select: Collection[str] | None = None) -> list[MoleculeGroup]:
    """Finished ids of each molecule, in the order of the data set.

    Args:
        folder: Data-set folder.
        select: Ids to keep; all by default.

    Returns:
        One group per molecule.

    Raises:
        InputError: if ``selection.csv`` is absent or does not name the molecules.
    """
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


def draw_parts(
    groups: Sequence[list[str]], validation: float, test: float, seed: int
) -> tuple[list[str], list[str], list[str]]:
    """Ids that train, validate and test: the parts are filled in this order with groups in random order.

    Args:
        groups: Ids that stay together.
        validation: Fraction (below 1) or number of ids, at least, while there are any.
        test: Likewise.
        seed: Of ``default_rng(seed).permutation``.

    Returns:
        The ids of the three parts.
    """
    total = sum(map(len, groups))
    sizes = [round(part * total) if part < 1 else int(part) for part in (validation, test)]
    order = iter(np.random.default_rng(seed).permutation(len(groups)))
    parts: tuple[list[str], list[str], list[str]] = ([], [], [])
    for part, size in zip(parts, (total - sum(sizes), *sizes), strict=True):
        while len(part) < size and (index := next(order, None)) is not None:
            part += groups[index]
    return parts
