"""Pre-training as a task of the trainer: the region proposal alone, on residues of known sites, before the terms."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from torch import Tensor
from torch_geometric.data import Batch

from graphlearn.models import ProteinRPN
from graphlearn.proteins.data.batches import count_batches, training_batches
from graphlearn.proteins.data.protein_go import ProteinGO
from graphlearn.proteins.data.training_data import ProteinTrainingData
from graphlearn.proteins.metrics.localisation import localise
from graphlearn.proteins.recipe import ProteinRecipe
from graphlearn.proteins.training.objective import objectness_loss, weighted
from graphlearn.training.randomness import Share, StepDraws
from graphlearn.training.recipe import Optimisation
from graphlearn.training.task import Budget, Metric, TrainingResult, device_of

AUPR = Metric("aupr", True, "AUPR of objectness")


@dataclass
class ProposalTask:
    """All layers up to the proposal are trained on objectness; see :class:`graphlearn.training.task.Task`.

    Attributes:
        recipe: Pre-training and its seed.
        data: With sites.
        model: With a proposal; the rest of it gets no gradient.
    """

    recipe: ProteinRecipe
    data: ProteinTrainingData
    model: ProteinRPN

    @cached_property
    def taught(self) -> ProteinGO:
        """Chains whose sites are trained on."""
        return self.site_data.select(self.data.sites.train)

    @property
    def site_data(self) -> ProteinGO:
        """All chains with sites."""
        assert self.data.site_data is not None
        return self.data.site_data

    @property
    def identity(self) -> str:
        """Recipe, chains and sites."""
        return f"pre-training:{self.recipe.fingerprint}:{self.data.fingerprint}"

    @property
    def optimisation(self) -> Optimisation:
        """AdamW at a constant rate."""
        options = self.recipe.pre_training
        return Optimisation(
            batch_size=options.batch_size, learning_rate=options.learning_rate, schedule="constant", weight_decay=1e-2,
            precision=self.recipe.optimisation.precision, seed=self.recipe.optimisation.seed,
        )  # fmt: skip

    @property
    def budget(self) -> Budget:
        """Epochs, with a validation after each where there are sites for it."""
        per_epoch = count_batches(self.taught, self.recipe.pre_training.batch_size)
        return Budget(self.recipe.pre_training.epochs * per_epoch, validate_every=per_epoch if self.metrics else None)

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """Average precision of objectness."""
        return (AUPR,) if self.data.sites.validation else ()

    def batches(self, first_step: int, share: Share) -> Iterable[Batch]:
        """Chains with sites, shuffled in each epoch.

        Args:
            first_step: Step to begin with.
            share: Which chains of each step this process takes.

        Returns:
            Batches from the first step to the last.
        """
        return training_batches(self.taught, self.optimisation, first_step, self.budget.steps, share)

    def loss(self, model: ProteinRPN, batch: Batch, draws: StepDraws) -> Tensor:
        """Cross-entropy of objectness times the number of chains, and that number, [2].

        Args:
            model: With a proposal.
            batch: Chains with ``site`` and ``site_known``.
            draws: Not used: dropout draws of torch's own generators.

        Returns:
            Sum over the chains of the batch and their number, ``[2]``.
        """
        batch = batch.to(device_of(model))
        proposal = model.propose(batch)[1]
        assert proposal is not None
        return weighted(objectness_loss(proposal.objectness_logits, batch), batch)

    def validate(self, model: ProteinRPN) -> dict[str, float]:
        """Mean average precision of objectness over the validation chains; NaN where none of them has a positive."""
        scores, sites, device = {}, {}, device_of(model)
        for chain in self.data.sites.validation:
            graph = self.site_data.graph(chain)
            if bool((graph.site & graph.site_known).any()):
                sites[chain] = (graph.site.numpy(), graph.site_known.numpy())
                proposal = model.propose(graph.to(device))[1]
                assert proposal is not None
                scores[chain] = proposal.objectness_logits.float().cpu().numpy()
        return {AUPR.name: localise(scores, sites)[0].aupr if scores else math.nan}

    def card(self, result: TrainingResult[ProteinRPN]) -> None:
        """No model is written: the training of the terms goes on from these weights."""
