"""Training recipes: every option of a run in one typed place."""

from __future__ import annotations

import difflib
import inspect
from typing import Any, Literal

from pydantic import Field, field_validator

from graphlearn.models import OrbEvo
from tdddft.errors import InputError
from tdddft.recipe_files import Strict


class Optimisation(Strict):
    """How long and how fast to learn."""

    steps: int = Field(1000, ge=1)
    batch_size: int = Field(16, ge=1)
    learning_rate: float = Field(1e-3, gt=0)
    warmup_steps: int = Field(0, ge=0)
    weight_decay: float = Field(1e-3, ge=0)
    gradient_clip: float = Field(100.0, gt=0)
    push_forward: float = Field(0.5, ge=0, le=1, description="share of a batch that starts from the model's own output")
    push_forward_bundles: int = Field(1, ge=1, description="longest own output, in bundles; drawn anew every step")
    first_bundle_weight: float = Field(2.0, ge=0, description="loss weight of windows that start from the ground state")
    seed: int = 0
    checkpoint_every: int = Field(50, ge=1, description="steps between checkpoints")


class Split(Strict):
    """Which trajectories are used for what, by glob patterns of their ids; the first section that matches wins."""

    test: dict[str, tuple[str, ...]] = Field(default_factory=dict, description="name of a test set: patterns")
    train: tuple[str, ...] = ("*",)


class TrainRecipe(Strict):
    """A training run of OrbEvo on trajectories."""

    schema_version: Literal[1] = 1
    name: str
    model: dict[str, Any] = Field(default_factory=dict, description="arguments of graphlearn.models.OrbEvo")
    split: Split = Split()
    optimisation: Optimisation = Optimisation()

    @property
    def geometry(self) -> dict[str, Any]:
        """Arguments of the data set that the model decides: ``cutoff_angstrom`` and ``shells``."""
        defaults = inspect.signature(OrbEvo).parameters
        return {k: self.model.get(k, defaults[k].default) for k in ("cutoff_angstrom", "shells")}

    def build_model(self, **defaults: Any) -> OrbEvo:
        """The model of the recipe; InputError where its sizes do not fit together."""
        try:
            return OrbEvo(**{**defaults, **self.model})
        except (TypeError, ValueError) as error:
            raise InputError(f"recipe {self.name!r}, model: {error}") from None

    @field_validator("model")
    @classmethod
    def _known_arguments(cls, value: dict[str, Any]) -> dict[str, Any]:
        known = list(inspect.signature(OrbEvo).parameters)
        for key in value:
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1)
                raise ValueError(f"OrbEvo has no argument {key!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
        return value
