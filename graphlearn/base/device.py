"""Where tensors are computed: the option ``--device`` of every command that computes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from graphlearn.base.errors import InputError

if TYPE_CHECKING:
    import torch

DEVICE_HELP = "auto, cpu, cuda or cuda:N; auto takes the first CUDA device, or the CPU where there is none"


def check_device_name(name: str) -> str:
    """A name that :func:`find_device` knows, whether or not this machine has the device.

    Args:
        name: As for :func:`find_device`.

    Returns:
        The name.

    Raises:
        InputError: for another name.
    """
    if not re.fullmatch(r"auto|cpu|cuda(:\d{1,3})?", name, re.ASCII):
        raise InputError(f"device {name!r}: choose auto, cpu, cuda or cuda:N, for example cuda:0")
    return name


def find_device(name: str = "auto") -> torch.device:
    """The device of a name.

    Args:
        name: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.

    Returns:
        The device; for ``auto`` the first CUDA device, or the CPU where there is none.

    Raises:
        InputError: for another name, or a device that this machine or this build of torch cannot use.
    """
    import torch

    check_device_name(name)
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "auto":
        return torch.device("cuda:0" if count else "cpu")
    if name == "cpu":
        return torch.device("cpu")
    index = int(name.partition(":")[2] or 0)
    if index >= count:
        found = f"{count} CUDA devices are" if count else "no CUDA device is"
        raise InputError(f"device {name!r}: {found} available to torch {torch.__version__}; choose another, or cpu")
    return torch.device("cuda", index)
