"""A second device where there is none: tensors of the device ``meta`` that hold their numbers on the CPU.

Within :func:`other_device`, ``x.to("meta")`` gives a tensor that computes as usual; an operation that mixes it with one
of the CPU is an error, as it is on a GPU.
"""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from unittest.mock import patch

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

DEVICE = torch.device("meta")
INDEXING = ("aten::index", "aten::index_put", "aten::index_put_", "aten::_index_put_impl_")  # take indices of the CPU
MOVING = ("aten::_to_copy", "aten::copy_")


class OtherTensor(torch.Tensor):
    """A tensor that says it is on ``meta``."""

    @staticmethod
    def __new__(cls, held):
        options = {"dtype": held.dtype, "device": DEVICE}
        return torch.Tensor._make_wrapper_subclass(
            cls, held.size(), strides=held.stride(), storage_offset=held.storage_offset(), **options
        )

    def __init__(self, held):
        self.held = held

    __torch_function__ = torch._C._disabled_torch_function_impl

    def __getitem__(self, index):
        return super().__getitem__(_without_lists(index))

    def __setitem__(self, index, value):
        super().__setitem__(_without_lists(index), value)

    def new_tensor(self, data, *, dtype=None):
        return OtherTensor(self.held.new_tensor(data, dtype=dtype))

    def tolist(self):
        return self.held.tolist()

    def numpy(self, *, force=False):
        raise TypeError("can't convert a tensor of another device to numpy; use Tensor.cpu() first")

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        return run(func, args, kwargs or {})


def _without_lists(index):
    """Lists as tensors of the CPU: torch would make them on ``meta``, where they hold nothing."""
    if isinstance(index, tuple):
        return tuple(_without_lists(part) for part in index)
    return torch.tensor(index) if isinstance(index, list) else index


class OtherDevice(TorchDispatchMode):
    """Sends what is made on ``meta`` to :class:`OtherTensor`."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return run(func, args, kwargs or {})


def run(func, args, kwargs):
    seen = {}

    def unwrap(x):
        if isinstance(x, OtherTensor):
            seen[id(x.held)] = x
            return x.held
        return x

    plain = []
    tree_map(lambda x: plain.append(x) if isinstance(x, torch.Tensor) and not isinstance(x, OtherTensor) else None,
             (args, kwargs))  # fmt: skip
    name = func._schema.name
    if any(x.is_meta for x in plain):
        raise RuntimeError(f"{name}: a tensor was made on meta, where nothing is computed")
    held_args, held_kwargs = tree_map(unwrap, (args, kwargs))
    indexed = name in INDEXING and isinstance(args[0], OtherTensor)
    if seen and not indexed and name not in MOVING and any(x.dim() for x in plain):
        raise RuntimeError(f"{name}: tensors of the CPU and of another device")
    other = bool(seen)
    if held_kwargs.get("device") is not None:
        other = torch.device(held_kwargs["device"]) == DEVICE
        held_kwargs["device"] = torch.device("cpu")
    if name == "aten::copy_":
        other = isinstance(args[0], OtherTensor)
    result = func(*held_args, **held_kwargs)
    if name == "aten::_to_copy":  # never the same memory on two devices
        result = result.clone() if any(result is x for x in (*plain, *(t.held for t in seen.values()))) else result

    def wrap(x):
        if not isinstance(x, torch.Tensor) or not other:
            return x
        return seen.get(id(x)) if id(x) in seen else OtherTensor(x)

    return tree_map(wrap, result)


def _is_other(device):
    return device is not None and torch.device(device) == DEVICE


@contextmanager
def other_device():
    """Within, ``meta`` is a device that computes; yields it."""
    make, autocast = torch.tensor, torch.autocast

    def tensor(data, *, dtype=None, device=None, **options):
        made = make(data, dtype=dtype, device="cpu" if _is_other(device) else device, **options)
        return OtherTensor(made) if _is_other(device) else made

    def cast(device_type, *arguments, **options):
        return nullcontext() if device_type == DEVICE.type else autocast(device_type, *arguments, **options)

    with OtherDevice(), patch("torch.tensor", tensor), patch("torch.autocast", cast):
        yield DEVICE
