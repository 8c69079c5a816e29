"""Which graph is used for what: stratified folds, stored folds, scaffold splits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from graphlearn.base.errors import InputError
from graphlearn.base.plain_data import read_json
from graphlearn.graphs.data.table import DAMAGED, GraphTable


class Split(NamedTuple):
    """Graphs for training, for choosing, and for the figure that is reported; int tensors."""

    train: Tensor
    validation: Tensor
    test: Tensor


def stratified_folds(y: Tensor, folds: int = 10, seed: int = 0) -> Tensor:
    """Fold of each graph; every class is spread evenly over the folds.

    Args:
        y: Class of each graph, ``[G]``.
        folds: Number of folds.
        seed: Of the shuffle.

    Returns:
        ``[G]``.

    Raises:
        InputError: if a class has fewer graphs than there are folds.
    """
    from sklearn.model_selection import StratifiedKFold

    smallest = int(torch.bincount(y).min())
    if smallest < folds:
        raise InputError(f"{folds} folds need {folds} graphs of every class; the smallest class has {smallest}")
    result = torch.empty(len(y), dtype=torch.long)
    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    for k, (_, test) in enumerate(splitter.split(np.zeros(len(y)), y.numpy())):
        result[torch.from_numpy(test)] = k
    return result


def nested_split(fold_of_graph: Tensor, fold: int) -> Split:
    """Split of one test fold: the fold after it chooses, all others train.

    Args:
        fold_of_graph: Fold of each graph, ``[G]``.
        fold: The test fold.

    Returns:
        Graphs of the three parts.
    """
    folds = int(fold_of_graph.max()) + 1
    validation = (fold + 1) % folds
    members = [fold_of_graph == fold, fold_of_graph == validation]
    train = ~(members[0] | members[1])
    return Split(*(torch.nonzero(m).flatten() for m in (train, members[1], members[0])))


def load_folds(path: Path, table: GraphTable) -> Tensor:
    """Fold of each graph from a stored file.

    Args:
        path: JSON with one digit per graph, and the fingerprint of the copy that they number.
        table: The data set.

    Returns:
        ``[G]``.

    Raises:
        InputError: if the file is damaged or numbers the graphs of another copy of the data set.
    """
    try:
        content = read_json(path)
        folds = torch.tensor([int(digit) for digit in content["folds"]])
        fingerprint = content["fingerprint"]
    except DAMAGED as error:  # a missing file too
        raise InputError(f"{path}: not readable as a split file ({error})") from None
    if fingerprint != table.fingerprint() or len(folds) != len(table):
        raise InputError(
            f"{path} numbers the graphs of another copy of {table.name} (sizes or labels come in another order); "
            "make folds for this one with data.folds=<seed>"
        )
    return folds


def scaffold_split(smiles: Sequence[str], fractions: tuple[float, float] = (0.8, 0.1)) -> Split:
    """Bemis-Murcko scaffold split as OGB makes it: largest scaffold sets first into train, validation, test.

    Args:
        smiles: One molecule per graph.
        fractions: Shares of train and validation.

    Returns:
        Molecules of the three parts.

    Raises:
        InputError: if RDKit cannot read a SMILES.
    """
    from rdkit import rdBase
    from rdkit.Chem.Scaffolds.MurckoScaffold import MurckoScaffoldSmiles

    groups: dict[str, list[int]] = {}
    with rdBase.BlockLogs():
        try:
            scaffolds = [MurckoScaffoldSmiles(smiles=text, includeChirality=True) for text in smiles]
        except ValueError as error:
            raise InputError(f"a SMILES has no scaffold ({error}); leave out what RDKit cannot read") from None
    for index, scaffold in enumerate(scaffolds):
        groups.setdefault(scaffold, []).append(index)
    ordered = sorted(groups.values(), key=lambda g: (len(g), g[0]), reverse=True)
    limits = (fractions[0] * len(smiles), sum(fractions) * len(smiles))
    parts: tuple[list[int], list[int], list[int]] = ([], [], [])
    for group in ordered:
        if len(parts[0]) + len(group) <= limits[0]:
            parts[0].extend(group)
        elif len(parts[0]) + len(parts[1]) + len(group) <= limits[1]:
            parts[1].extend(group)
        else:
            parts[2].extend(group)
    return Split(*(torch.tensor(p, dtype=torch.long) for p in parts))
