"""A fourth system: a room of one file, named by one line in the table of systems."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

from pydantic import Field
from toy_task import ToyTask

from graphlearn.base.cli.shell import out
from graphlearn.training.compare import Column, Comparison, Run
from graphlearn.training.recipe import ComparisonSection, Optimisation, TrainingRecipe, variant_recipe
from graphlearn.training.systems import System
from graphlearn.training.trainer import Trainer


class ToyOptimisation(Optimisation):
    """With the number of steps."""

    steps: int = Field(8, ge=1)


class ToyRecipe(TrainingRecipe):
    """A training of the toy."""

    task: Literal["toys"] = "toys"
    optimisation: ToyOptimisation = ToyOptimisation()
    comparison: ComparisonSection = ComparisonSection()

    def build_task(self) -> ToyTask:
        options = self.optimisation.model_dump(exclude={"steps"})
        return ToyTask(steps=self.optimisation.steps, identity=str(options), options=options)


@dataclass(frozen=True)
class ToyComparison(Comparison):
    """Variants of the toy."""

    recipe: ToyRecipe
    device: str

    title = "toys"
    columns = (Column("error", "error", False),)

    def runs(self):
        section = self.recipe.comparison
        return [Run(variant, "", seed) for seed, variant in product(section.seeds, section.variants)]

    def settings(self, run) -> dict[str, Any]:
        return {"optimisation": self.recipe.optimisation.model_dump(exclude={"seed"})}

    def do(self, run, folder):
        recipe = variant_recipe(self.recipe, self.recipe.comparison, run.variant, run.seed)
        result = Trainer(self.device).fit(recipe.build_task(), folder)
        return {"figures": {"error": result.best.figures["error"]}}


class ToySystem(System[ToyRecipe]):
    """Trains toys."""

    recipe = ToyRecipe

    def train(self, recipe, data, session):
        session.report({"Training": session.fit("training", recipe.build_task())})

    def evaluate(self, folder, options):
        options.allow_only("limit")
        out.print("judged")

    def comparison(self, recipe, data, only, device):
        return ToyComparison(recipe, device)


SYSTEM = ToySystem()
