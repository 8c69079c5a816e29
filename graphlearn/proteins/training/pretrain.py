"""The region proposal alone, on residues that are known to matter, before the terms."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import nn

from graphlearn.base.errors import StoppedError
from graphlearn.models import ProteinRPN
from graphlearn.proteins.data.batches import collate, epoch_batches
from graphlearn.proteins.data.protein_go import ProteinGO
from graphlearn.proteins.data.site_split import SiteSplit
from graphlearn.proteins.metrics.localisation import localise
from graphlearn.proteins.recipe import PreTraining
from graphlearn.proteins.training.objective import objectness_loss


class PreTrainingResult(NamedTuple):
    """Course of a pre-training.

    Attributes:
        losses: Mean loss of each epoch.
        aupr: Mean average precision of objectness on the validation chains after each epoch.
        epoch: The epoch whose weights were kept, from 1; 0 if there was none.
    """

    losses: list[float]
    aupr: list[float]
    epoch: int


def pretrain_proposal(
    model: ProteinRPN,
    data: ProteinGO,
    split: SiteSplit,
    options: PreTraining,
    seed: int,
    *,
    on_epoch: Callable[[int, float], None] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> PreTrainingResult:
    """Train all that leads to the proposal in place on chains with sites; the epoch of the best validation is kept.

    Args:
        model: With a proposal.
        data: Chains with sites, those of ``split`` among them.
        split: Which teach and which choose.
        options: Epochs, batch size and learning rate.
        seed: Of batches and dropout.
        on_epoch: Called with the number of epochs done and the validation value.
        stop: Asked after every batch; True ends with StoppedError.

    Raises:
        StoppedError: if ``stop`` said so.
        RuntimeError: if the loss is no longer finite.
    """
    assert model.proposal is not None
    taught = data.select(split.train)
    parameters = [*model.embed.parameters(), *model.sequence.parameters(), *model.proposal.parameters()]
    optimizer = torch.optim.AdamW(parameters, options.learning_rate, fused=True)
    lengths = [taught.lengths[c] for c in taught.chains]
    result = PreTrainingResult([], [], 0)
    best, chosen = -math.inf, _weights(model)
    for epoch in range(options.epochs):
        torch.manual_seed(seed * 1_000_003 + epoch)
        model.train()
        total = 0.0
        for rows in epoch_batches(lengths, options.batch_size, seed, epoch):
            batch = collate(taught, rows)
            proposal = model.propose(batch)[1]
            assert proposal is not None
            loss = objectness_loss(proposal.objectness_logits, batch)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            total += float(loss.detach()) * len(rows)
            if stop():
                raise StoppedError(f"stopped in epoch {epoch + 1} of the pre-training, which starts anew")
        if not math.isfinite(total):
            raise RuntimeError(f"the loss of epoch {epoch + 1} is not finite; lower pre_training.learning_rate")
        value = proposal_aupr(model, data, split.validation)
        result.losses.append(total / len(lengths))
        result.aupr.append(value)
        if value > best:
            best, chosen = value, _weights(model)
            result = result._replace(epoch=epoch + 1)
        if on_epoch is not None:
            on_epoch(epoch + 1, value)
    model.load_state_dict(chosen)
    return result


@torch.no_grad()
def proposal_aupr(model: ProteinRPN, data: ProteinGO, chains: Sequence[str]) -> float:
    """Mean average precision of objectness over chains with sites; NaN where none of them has a positive."""
    model.eval()
    scores, sites = {}, {}
    for chain in chains:
        graph = data.graph(chain)
        if bool((graph.site & graph.site_known).any()):
            proposal = model.propose(graph)[1]
            assert proposal is not None
            scores[chain] = proposal.objectness_logits.numpy()
            sites[chain] = (graph.site.numpy(), graph.site_known.numpy())
    return localise(scores, sites)[0].aupr if scores else math.nan


def _weights(model: nn.Module) -> dict[str, torch.Tensor]:
    return copy.deepcopy(model.state_dict())
