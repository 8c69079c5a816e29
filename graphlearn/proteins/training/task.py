"""Learning terms as a task of the trainer, and the whole training of a recipe."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch_geometric.data import Batch

from graphlearn.models import ProteinRPN
from graphlearn.proteins.data.batches import count_batches, training_batches
from graphlearn.proteins.data.protein_go import ProteinGO
from graphlearn.proteins.data.training_data import ProteinTrainingData
from graphlearn.proteins.metrics.terms import fmax, micro_aupr
from graphlearn.proteins.ontology.enzyme_commission import CLASSES
from graphlearn.proteins.prediction.decision import Calibration, DecisionRule, predict_logits
from graphlearn.proteins.prediction.homology import Homologues
from graphlearn.proteins.recipe import ProteinOptimisation, ProteinRecipe
from graphlearn.proteins.training.objective import Objective, positive_weights, weighted
from graphlearn.proteins.training.pretrain import ProposalTask
from graphlearn.training.randomness import Share, StepDraws
from graphlearn.training.task import Budget, Metric, Task, TrainingResult

PERTURBATION = 3  # purpose of random numbers
FEWEST_CHAINS = 2  # of a step in each process, for batch norm
METRICS = {"fmax": Metric("fmax", True, "Fmax"), "micro_aupr": Metric("micro_aupr", True, "micro AUPR")}
Stages = dict[str, TrainingResult[ProteinRPN]]
Fit = Callable[[str, Task[ProteinRPN, Batch], Path], TrainingResult[ProteinRPN]]


@dataclass
class ProteinTask:
    """ProteinRPN is trained on the terms of chains; see :class:`graphlearn.training.task.Task`.

    Attributes:
        recipe: Losses and optimisation.
        data: Chains, labels and relations of the terms.
        model: The network, its proposal pre-trained or not.
        folder: Where the training chains are written beside the model; None for nowhere.
        homologues: The training chains, where an earlier search among them can be used again.
    """

    recipe: ProteinRecipe
    data: ProteinTrainingData
    model: ProteinRPN
    folder: Path | None = None
    homologues: Homologues | None = None

    @cached_property
    def taught(self) -> ProteinGO:
        """Training chains."""
        return self.data.data.select(self.data.data.split["train"])

    @cached_property
    def objective(self) -> Objective:
        """The loss, with weights of the training labels."""
        losses, labels = self.recipe.losses, torch.from_numpy(self.data.labels("train")).float()
        return Objective(
            losses, self.recipe.perturbation, positive_weights(labels, losses), self.data.parent_edges,
            self.recipe.data.cutoff_angstrom,
        )  # fmt: skip

    @property
    def identity(self) -> str:
        """Recipe, chains, labels and sites."""
        return f"{self.recipe.fingerprint}:{self.data.fingerprint}"

    @property
    def optimisation(self) -> ProteinOptimisation:
        """Of the recipe."""
        return self.recipe.optimisation

    @property
    def budget(self) -> Budget:
        """Epochs, with a validation after each."""
        options = self.optimisation
        per_epoch = count_batches(self.taught, options.batch_size)
        return Budget(options.epochs * per_epoch, int(options.warmup_epochs * per_epoch), validate_every=per_epoch)

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """The one that the recipe selects by."""
        return (METRICS[self.optimisation.select],)

    def batches(self, first_step: int, share: Share) -> Iterable[Batch]:
        """Training chains, shuffled in each epoch.

        Args:
            first_step: Step to begin with.
            share: Which chains of each step this process takes.

        Returns:
            Batches from the first step to the last.
        """
        return training_batches(
            self.taught, self.optimisation, first_step, self.budget.steps, share, fewest=FEWEST_CHAINS
        )

    def loss(self, model: ProteinRPN, batch: Batch, draws: StepDraws) -> Tensor:
        """Objective times the number of chains, and that number, [2].

        Args:
            model: Predicts terms.
            batch: Chains with their terms ``y``.
            draws: Of the perturbation.

        Returns:
            Sum over the chains of the batch and their number, ``[2]``.
        """
        return weighted(self.objective(model, batch, draws.item(0, PERTURBATION)), batch)

    def validate(self, model: ProteinRPN) -> dict[str, float]:
        """Fmax or micro-averaged precision on the validation chains, ancestors closed."""
        chains, labels = self.data.data.select(self.data.data.split["validation"]), self.data.labels("validation")
        scores = self.data.closed(Calibration()(predict_logits(model, chains)))
        name = self.optimisation.select
        return {name: fmax(scores, labels).value if name == "fmax" else micro_aupr(scores, labels)}

    def card(self, result: TrainingResult[ProteinRPN]) -> dict[str, Any]:
        """Recipe, terms with their relations, split, course of the training, and the decision rule.

        The training chains, which the rule and predictions rest on, are written into the folder.

        Args:
            result: Of the training.

        Returns:
            Content of ``model.json``.
        """
        recipe, data = self.recipe, self.data
        classes = {term: CLASSES[term[0]] for term in data.data.terms} if recipe.data.ontology == "ec" else None
        names = classes or data.data.annotations.names
        homologues = self.homologues or Homologues.of(data)
        if self.folder is not None:
            homologues.save(self.folder)
        rule = DecisionRule.fit(result.model, data, homologues.transfer(data.sequences("validation")))
        return {
            "recipe": recipe.model_dump(mode="json", exclude={"data": {"root"}, "comparison": True}),
            "ontology": recipe.data.ontology,
            "cutoff_angstrom": recipe.data.cutoff_angstrom,
            "terms": [{"id": term, "name": names.get(term, "")} for term in data.data.terms],
            "parents": data.parent_edges.T.tolist(),
            "split": {part: list(chains) for part, chains in data.data.split.items()},
            "sites": {part: list(chains) for part, chains in data.sites._asdict().items()},
            "training": result.to_dict(),
            "decision": rule.to_dict(),
        }


def train_proteins(
    recipe: ProteinRecipe, data: ProteinTrainingData, folder: Path, fit: Fit, homologues: Homologues | None = None
) -> Stages:
    """Pre-train the proposal where the recipe says so, then train on the terms; both go on where they were stopped.

    Args:
        recipe: Of the training.
        data: Read by :func:`graphlearn.proteins.data.training_data.load_training_data`.
        folder: Of the model; the pre-training is kept in ``pre_training`` below it.
        fit: Runs a task under a title in a folder, as :meth:`graphlearn.training.session.Session.fit` does.
        homologues: The training chains, where an earlier search among them can be used again.

    Returns:
        Trainings by title, the last one that of the model.

    Raises:
        InputError: if the network does not fit together, or the folder holds another training.
        StoppedError: if the training was stopped.
    """
    model, stages = initial_model(recipe, data), Stages()
    if recipe.pre_training.epochs and data.site_data is not None and model.proposal is not None:
        stages["Pre-training"] = fit("pre-training", ProposalTask(recipe, data, model), folder / "pre_training")
        model = copy.deepcopy(stages["Pre-training"].model)
    stages["Terms"] = fit("training", ProteinTask(recipe, data, model, folder, homologues), folder)
    return stages


def initial_model(recipe: ProteinRecipe, data: ProteinTrainingData) -> ProteinRPN:
    """The network before the first step, drawn from the seed of the recipe.

    Args:
        recipe: Architecture and seed.
        data: Width of the features and frequencies of the terms.

    Returns:
        A network on the CPU whose untrained head answers with the frequency of each term.

    Raises:
        InputError: if the sizes of the network do not fit together.
    """
    labels = torch.from_numpy(data.labels("train")).float()
    chain = data.data.graph(data.data.split["train"][0])
    torch.manual_seed(recipe.optimisation.seed)
    model = recipe.build_model(chain.features.size(1), len(data.data.terms))
    least = 1 / (2 * len(labels))
    last = model.head[-1]
    assert isinstance(last, nn.Linear)
    last.bias.data = labels.mean(0).clamp(least, 1 - least).logit()
    return model
