r"""Bookkeeping of spherical-harmonic features.

Features are real tensors ``[..., (lmax + 1)**2, channels]`` in e3nn's order and convention: component (l, m) has
index :math:`l^2 + l + m`, and l = 1 is (x, y, z). In *edge order* the components of one \|m\| stand together:
m = 0 of l = 0..L, then for each m > 0 first +m, then -m, of l = m..L.

Rows are gathered with ``index_select`` throughout: the gradient of ``x[index]`` adds in no fixed order on several
threads, and two runs of one seed would differ.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def num_components(lmax: int) -> int:
    """Number of (l, m) pairs with l up to ``lmax``."""
    return (lmax + 1) ** 2


def degree_of_component(lmax: int) -> list[int]:
    """Degree l of every component in e3nn's order."""
    return [l for l in range(lmax + 1) for _ in range(2 * l + 1)]


def edge_order(lmax: int) -> list[int]:
    """Indices in e3nn's order of the components in edge order."""
    order = [l * l + l for l in range(lmax + 1)]
    for m in range(1, lmax + 1):
        order += [l * l + l + m for l in range(m, lmax + 1)]
        order += [l * l + l - m for l in range(m, lmax + 1)]
    return order


def wigner_3j(l1: int, l2: int, l3: int) -> Tensor:
    """Wigner 3j symbols in e3nn's real basis, of unit norm.

    Args:
        l1: First degree.
        l2: Second degree.
        l3: Third degree.

    Returns:
        float64 ``[2 l1 + 1, 2 l2 + 1, 2 l3 + 1]``.
    """
    from e3nn import o3

    symbols: Tensor = o3.wigner_3j(l1, l2, l3, dtype=torch.float64)
    return symbols


def check_components(x: Tensor, lmax: int, channels: int, name: str = "x") -> None:
    """Refuse features that are not ``[..., (lmax + 1)**2, channels]``.

    Args:
        x: Features.
        lmax: Highest degree.
        channels: Number of channels.
        name: Of the argument, for the message.

    Raises:
        ValueError: for another shape.
    """
    expected = (num_components(lmax), channels)
    if x.dim() < 2 or x.shape[-2:] != expected:
        raise ValueError(
            f"{name} has shape {tuple(x.shape)}; expected [..., {expected[0]}, {expected[1]}], degrees 0 to {lmax}"
        )


def check_shape(x: Tensor, expected: Sequence[int], name: str) -> None:
    """Refuse a tensor of another shape, even one that would broadcast.

    Args:
        x: The tensor.
        expected: Its shape.
        name: Of the argument, for the message.

    Raises:
        ValueError: for another shape.
    """
    if x.shape != tuple(expected):
        raise ValueError(f"{name} has shape {tuple(x.shape)}; expected {list(expected)}")
