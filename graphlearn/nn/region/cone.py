"""Penumbral cones: a similarity whose shape is a tree, for attention among things that nest."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def penumbral_similarity(q: Tensor, k: Tensor, *, radius: float = 1.0, gamma: float = 1.0) -> Tensor:
    r"""Similarity of two points of the half-space: how low their lowest common ancestor lies.

    The last number of a vector gives its height, the others its place: :math:`h = r\,\sigma(q_{-1})`,
    :math:`u = h\,q_{:-1}`. The ancestors of a point fill a cone above it, bounded by arcs of radius r: it has widened
    to :math:`w(h) = \sqrt{r^2 - h^2}` at its top, the height r. With :math:`d = |u_q - u_k|` the score is
    :math:`-\gamma L`, where

    .. math::
        L = \begin{cases}
            \max\big(h_q^2,\, h_k^2,\, r^2 - \tfrac14 (w(h_q) + w(h_k) - d)^2\big) & d \le w(h_q) + w(h_k) \\
            \big((d^2 + h_k^2 - h_q^2) / 2d\big)^2 + h_q^2 & \text{otherwise}
        \end{cases}

    is the squared height of the lowest ancestor if the cones meet, and else the squared radius of the arc through both
    points. The two meet at :math:`L = r^2`. It is symmetric.

    Args:
        q: Points, ``[..., D]`` with D at least 2.
        k: Points, ``[..., D]``, of a shape that broadcasts.
        radius: Radius r.
        gamma: Scale :math:`\gamma` of the score.

    Returns:
        Scores, at most zero, ``[...]``: an additive term for the logits of an attention.

    Example:
        >>> parent, child = torch.tensor([0.0, 2.0]), torch.tensor([0.1, -2.0])
        >>> penumbral_similarity(child, child) > penumbral_similarity(child, parent)
        tensor(True)

    Source: Tseng et al., Coneheads: hierarchy aware attention (arXiv 2306.00392).
    """
    if q.size(-1) < 2 or q.size(-1) != k.size(-1):
        raise ValueError(f"points have {q.size(-1)} and {k.size(-1)} numbers; expected the same, and at least 2")
    if radius <= 0 or gamma < 0:
        raise ValueError(f"radius={radius} must be above 0, and gamma={gamma} at least 0")
    place_q, height_q, width_q = _half_space(q, radius)
    place_k, height_k, width_k = _half_space(k, radius)
    square = (place_q - place_k).square().sum(-1)
    apart = square > 0
    d = torch.where(apart, torch.where(apart, square, torch.ones_like(square)).sqrt(), torch.zeros_like(square))
    reach = width_q + width_k
    meeting = radius**2 - (reach - d).square() / 4
    inside = torch.maximum(torch.maximum(height_q.square(), height_k.square()), meeting)
    far = torch.where(d > reach, d, torch.ones_like(d))
    outside = ((far.square() + height_k.square() - height_q.square()) / (2 * far)).square() + height_q.square()
    return -gamma * torch.where(d > reach, outside, inside)


def _half_space(x: Tensor, radius: float) -> tuple[Tensor, Tensor, Tensor]:
    """Place, height and width; the width from logarithms, so that its gradient is finite at any height."""
    log_height = F.logsigmoid(x[..., -1])
    height = radius * log_height.exp()
    width = radius * (F.logsigmoid(-x[..., -1]) / 2).exp() * (1 + log_height.exp()).sqrt()
    return x[..., :-1] * height.unsqueeze(-1), height, width
