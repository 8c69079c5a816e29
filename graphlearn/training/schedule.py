"""Optimisers and learning rates by name."""

from __future__ import annotations

import math

from torch import nn
from torch.optim import Adam, AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR

from graphlearn.training.recipe import OptimizerName, ScheduleName


def make_optimizer(name: OptimizerName, model: nn.Module, learning_rate: float, weight_decay: float) -> Optimizer:
    """Adam or AdamW.

    Args:
        name: ``adamw`` decays the weights apart from the gradient, ``adam`` adds the decay to it as an L2 penalty.
        model: Its parameters are trained; those that a loss does not reach keep their values.
        learning_rate: Largest rate of the schedule.
        weight_decay: Strength of the decay.

    Returns:
        The optimiser, in its fused implementation.

    Source: Loshchilov and Hutter, Decoupled Weight Decay Regularization, ICLR 2019.
    """
    kind = AdamW if name == "adamw" else Adam
    return kind(model.parameters(), lr=learning_rate, weight_decay=weight_decay, fused=True)


def make_schedule(
    name: ScheduleName, optimizer: Optimizer, learning_rate: float, steps: int, warmup_steps: int = 0, *, first: int = 0
) -> LambdaLR:
    """A linear warm-up, then half a cosine to zero, or a constant rate.

    Args:
        name: What follows the warm-up.
        optimizer: Its rates are set.
        learning_rate: The largest rate, which the last step of the warm-up has.
        steps: Steps of the whole training.
        warmup_steps: Steps of the warm-up.
        first: Step to begin with.

    Returns:
        A schedule that has set the rate of the step ``first``.
    """

    def rate(step: int) -> float:
        if step < warmup_steps:
            return learning_rate * (step + 1) / warmup_steps
        if name == "constant":
            return learning_rate
        progress = (step - warmup_steps) / max(1, steps - warmup_steps)
        return learning_rate * 0.5 * (1.0 + math.cos(math.pi * progress))

    for group in optimizer.param_groups:
        group["initial_lr"] = 1.0  # what torch multiplies by the rate
    return LambdaLR(optimizer, rate, last_epoch=first - 1)
