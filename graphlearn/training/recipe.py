"""What every training recipe has: its version, its task, its name, and the section of the optimiser."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, Literal, TypeVar

from pydantic import Field, PrivateAttr, ValidationInfo, model_validator

from graphlearn.base.errors import InputError
from graphlearn.base.recipes.reading import parse_recipe
from graphlearn.base.recipes.section import RecipeSection

RECIPE_VERSION = 2
ALLOW_CODE = "allow_code"  # of the validation context: the recipe may name code of the user's own
OptimizerName = Literal["adamw", "adam"]
ScheduleName = Literal["cosine", "constant"]
Precision = Literal["float32", "bf16", "fp16"]


R = TypeVar("R", bound="TrainingRecipe")


class Optimisation(RecipeSection):
    """How fast to learn, with the same keys for every task; each adds how long."""

    batch_size: int = Field(32, ge=1, description="items per step, over all processes")
    optimizer: OptimizerName = "adamw"
    learning_rate: float = Field(1e-3, gt=0)
    schedule: ScheduleName = Field("cosine", description="of the learning rate after the warm-up")
    weight_decay: float = Field(0.0, ge=0)
    gradient_clip: float = Field(1.0, gt=0, description="largest norm of the gradient")
    ema_decay: float = Field(0.0, ge=0, lt=1, description="use the moving average of the weights; 0 for the weights")
    precision: Precision = "float32"
    seed: int = 0
    checkpoint_every: int = Field(50, ge=1, description="steps between checkpoints")


class TrainingRecipe(RecipeSection):
    """The base of the recipes of all tasks; a subclass narrows ``task`` to a literal and adds its sections."""

    schema_version: Literal[2] = 2
    task: str
    name: str
    optimisation: Optimisation = Optimisation()
    _allows_code: bool = PrivateAttr(False)

    @property
    def context(self) -> dict[str, Any]:
        """The validation context in which the recipe was read, for changed copies of it."""
        return {ALLOW_CODE: self._allows_code}

    @model_validator(mode="after")
    def _keep_context(self, info: ValidationInfo) -> TrainingRecipe:
        self._allows_code = bool((info.context or {}).get(ALLOW_CODE))
        return self

    @model_validator(mode="before")
    @classmethod
    def _of_this_version(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        known = cls.model_fields["task"].default
        return upgrade_recipe({"task": known, **data} if isinstance(known, str) else data)


def upgrade_recipe(data: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe of any version as one of the present version.

    Version 1, or none: a recipe need not name its task, which is ``graphs`` where it has a section ``data`` and
    ``orbitals`` otherwise. Graphs wrote ``budget`` for ``optimisation``, which ``--set`` still may.

    Args:
        data: Plain content of a recipe file, or of the recipe on a model card.

    Returns:
        A copy; what is of an unknown version is left as it is.
    """
    result = dict(data)
    first = result.get("schema_version", 1) == 1
    if first:
        result |= {"schema_version": RECIPE_VERSION, "task": result.get("task") or _task_by_shape(result)}
    if result.get("task") == "graphs" and "budget" in result:
        former, present = dict(result.pop("budget")), dict(result.get("optimisation", {}))
        result["optimisation"] = {**former, **present} if first else {**present, **former}
    return result


def recipe_task(content: Mapping[str, Any]) -> str:
    """The task of a recipe of any version, as a file or a model card holds it."""
    return str(upgrade_recipe(content).get("task", "orbitals"))


def _task_by_shape(data: Mapping[str, Any]) -> str:
    return "graphs" if "data" in data else "orbitals"


class ComparisonSection(RecipeSection):
    """What ``graphlearn compare`` trains: every variant with every seed."""

    seeds: tuple[int, ...] = Field((0, 1, 2), min_length=1)
    variants: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="name and changes, written as for --set, of each"
    )

    def idle(self) -> Mapping[str, str]:
        """The seeds, where nothing is compared."""
        return {} if self.variants else {"seeds": "there is no variant"}

    @model_validator(mode="after")
    def _changes_have_an_effect(self) -> ComparisonSection:
        for name, changes in self.variants.items():
            for change in changes:
                key = change.partition("=")[0]
                if key == "optimisation.seed" or key.split(".")[0] == "comparison":
                    raise ValueError(f"variants, {name!r}: {key} has no effect there; write comparison.seeds")
        return self


def variant_recipe(recipe: R, section: ComparisonSection, name: str, seed: int) -> R:
    """The recipe of one run of a comparison, which compares nothing itself.

    Args:
        recipe: With a section ``comparison``.
        section: That section.
        name: Of the variant.
        seed: Of the run.

    Returns:
        A recipe of the same class.

    Raises:
        InputError: for an unknown variant, or a change that is not one.
    """
    if name not in section.variants:
        near = difflib.get_close_matches(name, section.variants, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(section.variants)}"
        raise InputError(f"there is no variant {name!r}{hint}")
    changes = [*section.variants[name], f"optimisation.seed={seed}"]
    base = recipe.model_dump(mode="json", exclude={"comparison"}, exclude_unset=True)
    return parse_recipe(
        base, type(recipe), changes, where=f"recipe {recipe.name!r}, variant {name!r}", context=recipe.context
    )
