"""Polynomials in time through matrices at known times."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor


def lagrange_weights(nodes: Sequence[float], time: float) -> list[float]:
    """Weights of the values at distinct ``nodes`` in the interpolating polynomial's value at ``time``.

    Args:
        nodes: Distinct times.
        time: Where the polynomial is evaluated.

    Returns:
        One weight per node.
    """
    return [math.prod((time - other) / (node - other) for other in nodes if other != node) for node in nodes]


def polynomial_at(points: Sequence[tuple[float, Tensor]], time: float) -> Tensor:
    """Value at ``time`` of the polynomial through (time, matrix) points.

    Args:
        points: Distinct times and the matrices [B, M, M] there.
        time: Where the polynomial is evaluated.

    Returns:
        Matrix [B, M, M].
    """
    weights = lagrange_weights([t for t, _ in points], time)
    total = weights[0] * points[0][1]
    for weight, (_, matrix) in zip(weights[1:], points[1:], strict=True):
        total = total + weight * matrix
    return total
