"""Train one network, choose the epoch on the validation part, and test it once."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from graphlearn.base.errors import InputError, StoppedError
from graphlearn.graphs.recipe import GraphOptimisation, GraphRecipe
from graphlearn.graphs.task import Task
from graphlearn.models import HistographGNN
from graphlearn.training.building import build_network


class Run(NamedTuple):
    """One training: which readout, depth, seed and test fold."""

    readout: str
    depth: int
    seed: int = 0
    fold: int = 0


class Fit(NamedTuple):
    """A trained network and its figures; ``score`` is of the test part, at the epoch that validation chose."""

    model: HistographGNN
    score: float
    validation: float
    epoch: int
    epochs: int
    seconds: float
    losses: list[float]
    validation_losses: list[float]


def build_model(recipe: GraphRecipe, task: Task, readout: str, depth: int) -> HistographGNN:
    """The network of a recipe with one of its readouts.

    Raises:
        InputError: where sizes or options do not fit together.
    """
    arguments = {
        "in_channels": task.inputs, "out_channels": task.outputs, "num_layers": depth, "readout": readout,
        "level": task.level, "readout_options": recipe.readout_options.get(readout), **recipe.network.model_dump(),
    }  # fmt: skip
    try:
        return build_network(HistographGNN, arguments)
    except InputError as error:
        raise InputError(f"recipe {recipe.name!r}, readout {readout!r}: {error}") from None


def fit(
    recipe: GraphRecipe,
    task: Task,
    run: Run,
    *,
    on_epoch: Callable[[int, float], Any] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Fit:
    """Train with Adam (weight decay as an L2 penalty) on shuffled batches until the budget or the patience is used up.

    Args:
        recipe: Network and budget.
        task: Data and split.
        run: Readout, depth and seed.
        on_epoch: Called with the epoch, from 1, and its validation loss.
        stop: Asked after every batch; True ends with StoppedError, and nothing is kept.

    Raises:
        InputError: where the model cannot be built, its loss is no longer finite, or a part has no score.
        StoppedError: if ``stop`` said so.
    """
    budget = recipe.optimisation
    torch.manual_seed(run.seed)
    model = build_model(recipe, task, run.readout, run.depth)
    optimizer = torch.optim.Adam(model.parameters(), budget.learning_rate, weight_decay=budget.weight_decay, fused=True)
    shuffle = torch.Generator().manual_seed(run.seed)
    best, chosen, best_epoch, validation = (-math.inf, -math.inf), model.state_dict(), 0, math.nan
    losses: list[float] = []
    validation_losses: list[float] = []
    started = time.perf_counter()
    for epoch in range(1, budget.epochs + 1):
        losses.append(_train_epoch(model, task, budget, optimizer, shuffle, stop))
        loss, score = evaluate(model, task, task.split.validation)
        validation_losses.append(loss)
        value = (score, -loss) if budget.select == "score" else (-loss, score)
        if value > best:
            best, best_epoch, validation, chosen = value, epoch, score, copy.deepcopy(model.state_dict())
        if on_epoch is not None:
            on_epoch(epoch, loss)
        if epoch - best_epoch >= budget.patience:
            break
    model.load_state_dict(chosen)
    test = evaluate(model, task, task.split.test)[1]
    seconds = time.perf_counter() - started
    return Fit(model.eval(), test, validation, best_epoch, len(losses), seconds, losses, validation_losses)


def _train_epoch(
    model: nn.Module,
    task: Task,
    budget: GraphOptimisation,
    optimizer: torch.optim.Optimizer,
    shuffle: torch.Generator,
    stop: Callable[[], bool],
) -> float:
    model.train()
    total, count = 0.0, 0
    for batch in task.batches(task.split.train, budget.batch_size, shuffle):
        if stop():
            raise StoppedError("stopped; a training of graphs starts anew")
        if not task.teaches(batch):
            continue
        output, y = task.predict(model, batch)
        loss = task.loss(output, y)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), budget.gradient_clip)
        optimizer.step()
        total, count = total + float(loss.detach()) * len(y), count + len(y)
    return total / max(count, 1)


@torch.no_grad()
def evaluate(model: nn.Module, task: Task, part: Tensor, batch_size: int = 256) -> tuple[float, float]:
    """Loss and score of a part of the split.

    Raises:
        InputError: if the loss is not finite, or the part lacks what the score needs.
    """
    model.eval()
    outputs, targets = zip(*(task.predict(model, b) for b in task.batches(part, batch_size)), strict=True)
    output, y = torch.cat(outputs), torch.cat(targets)
    loss = float(task.loss(output, y))
    if not math.isfinite(loss):
        raise InputError(f"the loss is {loss}; lower optimisation.learning_rate")
    return loss, task.score(output, y)
