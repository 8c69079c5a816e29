"""Losses of ProteinRPN: terms, sites, the ontology, and similarity of chains."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F
from torch_geometric.data import Batch

from graphlearn.models import ProteinOutput, ProteinRPN
from graphlearn.nn import info_nce_loss, supervised_contrastive_loss, true_path_loss
from graphlearn.proteins.recipe import Losses, Perturbation
from graphlearn.proteins.training.perturb import perturb
from graphlearn.training.task import device_of


@dataclass(frozen=True)
class Objective:
    r"""The loss of a batch.

    .. math:: L = L_\mathrm{BCE} + w_s L_\mathrm{sup} + w_n L_\mathrm{nce} + w_o L_\mathrm{obj} + w_t L_\mathrm{path}

    The cross-entropy is summed over terms and averaged over chains: as a mean over terms, of which nearly all are
    absent, it would drown in the others.

    Args:
        losses: The weights.
        perturbation: How the second view differs.
        positive_weight: Weight of a positive label of each term, ``[T]``.
        parent_edges: Child and parent among the terms, ``[2, M]``.
        cutoff_angstrom: Of contacts, for the second view.
    """

    losses: Losses
    perturbation: Perturbation
    positive_weight: Tensor
    parent_edges: Tensor
    cutoff_angstrom: float

    def __call__(self, model: ProteinRPN, batch: Batch, generator: torch.Generator) -> Tensor:
        """The loss of a batch.

        Args:
            model: On any device, which the tensors follow.
            batch: Chains with ``y``, and ``site`` and ``site_known`` where they are known, on the CPU.
            generator: Draws the perturbation.

        Returns:
            Mean over the chains, a scalar.
        """
        weights, device, perturbed = self.losses, device_of(model), None
        if weights.info_nce or weights.both_views:
            strengths = self.perturbation.model_dump()
            perturbed = perturb(batch, generator, **strengths, cutoff_angstrom=self.cutoff_angstrom)
        batch = batch.to(device)
        output = model(batch)
        terms = self._terms(output, batch.y)
        loss = torch.zeros_like(terms)
        if weights.supervised_contrastive:
            shared = supervised_contrastive_loss(output.embedding, batch.y, temperature=weights.temperature)
            loss = loss + weights.supervised_contrastive * shared
        if perturbed is not None:
            view = model(perturbed.to(device))
            loss = loss + weights.info_nce * info_nce_loss(
                output.embedding, view.embedding, temperature=weights.temperature
            )
            if weights.both_views:
                terms = 0.5 * (terms + self._terms(view, batch.y))
        if weights.objectness and output.proposal is not None and "site" in batch:
            loss = loss + weights.objectness * objectness_loss(output.proposal.objectness_logits, batch)
        if weights.true_path:
            loss = loss + weights.true_path * true_path_loss(output.logits, self.parent_edges.to(device))
        return terms + loss

    def _terms(self, output: ProteinOutput, labels: Tensor) -> Tensor:
        loss = F.binary_cross_entropy_with_logits(
            output.logits, labels, pos_weight=self.positive_weight.to(labels.device), reduction="none"
        )
        return loss.sum(1).mean()


def weighted(mean: Tensor, batch: Batch) -> Tensor:
    """A mean loss as a task of the trainer gives it.

    Args:
        mean: Over the chains of the batch, a scalar.
        batch: The chains.

    Returns:
        Sum over the chains and their number, ``[2]``.
    """
    return torch.stack([mean * batch.num_graphs, mean.new_tensor(float(batch.num_graphs))])


def objectness_loss(logits: Tensor, batch: Batch) -> Tensor:
    """Cross-entropy of objectness, positives and negatives of a batch with equal weight; zero where nothing is known.

    Args:
        logits: Of all residues, ``[N]``.
        batch: With ``site`` and ``site_known``, ``[N]``.

    Returns:
        Mean loss, a scalar.
    """
    parts = [
        F.binary_cross_entropy_with_logits(logits[chosen], batch.site[chosen].to(logits.dtype))
        for chosen in (batch.site & batch.site_known, ~batch.site & batch.site_known)
        if bool(chosen.any())
    ]
    return torch.stack(parts).mean() if parts else logits.sum() * 0


def positive_weights(labels: Tensor, losses: Losses) -> Tensor:
    r"""Weight of positives of each term, :math:`\min(c, (n_- / n_+)^b)`, ``[M, T] -> [T]``.

    Args:
        labels: True terms of the M training chains, ``[M, T]``.
        losses: Settings with the exponent b (``balance``) and the bound c (``largest_balance``).

    Returns:
        Weights from 1 to c, ``[T]``.
    """
    positive = labels.sum(0).clamp(min=1)
    return ((len(labels) - positive) / positive).pow(losses.balance).clamp(1, losses.largest_balance)
