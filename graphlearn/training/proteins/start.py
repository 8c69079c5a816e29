"""The network that a training begins with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

from graphlearn.models import ProteinRPN
from graphlearn.training.proteins.pretrain import PreTrainingResult, pretrain_proposal
from graphlearn.training.proteins.recipe import ProteinRecipe
from graphlearn.training.proteins.task import ProteinTask
from graphlearn.training.weights import load_weights, save_tensors
from tdddft.files import replace_text

PROPOSAL, PROPOSAL_FACTS = "proposal.safetensors", "proposal.json"


class StartModel(NamedTuple):
    """A network to begin with, what recipe and data it belongs to, and the course of its pre-training."""

    model: ProteinRPN
    identity: str
    pre_training: PreTrainingResult | None


def start_model(
    recipe: ProteinRecipe,
    task: ProteinTask,
    folder: Path,
    *,
    on_epoch: Callable[[int, float], None] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> StartModel:
    """The network before the first step, drawn from the seed, its proposal pre-trained where the recipe says so.

    The result of the pre-training is kept in the folder, and taken from there the next time.

    Args:
        recipe: Model and pre-training.
        task: Read by ``load_task``.
        folder: Of the run.
        on_epoch: Called after every epoch of the pre-training with the average precision of its validation.
        stop: Asked after every epoch of the pre-training; True ends with StoppedError.
    """
    data, seed = task.data.select(task.data.split["train"]), recipe.optimisation.seed
    labels = torch.from_numpy(task.labels("train")).float()
    torch.manual_seed(seed)
    model = recipe.build_model(data[0].features.size(1), len(data.terms))
    _start_from_frequencies(model, labels)
    content = json.dumps([recipe.fingerprint, data.sequences, data.terms, labels.tolist(), task.sites])
    identity = hashlib.sha256(content.encode()).hexdigest()
    if not recipe.pre_training.epochs or task.site_data is None or model.proposal is None:
        return StartModel(model, identity, None)
    facts, weights = folder / PROPOSAL_FACTS, folder / PROPOSAL
    if facts.is_file() and weights.is_file():
        stored = json.loads(facts.read_text())
        if stored.pop("identity") == identity:
            load_weights(model, weights)
            return StartModel(model, identity, PreTrainingResult(**stored))
    result = pretrain_proposal(
        model, task.site_data, task.sites, recipe.pre_training, seed, on_epoch=on_epoch, stop=stop
    )
    folder.mkdir(parents=True, exist_ok=True)
    save_tensors(weights, dict(model.state_dict()))
    replace_text(facts, json.dumps({"identity": identity, **result._asdict()}))
    return StartModel(model, identity, result)


def _start_from_frequencies(model: ProteinRPN, labels: torch.Tensor) -> None:
    """Let the untrained head answer with the frequency of each term."""
    share = labels.mean(0).clamp(1 / (2 * len(labels)), 1 - 1 / (2 * len(labels)))
    last = model.head[-1]
    assert isinstance(last, nn.Linear)
    with torch.no_grad():
        last.bias.copy_(share.logit())
