"""Training of ProteinRPN: pre-training of the proposal on sites, then the terms; stopped and resumed at any step."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from graphlearn.base.errors import StoppedError
from graphlearn.models import ProteinRPN
from graphlearn.proteins.data.batches import collate, epoch_batches
from graphlearn.proteins.data.protein_go import ProteinGO
from graphlearn.proteins.metrics.terms import fmax, micro_aupr
from graphlearn.proteins.ontology.enzyme_commission import CLASSES
from graphlearn.proteins.prediction.calibration import Calibration
from graphlearn.proteins.prediction.decision import decide
from graphlearn.proteins.prediction.homology import Homologues
from graphlearn.proteins.prediction.logits import predict_logits
from graphlearn.proteins.recipe import ProteinOptimisation, ProteinRecipe
from graphlearn.proteins.task import ProteinTask
from graphlearn.proteins.training.initialise import StartModel, start_model
from graphlearn.proteins.training.objective import Objective, positive_weights
from graphlearn.proteins.training.pretrain import PreTrainingResult
from graphlearn.proteins.training.training_state import TrainingState
from graphlearn.training.checkpoint import save_model
from graphlearn.training.run_folder import BEST, load_best, run_folder
from graphlearn.training.weights import save_tensors

OnStep = Callable[[int, int, float], None]
OnEpoch = Callable[[int, float], None]


@dataclass
class ProteinTraining:
    """A trained model and its course.

    Attributes:
        model: With the weights of the best validation.
        losses: Loss of each step.
        validations: Step and score (1 - the metric that selects) of each epoch.
        pre_training: Course of the pre-training; None without.
        steps_per_epoch: Batches of an epoch.
    """

    model: ProteinRPN
    losses: list[float]
    validations: list[tuple[int, float]]
    pre_training: PreTrainingResult | None
    steps_per_epoch: int


def train_proteins(
    recipe: ProteinRecipe,
    task: ProteinTask,
    folder: Path,
    *,
    start: StartModel | None = None,
    homologues: Homologues | None = None,
    on_step: OnStep | None = None,
    on_validation: OnEpoch | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> ProteinTraining:
    """Train, writing checkpoints; run again, it goes on from the last one.

    Every random choice follows from the seed and the number of the step, so that a stopped and continued run equals an
    uninterrupted one.

    Args:
        recipe: Model, losses and optimisation.
        task: Read by ``load_task``.
        folder: Where states and, at the end, the model are written.
        start: From :func:`start_model`, which is called by default.
        homologues: The training chains, where an earlier search among them can be used again.
        on_step: Called with (step, steps, loss).
        on_validation: Called with (epoch, value of the metric that selects).
        stop: Asked after every step; True writes a checkpoint and ends with StoppedError.

    Raises:
        InputError: if the folder holds the state of another recipe, or another training is at work in it.
        StoppedError: if ``stop`` said so.
        RuntimeError: if the loss is no longer finite.
    """
    start = start or start_model(recipe, task, folder, stop=stop)
    with run_folder(folder):
        return _train(recipe, task, folder, start, homologues, on_step, on_validation, stop)


def _train(
    recipe: ProteinRecipe,
    task: ProteinTask,
    folder: Path,
    start: StartModel,
    homologues: Homologues | None,
    on_step: OnStep | None,
    on_validation: OnEpoch | None,
    stop: Callable[[], bool],
) -> ProteinTraining:
    options, data = recipe.optimisation, task.data.select(task.data.split["train"])
    labels = torch.from_numpy(task.labels("train")).float()
    model, identity, before = start
    objective = Objective(
        recipe.losses, recipe.perturbation, positive_weights(labels, recipe.losses), task.parent_edges,
        recipe.data.cutoff_angstrom,
    )  # fmt: skip
    optimizer = torch.optim.AdamW(
        model.parameters(), options.learning_rate, weight_decay=options.weight_decay, fused=True
    )
    state = TrainingState(identity, model, optimizer, None, torch.amp.GradScaler("cpu", enabled=False))
    state.load(folder)
    lengths = [data.lengths[c] for c in data.chains]
    per_epoch = math.ceil(len(data) / options.batch_size)
    steps = options.epochs * per_epoch
    batches: list[list[int]] = []
    while len(state.losses) < steps:
        number = len(state.losses)
        epoch, place = divmod(number, per_epoch)
        if place == 0 or not batches:
            batches = epoch_batches(lengths, options.batch_size, options.seed, epoch)
        state.losses.append(_step(objective, model, optimizer, data, batches[place], number, per_epoch, options))
        number += 1
        if number % per_epoch == 0:
            value = validate(model, task, options.select)
            if state.is_better(1 - value):
                save_tensors(folder / BEST, dict(model.state_dict()))
            state.validations.append((number, 1 - value))
            if on_validation is not None:
                on_validation(number // per_epoch, value)
        asked = stop() and number < steps
        if asked or number % per_epoch == 0:
            state.save(folder)
        if on_step is not None:
            on_step(number, steps, state.losses[-1])
        if asked:
            raise StoppedError(f"stopped after step {number} of {steps}")
    if state.has_best:
        load_best(model, folder)
    else:  # the best weights were lost after the last step
        state.validations.append((steps, 1 - validate(model, task, options.select)))
    model.eval()
    homologues = homologues or Homologues.of(task)
    homologues.save(folder)
    decision = decide(model, task, homologues.transfer(task.sequences("validation")))
    save_model(folder, model, {**facts_of(recipe, task, state.validations), "decision": decision.facts()})
    return ProteinTraining(model, state.losses, state.validations, before, per_epoch)


def facts_of(recipe: ProteinRecipe, task: ProteinTask, validations: list[tuple[int, float]]) -> dict[str, Any]:
    """What ``model.json`` says beside the class and its arguments."""
    names = task.data.annotations.names
    if recipe.data.ontology == "ec":
        names = {term: CLASSES[term[0]] for term in task.data.terms}
    return {
        "recipe": recipe.model_dump(mode="json", exclude={"data": {"root"}, "comparison": True}),
        "ontology": recipe.data.ontology,
        "cutoff_angstrom": recipe.data.cutoff_angstrom,
        "terms": [{"id": term, "name": names.get(term, "")} for term in task.data.terms],
        "parents": task.parent_edges.T.tolist(),
        "split": {part: list(chains) for part, chains in task.data.split.items()},
        "sites": {part: list(chains) for part, chains in task.sites._asdict().items()},
        "validations": validations,
    }


def validate(model: ProteinRPN, task: ProteinTask, metric: str) -> float:
    """Fmax or micro-averaged precision on the validation chains, ancestors closed."""
    chains = task.data.select(task.data.split["validation"])
    scores = task.closed(Calibration()(predict_logits(model, chains)))
    labels = task.labels("validation")
    return fmax(scores, labels).value if metric == "fmax" else micro_aupr(scores, labels)


def learning_rate(step: int, per_epoch: int, options: ProteinOptimisation) -> float:
    """Linear warm-up, then half a cosine to zero."""
    warmup, steps = int(options.warmup_epochs * per_epoch), options.epochs * per_epoch
    if step < warmup:
        return options.learning_rate * (step + 1) / warmup
    return options.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))


def _step(
    objective: Objective,
    model: ProteinRPN,
    optimizer: torch.optim.Optimizer,
    data: ProteinGO,
    rows: list[int],
    number: int,
    per_epoch: int,
    options: ProteinOptimisation,
) -> float:
    generator = torch.Generator().manual_seed(options.seed * 1_000_003 + number)
    torch.manual_seed(int(torch.randint(2**62, (1,), generator=generator)))
    for group in optimizer.param_groups:
        group["lr"] = learning_rate(number, per_epoch, options)
    model.train()
    loss = objective(model, collate(data, rows), generator)
    value = float(loss.detach())
    if not math.isfinite(value):
        raise RuntimeError(f"the loss of step {number} is {value}; lower optimisation.learning_rate")
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), options.gradient_clip)
    optimizer.step()
    return value
