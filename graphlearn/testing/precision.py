"""A function in another floating-point precision."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn


def in_dtype(function: Callable[..., Any], dtype: torch.dtype) -> Callable[..., Any]:
    """A copy of a module in this precision; any other function as it is.

    Args:
        function: A module, or any function.
        dtype: The precision.


    Returns:
        The copy, or the function.
    """
    return copy.deepcopy(function).to(dtype) if isinstance(function, nn.Module) else function


def cast(value: Any, dtype: torch.dtype) -> Any:
    """A floating-point tensor in this precision, anything else as it is.

    Args:
        value: Anything.
        dtype: The precision.


    Returns:
        The value in this precision.
    """
    return value.to(dtype) if isinstance(value, torch.Tensor) and value.is_floating_point() else value


def relative_error(value: torch.Tensor, reference: torch.Tensor) -> float:
    """Largest difference over the largest reference value (over 1 where that is below 1e-12); infinite for NaN.

    Args:
        value: What was computed.
        reference: What it should be, of the same shape.


    Returns:
        The error, without unit.
    """
    if value.shape != reference.shape:
        raise AssertionError(f"shapes differ: {tuple(value.shape)} and {tuple(reference.shape)}")
    if not value.numel():
        return 0.0
    scale = float(reference.detach().abs().max())
    error = float((value - reference).detach().abs().max())
    error = error / scale if scale > 1e-12 else error
    return error if math.isfinite(error) else math.inf
