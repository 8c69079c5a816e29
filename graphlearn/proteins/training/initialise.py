"""The network that a training begins with."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from graphlearn.models import ProteinRPN
from graphlearn.proteins.data.training_data import ProteinTrainingData
from graphlearn.proteins.recipe import ProteinRecipe


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
    _answer_with_frequencies(model, labels)
    return model


@torch.no_grad()
def _answer_with_frequencies(model: ProteinRPN, labels: Tensor) -> None:
    share = labels.mean(0).clamp(1 / (2 * len(labels)), 1 - 1 / (2 * len(labels)))
    last = model.head[-1]
    assert isinstance(last, nn.Linear)
    last.bias.copy_(share.logit())
