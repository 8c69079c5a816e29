"""Recipes of graph and node prediction: data, network, budget, and what is compared."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, PositiveInt, model_validator

from graphlearn.base.recipes.reading import parse_recipe
from graphlearn.base.recipes.section import RecipeSection
from graphlearn.models.histograph import READOUTS
from graphlearn.training.recipe import Optimisation, OptimizerName, ScheduleName, TrainingRecipe

FOLDERS = {"tu": "tu", "moleculenet": "moleculenet", "citations": "planetoid"}


class GraphDataSource(RecipeSection):
    """Which data set, and where it lies."""

    kind: Literal["tu", "moleculenet", "citations"]
    name: str
    root: Path | None = Field(None, description="folder; default: $GRAPHLEARN_DATA/<kind>, else data/<kind> (download)")
    folds: Literal["stored"] | int = Field("stored", description="stored folds of a TU set, or a seed to make ten")

    def idle(self) -> Mapping[str, str]:
        """The folds of sets that have one split of their own."""
        return {} if self.kind == "tu" else {"folds": f"{self.kind} has one split of its own"}

    @property
    def folder(self) -> Path:
        """Where the files are looked for."""
        return self.root or Path(os.environ.get("GRAPHLEARN_DATA", "data")) / FOLDERS[self.kind]


class GraphNetwork(RecipeSection):
    """Arguments of :class:`graphlearn.models.HistographGNN` that all readouts share."""

    channels: int = Field(64, ge=1)
    conv: Literal["gin", "gcn"] = "gin"
    norm: Literal["batch"] | None = "batch"
    dropout: float = Field(0.0, ge=0, lt=1)
    input_dropout: float = Field(0.0, ge=0, lt=1)


class GraphOptimisation(Optimisation):
    """How long and how fast to learn; the same for every readout."""

    epochs: int = Field(100, ge=1)
    patience: int = Field(30, ge=1, description="epochs without a better validation value before it stops")
    select: Literal["loss", "score"] = Field("loss", description="which validation value chooses the epoch")
    optimizer: OptimizerName = "adam"
    schedule: ScheduleName = Field("constant", description="of the learning rate")


class GraphRecipe(TrainingRecipe):
    """A training run, or a comparison of readouts on the same network, budget and splits."""

    task: Literal["graphs"] = "graphs"
    data: GraphDataSource
    network: GraphNetwork = GraphNetwork()
    optimisation: GraphOptimisation = GraphOptimisation()
    depths: tuple[PositiveInt, ...] = Field((5,), min_length=1, description="message-passing layers")
    readouts: tuple[str, ...] = Field(("history", "mean"), min_length=1)
    readout_options: dict[str, dict[str, Any]] = Field(default_factory=dict, description="arguments by readout")
    seeds: tuple[int, ...] = Field((0,), min_length=1)
    test_folds: tuple[int, ...] = Field(tuple(range(10)), min_length=1, description="folds to test on; TU sets only")

    def idle(self) -> Mapping[str, str]:
        """Options of readouts that are not compared, and what the kind of data does not need."""
        others = [name for name in self.readout_options if name not in self.readouts]
        idle = {f"readout_options.{name}": f"{name} is not among the readouts" for name in others}
        idle["optimisation.seed"] = "it stands in seeds"
        if self.data.kind != "tu":
            idle["test_folds"] = f"{self.data.kind} has one split of its own"
        if self.data.kind == "citations":
            idle["optimisation.batch_size"] = "a citation network is one graph, taken whole"
        return idle

    def only(self, readouts: Sequence[str]) -> GraphRecipe:
        """The recipe with these readouts in place of its own."""
        given = self.model_dump(mode="json", exclude_unset=True)
        options = {name: value for name, value in self.readout_options.items() if name in readouts}
        given |= {"readouts": list(readouts), "readout_options": options}
        return parse_recipe(given, GraphRecipe, where=f"recipe {self.name!r}")

    @model_validator(mode="after")
    def _known(self) -> GraphRecipe:
        for readout in (*self.readouts, *self.readout_options):
            if readout not in READOUTS:
                raise ValueError(f"unknown readout {readout!r}; choose from {', '.join(READOUTS)}")
        if any(not 0 <= fold <= 9 for fold in self.test_folds):
            raise ValueError("test_folds are numbers from 0 to 9")
        return self
