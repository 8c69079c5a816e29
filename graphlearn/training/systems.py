"""What can be trained: the one place that names the rooms of the systems."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from graphlearn.base.errors import InputError
from graphlearn.base.plain_data import read_yaml
from graphlearn.base.recipes.reading import load_recipe
from graphlearn.training.card import ModelCard, read_card
from graphlearn.training.packaged import model_recipe
from graphlearn.training.recipe import ALLOW_CODE, TrainingRecipe, recipe_task

if TYPE_CHECKING:
    from graphlearn.training.compare import Comparison
    from graphlearn.training.session import Session

SYSTEMS = {  # task of a recipe: module that holds SYSTEM
    "orbitals": "graphlearn.orbitals.system",
    "proteins": "graphlearn.proteins.system",
    "graphs": "graphlearn.graphs.system",
}
R = TypeVar("R", bound=TrainingRecipe)


_OPTIONS = {"ids": "id", "kernels": "kernel"}  # of the command line, where the names differ


@dataclass(frozen=True)
class EvaluationOptions:
    """What ``graphlearn evaluate`` was given; None for options that were not."""

    data: Path | None = None
    ids: list[str] | None = None
    casida: int | None = None
    kernels: list[str] | None = None
    limit: int | None = None
    part: str | None = None
    residues: bool | None = None
    profiles: bool | None = None
    out_dir: Path | None = None
    json_file: Path | None = None
    device: str = "auto"
    model_class: str | None = None

    def allow_only(self, *names: str) -> None:
        """Refuse all options but those of these names, ``data``, ``out_dir``, ``json_file`` and ``device``.

        Args:
            *names: Names of options.

        Raises:
            InputError: if another one was given.
        """
        known = {*names, "data", "out_dir", "json_file", "device"}
        given = [f.name for f in fields(self) if f.name not in known and getattr(self, f.name) is not None]
        if given:
            options = " and ".join("--" + _OPTIONS.get(name, name.replace("_", "-")) for name in given)
            raise InputError(f"{options}: no effect on this model, which is of another system; leave it out")


class System(ABC, Generic[R]):
    """How the commands train, evaluate and compare the models of one room.

    Attributes:
        recipe: Class of its recipes.
    """

    recipe: type[R]

    def overrides(self, data: Path) -> list[str]:
        """How ``--data`` changes the recipe, written as for ``--set``."""
        return []

    @abstractmethod
    def train(self, recipe: R, data: Path | None, session: Session) -> None:
        """Train a model and report.

        Args:
            recipe: What to train.
            data: Value of ``--data``.
            session: Trains, with a progress bar.
        """

    def evaluate(self, folder: Path, options: EvaluationOptions) -> None:
        """Print the errors of a stored model beside those of baselines.

        Args:
            folder: Of the model.
            options: Of the command.

        Raises:
            InputError: if this system has no such evaluation.
        """
        raise InputError(f"{folder}: this model was tested when it was trained; model.json holds its test_score")

    @abstractmethod
    def comparison(self, recipe: R, data: Path | None, only: Sequence[str], device: str) -> Comparison:
        """What ``graphlearn compare`` runs.

        Args:
            recipe: With what is compared.
            data: Value of ``--data``.
            only: Names of variants; none for all.
            device: Where each run computes.

        Returns:
            Runs with what they need.

        Raises:
            InputError: if there is nothing to compare, or no variant of that name.
        """


def find_system(task: str) -> System[Any]:
    """The system of a task; its room is imported here.

    Args:
        task: Of a recipe.

    Returns:
        The entry of the room.

    Raises:
        InputError: for an unknown task.
    """
    if task not in SYSTEMS:
        raise InputError(f"task {task!r} is not known; choose one of {', '.join(SYSTEMS)}")
    system: System[Any] = importlib.import_module(SYSTEMS[task]).SYSTEM
    return system


def model_task(folder: Path) -> str:
    """The task of a stored model, from the recipe on its card.

    Args:
        folder: Of the model.

    Returns:
        A key of ``SYSTEMS``.

    Raises:
        InputError: if the folder holds no model.
        ContractError: for a damaged card.
    """
    return read_card(folder, ModelCard).task


def load_training_recipe(
    name: str, overrides: Sequence[str] = (), data: Path | None = None, *, allow_code: bool = False
) -> tuple[System[Any], TrainingRecipe]:
    """A recipe of any task, and the system that it is for.

    Args:
        name: YAML file, or ``system/recipe`` of those that come with the package.
        overrides: ``a.b=c``.
        data: Folder of the data set.
        allow_code: Whether the recipe may name a class ``package.module:Class``, which is then imported.

    Returns:
        The entry of the room, and the recipe.

    Raises:
        InputError: for an unknown recipe, task or key, or a bad value.
    """
    file = model_recipe(name)
    content = read_yaml(file) if file.is_file() else None
    system = find_system(recipe_task(content) if isinstance(content, Mapping) else "orbitals")
    moved = system.overrides(data) if data is not None else []
    recipe: TrainingRecipe = load_recipe(file, system.recipe, [*overrides, *moved], {ALLOW_CODE: allow_code})
    return system, recipe
