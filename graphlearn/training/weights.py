"""Files of weights: safetensors, compared with the network before anything is read into it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor, nn

from graphlearn.base.errors import ContractError, InputError, first_line
from graphlearn.base.files import replace_bytes


def save_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str] | None = None) -> None:
    """Write tensors in one step, flushed to the disk; InputError where that fails.

    Args:
        path: The file.
        tensors: By name.
        metadata: Text by name; none by default.
    """
    try:
        replace_bytes(path, save({k: v.detach().cpu().contiguous() for k, v in tensors.items()}, metadata))
    except (OSError, SafetensorError) as error:
        raise InputError(f"cannot write {path}: {error}; check the folder and the space on the disk") from None


def read_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Shapes by name, from the header alone.

    Args:
        path: A safetensors file.

    Returns:
        Shapes by name.

    Raises:
        ContractError: if the file is absent, cut off or damaged.
    """
    try:
        with safe_open(path, framework="pt") as file:
            return {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118
    except (OSError, ValueError, SafetensorError) as error:
        raise ContractError(f"{path}: damaged ({reason(error)})") from None


def load_weights(module: nn.Module, path: Path) -> None:
    """Read weights into a network; nothing is changed where they do not fit.

    Args:
        module: The network.
        path: A safetensors file.

    Raises:
        ContractError: if the file is damaged, holds other tensors than the network has, or numbers that are none.
    """
    shapes = read_shapes(path)
    own = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    for name in sorted(own.keys() | shapes.keys()):
        if own.get(name) != shapes.get(name):
            raise ContractError(
                f"{path}: the weights do not fit the network: {name[:80]!r} is "
                f"{_shape(shapes.get(name))} in the file and {_shape(own.get(name))} in the network"
            )
    try:
        tensors = load_file(path)
        for name, tensor in tensors.items():
            if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
                raise ContractError(f"{path}: {name!r} holds numbers that are not finite")
        module.load_state_dict(tensors)
    except (OSError, ValueError, TypeError, RuntimeError, SafetensorError) as error:
        if isinstance(error, ContractError):
            raise
        raise ContractError(f"{path}: damaged ({reason(error)})") from None


def reason(error: Exception) -> str:
    """The first line of an error."""
    return first_line(error, 300)


def _shape(shape: tuple[int, ...] | None) -> str:
    return "missing" if shape is None else str(list(shape))
