"""A task of the trainer that learns in milliseconds: a linear map with dropout, on rows drawn for each step."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import nn

from graphlearn.training.randomness import step_generator
from graphlearn.training.recipe import Optimisation
from graphlearn.training.task import Budget, Metric, device_of, nothing_to_learn

ERROR = Metric("error", False, "error", reject=1e3)
ROWS = 3


@dataclass
class ToyTask:
    """Learns ``y = x W``; rows of a step follow from the seed and its number."""

    steps: int = 8
    batch_size: int = 6
    identity: str = "toy"
    validate_every: int | None = 2
    patience: int | None = None
    metrics: tuple[Metric, ...] = (ERROR,)
    figures: list[dict[str, float]] = field(default_factory=list)  # given in turn in place of those that are measured
    empty: tuple[int, ...] = ()  # steps that teach nothing
    options: dict = field(default_factory=dict)

    def __post_init__(self):
        self.optimisation = Optimisation(
            **{"batch_size": self.batch_size, "learning_rate": 0.05, "checkpoint_every": 3, **self.options}
        )
        self.budget = Budget(self.steps, 2, self.validate_every, self.patience)
        torch.manual_seed(self.optimisation.seed)
        self.model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.2), nn.Linear(8, 1))

    def batches(self, first_step, share):
        for step in range(first_step, self.steps):
            rows = torch.randn(self.batch_size, 4, generator=step_generator(self.optimisation.seed, step, ROWS))
            yield step, rows[share.rank :: share.world]

    def loss(self, model, batch, draws):
        step, rows = batch
        if step in self.empty:
            return nothing_to_learn(model)
        rows = rows.to(device_of(model))
        square = (model(rows) - rows.sum(1, keepdim=True)).square()
        return torch.stack([square.sum().float(), square.new_tensor(float(len(rows)), dtype=torch.float32)])

    def validate(self, model):
        if self.figures:
            return self.figures.pop(0)
        rows = torch.eye(4, device=device_of(model))
        return {"error": float((model(rows) - 1).square().mean())}

    def card(self, result):
        return None


def equal_weights(one, other):
    """Whether two networks have the same weights and buffers, NaN included, bit for bit."""
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def same_losses(one, other):
    return all(a == b or (math.isnan(a) and math.isnan(b)) for a, b in zip(one, other, strict=True))
