"""Can a model learn at all?"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn


def overfits(
    model: nn.Module,
    loss: Callable[[], Tensor],
    *,
    steps: int = 300,
    learning_rate: float = 1e-2,
    ratio: float = 0.05,
) -> bool:
    """Whether training on a handful of samples brings the loss to a small part of what it was.

    A model that cannot do that has a broken gradient, a dead unit, or no way to see its input.

    Args:
        model: Its parameters are trained in place.
        loss: The loss on the samples, as a function without arguments.
        steps: Steps of Adam at most.
        learning_rate: Of Adam.
        ratio: Share of the first loss to reach.

    Returns:
        True if the loss fell below ``ratio`` of what it was.

    Raises:
        ValueError: if the first loss is negative or not finite.

    Example:
        >>> layer, x = nn.Linear(4, 1), torch.randn(3, 4)
        >>> overfits(layer, lambda: (layer(x) - 1).square().mean())
        True
    """
    optimizer = torch.optim.Adam(model.parameters(), learning_rate)
    target: float | None = None
    for _ in range(steps):
        value = loss()
        now = float(value.detach())
        if target is None:
            if not (math.isfinite(now) and now >= 0):
                raise ValueError(f"the loss starts at {now}; give one that is finite and not negative")
            target = ratio * now
        if now <= target:
            return True
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
    return target is not None and float(loss().detach()) <= target
