"""Training recipes: every option of a run in one typed place."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from graphlearn.base.errors import InputError
from graphlearn.base.recipes.section import RecipeSection
from graphlearn.models import OrbitalModel
from graphlearn.models.orbital_model import DataOptions
from graphlearn.models.registry import find_model
from graphlearn.training.building import build_network
from graphlearn.training.idle_arguments import idle_arguments
from graphlearn.training.recipe import ALLOW_CODE, ComparisonSection, Optimisation, TrainingRecipe

TRAIN, VALIDATION, HELD_OUT, LARGER = "train", "validation", "held out", "larger"


class OrbitalOptimisation(Optimisation):
    """How long and how fast to learn."""

    steps: int = Field(1000, ge=1)
    batch_size: int = Field(16, ge=1, description="windows per step, over all processes")
    windows_per_trajectory: int = Field(1, ge=1, description="windows of a batch that are drawn from one trajectory")
    warmup_steps: int = Field(0, ge=0)
    weight_decay: float = Field(1e-3, ge=0)
    gradient_clip: float = Field(100.0, gt=0, description="largest norm of the gradient")
    push_forward: float = Field(0.5, ge=0, le=1, description="share of a batch that starts from the model's own output")
    push_forward_bundles: int = Field(1, ge=1, description="longest own output, in bundles; drawn anew every step")
    unroll_bundles: int = Field(1, ge=1, description="bundles predicted one from the other with gradients")
    first_bundle_weight: float = Field(2.0, ge=0, description="loss weight of windows that start from the ground state")
    states: int | None = Field(None, ge=1, description="states of a molecule drawn for the loss; all by default")
    flip_signs: bool = Field(False, description="turn the sign of random orbitals, ground state and change together")
    workers: int = Field(0, ge=0, description="processes that read ahead")

    def idle(self) -> Mapping[str, str]:
        """How far to push, where nothing is pushed."""
        return {} if self.push_forward else {"push_forward_bundles": "push_forward is 0"}

    @model_validator(mode="after")
    def _consistent(self) -> OrbitalOptimisation:
        if self.states is not None and self.unroll_bundles > 1:
            raise ValueError("states and unroll_bundles: bundles that follow need the history of all states")
        if self.batch_size % self.windows_per_trajectory:
            raise ValueError(
                f"batch_size ({self.batch_size}) must be a multiple of windows_per_trajectory "
                f"({self.windows_per_trajectory})"
            )
        return self


class Split(RecipeSection):
    """Which trajectories are used for what: test sets by glob patterns of ids, then draws from what is left.

    A trajectory that matches several patterns belongs to the first; fractions (below 1) are of what the patterns and
    the sizes leave.
    """

    test: dict[str, tuple[str, ...]] = Field(default_factory=dict, description="name of a test set: patterns")
    largest_in_training: int | None = Field(None, ge=1, description="heavy atoms; the test set 'larger' has more")
    held_out: float = Field(0.0, ge=0, description="fraction or number of ids for the test set 'held out'")
    validation: float = Field(0.0, ge=0, description="fraction or number of ids that choose the best checkpoint")
    train: tuple[str, ...] = Field(("*",), description="patterns of the ids that may be drawn or trained on")
    by_molecule: bool = Field(False, description="draw molecules with all their trajectories")
    seed: int = Field(34, description="of the draws")

    def idle(self) -> Mapping[str, str]:
        """How to draw, where nothing is drawn."""
        keys = () if self.held_out or self.validation else ("seed", "by_molecule")
        return dict.fromkeys(keys, "nothing is drawn without held_out or validation")

    @model_validator(mode="after")
    def _free_names(self) -> Split:
        drawn = {TRAIN: True, VALIDATION: True, HELD_OUT: self.held_out, LARGER: self.largest_in_training}
        taken = [name for name in self.test if drawn.get(name)]
        if taken:
            raise ValueError(f"a test set cannot be called {taken[0]!r}, which is drawn; choose another name")
        return self


class Validation(RecipeSection):
    """Rollouts of validation trajectories that choose the checkpoint to keep."""

    every: int = Field(500, ge=1, description="steps between validations")
    trajectories: int = Field(8, ge=1, description="how many of them are rolled out")


class OrbitalRecipe(TrainingRecipe):
    """A training of a model of orbitals on trajectories.

    Its ``architecture`` is a name of :func:`graphlearn.models.registry.known_models`, or ``package.module:Class`` where
    the one who reads the recipe allows its code.
    """

    task: Literal["orbitals"] = "orbitals"
    architecture: str = Field("OrbEvo", description="class of the model: OrbEvo, ResponseOrbEvo or one of your own")
    model: dict[str, Any] = Field(default_factory=dict, description="arguments of the model")
    split: Split = Split()
    validation: Validation = Validation()
    optimisation: OrbitalOptimisation = OrbitalOptimisation()
    comparison: ComparisonSection = ComparisonSection()

    @property
    def model_class(self) -> type[OrbitalModel]:
        """The class that ``architecture`` names."""
        return find_model(self.architecture, OrbitalModel, allow_code=True)  # the validator saw that it is allowed

    def idle(self) -> Mapping[str, str]:
        """Arguments of the model that it does not use, and what does not concern it."""
        arguments = idle_arguments(self.model_class, self.model)
        idle = {f"model.{name}": why for name, why in arguments.items()}
        if not self.model_class.depends_on_signs and self.optimisation.flip_signs:
            idle["optimisation.flip_signs"] = f"{self.architecture} does not depend on the signs of orbitals"
        return idle

    def build_model(self, **defaults: Any) -> OrbitalModel:
        """The model of the recipe; InputError where its sizes do not fit together."""
        try:
            return build_network(self.model_class, {**defaults, **self.model})
        except InputError as error:
            raise InputError(f"recipe {self.name!r}, model: {error}") from None

    @property
    def geometry(self) -> DataOptions:
        """Arguments of the data set that the model decides: cutoff, shells, and whether it takes modes."""
        return self.build_model().geometry

    @field_validator("architecture")
    @classmethod
    def _known_class(cls, name: str, info: ValidationInfo) -> str:
        try:
            find_model(name, OrbitalModel, allow_code=bool((info.context or {}).get(ALLOW_CODE)))
        except InputError as error:
            raise ValueError(str(error)) from None
        return name

    @model_validator(mode="after")
    def _known_arguments(self) -> OrbitalRecipe:
        known = list(inspect.signature(self.model_class).parameters)
        for key in self.model:
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                raise ValueError(f"{self.architecture} has no argument {key!r}{hint}")
        return self
