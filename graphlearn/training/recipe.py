"""What every training recipe has: its version, its task, its name, and the section of the optimiser."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, model_validator

from graphlearn.base.recipes.section import Strict
from graphlearn.training.schedule import OptimizerName, ScheduleName

RECIPE_VERSION = 2
Precision = Literal["float32", "bf16", "fp16"]


class Optimisation(Strict):
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


class TrainingRecipe(Strict):
    """The base of the recipes of all tasks; a subclass narrows ``task`` to a literal and adds its sections."""

    schema_version: Literal[2] = 2
    task: str
    name: str
    optimisation: Optimisation = Optimisation()

    @model_validator(mode="before")
    @classmethod
    def _of_this_version(cls, data: Any) -> Any:
        return upgrade_recipe(data) if isinstance(data, Mapping) else data


def upgrade_recipe(data: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe of any version as one of the present version.

    Version 1, or none: a recipe need not name its task, which is ``graphs`` where it has a section ``data`` and
    ``orbitals`` otherwise; graphs write ``budget`` for ``optimisation``.

    Args:
        data: Plain content of a recipe file, or of the recipe on a model card.

    Returns:
        A copy; what is of the present or of an unknown version is left as it is.
    """
    result = dict(data)
    if result.get("schema_version", 1) != 1 or isinstance(result.get("schema_version"), bool):
        return result
    result.setdefault("task", "graphs" if "data" in result else "orbitals")
    if result["task"] == "graphs" and "budget" in result:
        budget = result.pop("budget")
        if not isinstance(budget, Mapping):
            budget = dict(budget)
        result["optimisation"] = {**budget, **result.get("optimisation", {})}
    return result | {"schema_version": RECIPE_VERSION}
