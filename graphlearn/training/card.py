"""The card of a model, ``model.json``: what it is, how it was trained, and what its system needs to use it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from graphlearn.base.errors import ContractError, InputError
from graphlearn.base.plain_data import read_json
from graphlearn.base.provenance import package_versions
from graphlearn.training.recipe import recipe_task

if TYPE_CHECKING:
    from torch import nn

FILE_NAME = "model.json"
CARD_VERSION = 2
C = TypeVar("C", bound="ModelCard")


class TrainingCourse(BaseModel):
    """The course of a training.

    Attributes:
        steps: Steps of the optimiser; 0 where an old card does not say.
        metric: Name of the figure that chose the weights; None without validation.
        higher_is_better: Its direction.
        best_step: Step whose weights were kept.
        best: Value of the metric there.
        validations: Step and value of each validation; None for a value that was not finite.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    steps: int = 0
    metric: str | None = None
    higher_is_better: bool | None = None
    best_step: int | None = None
    best: float | None = None
    validations: tuple[tuple[int, float | None], ...] = ()


class ModelCard(BaseModel):
    """What every card says; the card of a system derives from it and adds typed fields.

    Keys that no field names are kept.

    Attributes:
        schema_version: Of the card.
        model_class: Class of the network, as :func:`graphlearn.models.registry.model_name` gives it.
        arguments: Of its constructor, by name.
        package_versions: Versions of the packages that trained it, by name.
        recipe: Of the training, resolved; empty where the model was not trained from one.
        training: Its course.
    """

    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True)

    schema_version: Literal[2] = 2
    model_class: str = Field(alias="class")
    arguments: dict[str, Any]
    package_versions: dict[str, str] = Field(default_factory=dict)
    recipe: dict[str, Any] = Field(default_factory=dict)
    training: TrainingCourse | None = None

    @classmethod
    def describe(cls: type[C], model: nn.Module, content: Mapping[str, Any]) -> C:
        """The card of a model.

        Args:
            model: Its ``config`` holds the arguments of its constructor.
            content: What the card says beside class, arguments and package versions.

        Returns:
            The card.

        Raises:
            ContractError: if the content is not that of such a card.
        """
        from graphlearn.models.registry import model_name

        written = {
            "schema_version": CARD_VERSION, "class": model_name(type(model)), "arguments": model.config,
            "package_versions": package_versions(), **content,
        }  # fmt: skip
        return _validated(cls, without_nan(written), "the card")

    @cached_property
    def content(self) -> dict[str, Any]:
        """All of it as plain data, with the keys of ``model.json``."""
        return self.model_dump(mode="json", by_alias=True)

    @property
    def task(self) -> str:
        """The task of the recipe."""
        return recipe_task(self.recipe)

    def __getitem__(self, key: str) -> Any:
        """A value by its key in ``model.json``."""
        return self.content[key]

    def get(self, key: str, default: Any = None) -> Any:
        """A value by its key in ``model.json``.

        Args:
            key: Of the value.
            default: Where the card does not say.

        Returns:
            The value, or the default.
        """
        return self.content.get(key, default)


def read_card(folder: Path, kind: type[C]) -> C:
    """Read the card of a model folder, of any version.

    Args:
        folder: Of the model.
        kind: Class of the card; :class:`ModelCard` for what every card says.

    Returns:
        The card.

    Raises:
        InputError: if the folder holds no model.
        ContractError: for a damaged card, or one of an unknown version.
    """
    file = folder / FILE_NAME
    if not file.is_file():
        raise InputError(f"{folder} holds no model (no {FILE_NAME}); train one with 'graphlearn train'")
    try:
        content = read_json(file)
        version = content["schema_version"]
    except (KeyError, TypeError, ValueError) as error:
        raise ContractError(f"{folder}: damaged model ({_line(error)}); copy or train it again") from None
    if type(version) is not int or not 1 <= version <= CARD_VERSION:
        raise ContractError(f"{file}: schema version {str(version)[:20]}, this graphlearn reads 1 to {CARD_VERSION}")
    return _validated(kind, upgrade_card(content), str(folder))


def upgrade_card(content: Mapping[str, Any]) -> dict[str, Any]:
    """A card of any version as one of the present version.

    Version 1 called the package versions ``versions``, and kept step and score of each validation in ``validations``.
    The lowest score was the best one: errors of rollouts, and for proteins one minus the metric.

    Args:
        content: Of ``model.json``.

    Returns:
        A copy.
    """
    result = dict(content)
    if result.get("schema_version") != 1:
        return result
    result |= {"schema_version": CARD_VERSION, "package_versions": result.pop("versions", {})}
    if "validations" in result:
        result.setdefault("training", _course_of_version_1(result.pop("validations"), result.get("recipe")))
    return result


def without_nan(value: Any) -> Any:
    """The same plain data, with None for numbers that are not finite: JSON has no others."""
    if isinstance(value, Mapping):
        return {key: without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _course_of_version_1(validations: Any, recipe: Any) -> dict[str, Any]:
    proteins = isinstance(recipe, Mapping) and recipe_task(recipe) == "proteins"
    try:
        scores = [(int(step), None if s is None else (1 - s if proteins else s)) for step, s in validations]
        metric = dict(recipe or {}).get("optimisation", {}).get("select", "fmax") if proteins else "rollout_error"
    except (TypeError, ValueError, AttributeError) as error:
        raise ContractError(f"{FILE_NAME}: damaged validations ({_line(error)})") from None
    known = [(s if proteins else -s, -step) for step, s in scores if s is not None]
    if not known:
        return {"metric": metric, "higher_is_better": proteins, "validations": scores}
    best, step = max(known)
    return {
        "metric": metric, "higher_is_better": proteins, "best_step": -step, "best": best if proteins else -best,
        "validations": scores,
    }  # fmt: skip


def _validated(kind: type[C], content: Mapping[str, Any], where: str) -> C:
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        text = f"{place}: {first['msg'].removeprefix('Value error, ')}"[:300]
        raise ContractError(f"{where}: damaged model ({text}); copy or train it again") from None


def _line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:300]
