"""Are the gradients those of the function?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.gradcheck import GradcheckError, gradcheck

from graphlearn.testing.precision import cast, in_dtype


def assert_gradcheck(function: Callable[..., Tensor], *inputs: Any, seed: int = 0) -> None:
    """Assert, in float64, that gradients equal finite differences, for every input and every parameter.

    Args:
        function: A module (copied) or a function of tensors.
        *inputs: Its arguments; gradients are taken with respect to the floating-point ones.
        seed: Seed set before every call, so that dropout draws the same.

    Raises:
        AssertionError: if a gradient is wrong; torch's message says which.
    """
    run = in_dtype(function, torch.float64)
    values = [cast(v, torch.float64) for v in inputs]
    floating = [isinstance(v, Tensor) and v.is_floating_point() for v in values]
    names, tensors = [], []
    if isinstance(run, nn.Module):
        names, tensors = map(list, zip(*run.named_parameters(), strict=True)) if list(run.parameters()) else ([], [])
    leaves = [t.detach().clone().requires_grad_() for t in tensors]
    leaves += [v.detach().clone().requires_grad_() for v, yes in zip(values, floating, strict=True) if yes]

    def call(*given: Tensor) -> Tensor:
        torch.manual_seed(seed)
        rest = iter(given[len(names) :])
        arguments = tuple(next(rest) if yes else v for v, yes in zip(values, floating, strict=True))
        if isinstance(run, nn.Module):
            return torch.func.functional_call(run, dict(zip(names, given, strict=False)), arguments)
        return run(*arguments)

    try:
        gradcheck(call, leaves)
    except GradcheckError as error:
        raise AssertionError(f"wrong gradient: {error}") from None
