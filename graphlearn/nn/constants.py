"""Tables of numbers that layers need: computed once, and never in the context of whoever calls first.

A tensor made under ``torch.inference_mode``, a default device or fake tensors keeps that for ever; kept for the next
call, it would break training, or hold no numbers. Tables are computed in a thread of their own, where no such mode of
the caller holds.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

T = TypeVar("T")


def constant(build: Callable[..., Tensor], *arguments: Any, like: Tensor) -> Tensor:
    """A table that ``build`` computes in float64, kept for the next call.

    Unlike a buffer it is never rounded to float32 on the way to float64. Compiled and exported programs hold it as a
    constant of theirs.

    Args:
        build: Computes the table.
        *arguments: Of ``build``; hashable.
        like: Gives type and device.

    Returns:
        The table.
    """
    if torch.compiler.is_compiling():
        numbers, shape = _literal(build, arguments)
        return torch.tensor(numbers, dtype=torch.float64).view(shape).to(like)
    if type(like) in (Tensor, nn.Parameter):
        return _kept(build, arguments, like.dtype, like.device)
    return torch.tensor(_table(build, arguments), dtype=like.dtype, device=like.device)  # fake tensors among others


class ConstantBuffers(nn.Module):
    """Module whose buffers of fixed numbers are right in every context.

    They are not part of ``state_dict``, never on the device ``meta`` of a constructor, and hold their numbers after
    ``to_empty``, which leaves other buffers undefined.
    """

    def __init__(self) -> None:
        super().__init__()
        self._constants: dict[str, np.ndarray] = {}

    def _register_constant(self, name: str, build: Callable[[], Tensor]) -> None:
        """Add a buffer with what ``build`` computes; it moves and changes type with the module."""
        self._add_constant(name, _alone(lambda: build().numpy()))

    def _register_exact(self, name: str, build: Callable[..., Tensor], *arguments: Any) -> None:
        """Add a table that ``build`` computes in float64, which no change of type rounds; :meth:`_exact` reads it."""
        self._add_constant(name, _table(build, arguments).view(np.int64))

    def _exact(self, name: str, like: Tensor) -> Tensor:
        """A table of :meth:`_register_exact` in the type and on the device of a tensor."""
        bits: Tensor = getattr(self, name)
        return bits.view(torch.float64).to(like)

    def _add_constant(self, name: str, array: np.ndarray) -> None:
        self._constants[name] = array
        value = torch.tensor(array)
        self.register_buffer(name, torch.tensor(array, device="cpu") if value.is_meta else value, persistent=False)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> nn.Module:
        before = {name: self._buffers[name] for name in self._constants}
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        for name, array in self._constants.items():
            moved = self._buffers[name]
            if moved is not None and moved is not before[name]:
                self._buffers[name] = torch.tensor(array, dtype=moved.dtype, device=moved.device)
        return self


# Called by a compiler while it traces, instead of traced.
@torch.compiler.assume_constant_result  # type: ignore[untyped-decorator]
def _literal(build: Callable[..., Tensor], arguments: tuple[Any, ...]) -> tuple[list[float], tuple[int, ...]]:
    table = _table(build, arguments)
    return table.ravel().tolist(), table.shape


@lru_cache(maxsize=256)
def _kept(build: Callable[..., Tensor], arguments: tuple[Any, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    table = _table(build, arguments)
    return _alone(lambda: torch.tensor(table, dtype=dtype, device=device))


@lru_cache(maxsize=256)
def _table(build: Callable[..., Tensor], arguments: tuple[Any, ...]) -> np.ndarray:
    return _alone(lambda: build(*arguments).numpy())


def _alone(compute: Callable[[], T]) -> T:
    """Compute in a thread of its own: modes of torch belong to the thread that has set them."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(compute).result()
