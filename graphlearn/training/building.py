"""Networks from arguments that a file gives, within bounds that are checked before memory is taken."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from graphlearn.base.errors import InputError, first_line
from graphlearn.base.machine import available_bytes

LARGEST_DEGREE = 10
LARGEST_NUMBER = 100_000
MOST_LAYERS = 512
LONGEST_LIST = 1000
BYTES_PER_WEIGHT = 16  # weight, gradient and the two moments of Adam, in float32
TABLES = 20_000_000  # numbers of constants and buffers, which a file of weights may not hold
TENSORS = 20_000  # that a network may make; of one from a file, so many for each tensor of the file and some more
TENSORS_PER_WEIGHT, MORE_TENSORS = 10, 500
_MAKERS = (torch.empty, torch.zeros, torch.ones, torch.full, torch.rand, torch.randn, torch.eye, torch.arange,
           torch.linspace, torch.randint)  # fmt: skip
N = TypeVar("N", bound=nn.Module)


def build_network(
    kind: Callable[..., N], arguments: Mapping[str, Any], *, shapes: Mapping[str, tuple[int, ...]] | None = None
) -> N:
    """A network, unless its arguments or its size are out of bounds.

    Args:
        kind: The class, or a function that returns the network.
        arguments: Its arguments, as a recipe or ``model.json`` gives them.
        shapes: Of the weights that it is to hold; None for as many as can be trained in the free memory.

    Returns:
        The network.

    Raises:
        InputError: if an argument is no plain value within bounds, does not fit the others, or the network would be
            larger.
    """
    for name, value in arguments.items():
        _check_argument(name, value)
    bound = (
        _Bound(int(available_bytes() / BYTES_PER_WEIGHT), TENSORS)
        if shapes is None
        else _Bound(sum(map(math.prod, shapes.values())), TENSORS_PER_WEIGHT * len(shapes) + MORE_TENSORS)
    )
    try:
        with bound:
            return kind(**arguments)
    except InputError:
        raise
    except (TypeError, ValueError, KeyError, IndexError, ArithmeticError, AttributeError, RuntimeError) as error:
        raise InputError(first_line(error)) from None


def _check_argument(name: str, value: Any, depth: int = 0) -> None:
    """Plain values alone, of sizes that a network can have."""
    if isinstance(value, list | tuple | dict):
        if depth > 3 or len(value) > LONGEST_LIST:
            raise InputError(f"{name}: a list or table that is too long or too deep")
        inside = value.items() if isinstance(value, dict) else ((name, v) for v in value)
        for key, inner in inside:
            _check_argument(f"{name}.{key}" if isinstance(value, dict) else name, inner, depth + 1)
    elif isinstance(value, bool) or value is None or isinstance(value, str):
        return
    elif not isinstance(value, int | float) or not math.isfinite(value):
        raise InputError(f"{name}={value!r} is no plain value")
    elif name.rpartition(".")[2].endswith("lmax") and value > LARGEST_DEGREE:
        raise InputError(f"{name}={value!r} is too large; the highest degree is {LARGEST_DEGREE}")
    elif name.rpartition(".")[2].endswith(("layers", "blocks")) and value > MOST_LAYERS:
        raise InputError(f"{name}={value!r} is too large; at most {MOST_LAYERS}")
    elif abs(value) > LARGEST_NUMBER:
        raise InputError(f"{name}={value!r} is too large for a network; at most {LARGEST_NUMBER:,}")


class _Bound(TorchFunctionMode):
    """Within, no more numbers are made than there is room for; each tensor is measured before it is made."""

    def __init__(self, weights: int, most_tensors: int) -> None:
        super().__init__()
        self.weights, self.most_tensors, self.numbers, self.tensors = weights, most_tensors, 0, 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func in _MAKERS:
            options = {k: v for k, v in kwargs.items() if k not in ("out", "generator", "pin_memory")}
            planned: Tensor = func(*args, **{**options, "device": "meta"})
            self.numbers, self.tensors = self.numbers + planned.numel(), self.tensors + 1
            if self.numbers > self.weights + TABLES or self.tensors > self.most_tensors:
                raise InputError(
                    f"the network would have more than {self.weights:,} numbers, for which there is no room; "
                    "lower its channels or layers"
                )
        return func(*args, **kwargs)
