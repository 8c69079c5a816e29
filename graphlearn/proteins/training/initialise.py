"""The network that a training begins with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

from graphlearn.base.errors import ContractError
from graphlearn.base.files import replace_text
from graphlearn.base.plain_data import read_json
from graphlearn.models import ProteinRPN
from graphlearn.proteins.recipe import ProteinRecipe
from graphlearn.proteins.task import ProteinTask
from graphlearn.proteins.training.pretrain import PreTrainingResult, pretrain_proposal
from graphlearn.training.run_folder import run_folder
from graphlearn.training.weights import load_weights, reason, save_tensors

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
        stop: Asked after every batch of the pre-training; True ends with StoppedError.

    Raises:
        InputError: if another training is at work in the folder.
        ContractError: if a result that is kept there is damaged.
        StoppedError: if ``stop`` said so.
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
    with run_folder(folder):
        found = _stored(folder, model, identity)
        if found is None:
            found = pretrain_proposal(
                model, task.site_data, task.sites, recipe.pre_training, seed, on_epoch=on_epoch, stop=stop
            )
            save_tensors(folder / PROPOSAL, dict(model.state_dict()))
            replace_text(folder / PROPOSAL_FACTS, json.dumps({"identity": identity, **found._asdict()}))
    return StartModel(model, identity, found)


def _stored(folder: Path, model: nn.Module, identity: str) -> PreTrainingResult | None:
    """Course and, into the model, weights of a pre-training of the same recipe and data that is done."""
    facts, weights = folder / PROPOSAL_FACTS, folder / PROPOSAL
    if not (facts.is_file() and weights.is_file()):
        return None
    try:
        stored = read_json(facts, finite=False)
        if stored.pop("identity") != identity:
            return None
        load_weights(model, weights)
        return PreTrainingResult(**stored)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ContractError(f"{reason(error)}; remove {facts} and {weights} to pre-train again") from None


def _start_from_frequencies(model: ProteinRPN, labels: torch.Tensor) -> None:
    """Let the untrained head answer with the frequency of each term."""
    share = labels.mean(0).clamp(1 / (2 * len(labels)), 1 - 1 / (2 * len(labels)))
    last = model.head[-1]
    assert isinstance(last, nn.Linear)
    with torch.no_grad():
        last.bias.copy_(share.logit())
