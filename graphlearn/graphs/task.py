"""Predicting graphs or nodes as a task of the trainer."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Data as Graph

from graphlearn.base.errors import InputError
from graphlearn.base.recipes.reading import recipe_hash
from graphlearn.graphs.data.prepared import GraphData
from graphlearn.graphs.recipe import GraphOptimisation, GraphRecipe
from graphlearn.models import HistographGNN
from graphlearn.training.building import build_network
from graphlearn.training.randomness import Share, StepDraws, step_generator
from graphlearn.training.task import Budget, Metric, TrainingResult, device_of, nothing_to_learn

SHUFFLE = 3  # purpose of random numbers
SCORES = {"accuracy": "accuracy", "roc_auc": "ROC-AUC"}


@dataclass
class GraphTask:
    """One readout at one depth on one split; see :class:`graphlearn.training.task.Task`.

    Attributes:
        recipe: Network and optimisation.
        data: Graphs with a split.
        readout: Name of the readout.
        depth: Message-passing layers.
        seed: Of all random numbers.
        fold: Number of the test fold.
        model: The network.
    """

    recipe: GraphRecipe
    data: GraphData
    readout: str
    depth: int
    seed: int
    fold: int
    model: HistographGNN

    @classmethod
    def create(
        cls, recipe: GraphRecipe, data: GraphData, readout: str, depth: int, seed: int = 0, fold: int = 0
    ) -> GraphTask:
        """Build the network of one of the readouts of a recipe.

        Args:
            recipe: Network and optimisation.
            data: Graphs with a split.
            readout: Name of the readout.
            depth: Message-passing layers.
            seed: Of all random numbers.
            fold: Number of the test fold.

        Returns:
            The task, with its model on the CPU.

        Raises:
            InputError: where sizes or options do not fit together.
        """
        torch.manual_seed(seed)
        return cls(recipe, data, readout, depth, seed, fold, build_model(recipe, data, readout, depth))

    @property
    def identity(self) -> str:
        """Recipe, data and what was chosen of them."""
        chosen = f"{self.readout}:{self.depth}:{self.seed}:{self.fold}"
        return f"{recipe_hash(self.recipe)}:{self.data.fingerprint}:{chosen}"

    @property
    def optimisation(self) -> GraphOptimisation:
        """Of the recipe, with the seed of this task."""
        return self.recipe.optimisation.model_copy(update={"seed": self.seed})

    @property
    def steps_per_epoch(self) -> int:
        """Batches of an epoch; one where a single network is taken whole."""
        if self.data.level == "node":
            return 1
        return math.ceil(len(self.data.split.train) / self.recipe.optimisation.batch_size)

    @property
    def budget(self) -> Budget:
        """A validation after every epoch."""
        each, options = self.steps_per_epoch, self.recipe.optimisation
        return Budget(options.epochs * each, validate_every=each, patience=options.patience)

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """Score and loss of the validation part, in the order that the recipe says."""
        score = Metric(self.data.metric, True, f"validation {SCORES[self.data.metric]}")
        loss = Metric("loss", False, "validation loss")
        return (score, loss) if self.recipe.optimisation.select == "score" else (loss, score)

    def batches(self, first_step: int, share: Share) -> Iterable[Graph]:
        """Every graph once per epoch, shuffled for each; or the one network, with the training nodes.

        Args:
            first_step: Step to begin with.
            share: Which graphs, or nodes, of each step this process takes.

        Yields:
            One batch per step.
        """
        train, each, size = self.data.split.train, self.steps_per_epoch, self.recipe.optimisation.batch_size
        for step in range(first_step, self.budget.steps):
            epoch, place = divmod(step, each)
            rows = train
            if self.data.level == "graph":
                order = torch.randperm(len(train), generator=step_generator(self.seed, epoch, SHUFFLE))
                rows = train[order[place * size : (place + 1) * size]]
            yield self.data.batch(rows[share.rank :: share.world])

    def loss(self, model: HistographGNN, batch: Graph, draws: StepDraws) -> Tensor:
        """Loss of a batch.

        Args:
            model: The network.
            batch: Graphs with targets.
            draws: Not needed: dropout draws from the generators of torch.

        Returns:
            Sum of the loss over the graphs, or nodes, and their number, [2].
        """
        if not self.data.teaches(batch):
            return nothing_to_learn(model)
        output, y = self.data.predict(model, batch)
        count = torch.tensor(float(len(y)), device=device_of(model))
        return torch.stack([self.data.loss(output, y).float() * count, count])

    def validate(self, model: HistographGNN) -> dict[str, float]:
        """Loss and score of the validation part."""
        loss, score = self.data.evaluate(model, self.data.split.validation)
        return {"loss": loss, self.data.metric: score}

    def test(self, model: HistographGNN) -> float:
        """Score of the test part."""
        return self.data.evaluate(model, self.data.split.test)[1]

    def card(self, result: TrainingResult[HistographGNN]) -> dict[str, Any]:
        """Recipe, what was chosen of it, scores, and the course of the training."""
        best = result.best
        assert best is not None
        return {
            "recipe": self.recipe.model_dump(mode="json"),
            "run": {"readout": self.readout, "depth": self.depth, "seed": self.seed, "fold": self.fold},
            "epoch": best.step // self.steps_per_epoch,
            "metric": self.data.metric,
            "validation_score": best.figures[self.data.metric],
            "test_score": self.test(result.model),
            "training": result.to_dict(),
        }


def build_model(recipe: GraphRecipe, data: GraphData, readout: str, depth: int) -> HistographGNN:
    """The network of a recipe with one of its readouts.

    Args:
        recipe: Network and options of the readouts.
        data: Gives the sizes of inputs and outputs.
        readout: Name of the readout.
        depth: Message-passing layers.

    Returns:
        With weights drawn from the generators of torch.

    Raises:
        InputError: where sizes or options do not fit together.
    """
    arguments = {
        "in_channels": data.inputs, "out_channels": data.outputs, "num_layers": depth, "readout": readout,
        "level": data.level, "readout_options": recipe.readout_options.get(readout), **recipe.network.model_dump(),
    }  # fmt: skip
    try:
        return build_network(HistographGNN, arguments)
    except InputError as error:
        raise InputError(f"recipe {recipe.name!r}, readout {readout!r}: {error}") from None
