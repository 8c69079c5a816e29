"""From a recipe and a data-set folder to a task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from graphlearn.base.errors import InputError
from graphlearn.orbitals.assignment import assign, check_validation
from graphlearn.orbitals.data.trajectories import TDDFTTrajectories
from graphlearn.orbitals.recipe import TRAIN, VALIDATION, OrbitalRecipe
from graphlearn.orbitals.task import OrbitalTask


def required(data: Path | None) -> Path:
    """The folder of the trajectories; InputError if none was given."""
    if data is None:
        raise InputError("give --data: the folder of trajectories, made by 'tdddft generate'")
    return data


def split_folder(recipe: OrbitalRecipe, data: Path | None) -> dict[str, list[str]]:
    """Ids of a data-set folder by their use, see :func:`graphlearn.orbitals.assignment.assign`.

    Args:
        recipe: With the rules.
        data: Value of ``--data``.

    Returns:
        Ids by name of the set.

    Raises:
        InputError: if no folder was given, or the rules leave nothing to train on.
    """
    folder = required(data)
    split = assign(TDDFTTrajectories(folder).names, recipe.split, folder)
    check_validation(recipe, split)
    return split


def open_task(recipe: OrbitalRecipe, data: Path, split: Mapping[str, Sequence[str]]) -> OrbitalTask:
    """The task of a recipe on the parts of a data-set folder.

    Args:
        recipe: Model and optimisation.
        data: Folder of the trajectories.
        split: Ids by use.

    Returns:
        A task of the trainer.
    """
    parts = (TRAIN, VALIDATION)
    sets = {s: TDDFTTrajectories(data, select=split[s], **recipe.geometry) for s in parts if s in split}
    return OrbitalTask.create(recipe, sets[TRAIN], sets.get(VALIDATION))
