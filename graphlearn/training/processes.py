"""The processes that share a training: this one alone, or those that ``torchrun`` started."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from graphlearn.base.device import find_device
from graphlearn.base.errors import InputError
from graphlearn.training.randomness import ALONE, Share


@dataclass(frozen=True)
class Processes:
    """How the processes of a training work together.

    Attributes:
        device: Where this process computes.
        share: Which part of each step it takes.
        wrap: Makes a module whose gradients are averaged over the processes.
        sum: Sum of a tensor over the processes.
        wait: Until all processes are here.
    """

    device: torch.device
    share: Share
    wrap: Callable[[nn.Module], nn.Module]
    sum: Callable[[Tensor], Tensor]
    wait: Callable[[], None]

    @property
    def is_main(self) -> bool:
        """Whether this process writes the files."""
        return self.share.rank == 0


def join_processes(device: str = "auto") -> Processes:
    """The processes of this run.

    Args:
        device: Where to compute, see :func:`graphlearn.base.device.find_device`. Of several processes each takes the
            CUDA device of its own rank.

    Returns:
        This process among all.

    Raises:
        InputError: for a device that cannot be used, or one that several processes would share.
    """
    found = find_device(device)
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return Processes(found, ALONE, lambda module: module, lambda values: values, lambda: None)
    from accelerate import Accelerator, DistributedDataParallelKwargs

    if ":" in device:
        raise InputError(f"device {device!r}: several processes take one device each; give auto, cpu or cuda")
    unused = DistributedDataParallelKwargs(find_unused_parameters=True)  # a task need not reach every parameter
    accelerator = Accelerator(cpu=found.type == "cpu", kwargs_handlers=[unused])
    return Processes(
        accelerator.device, Share(accelerator.process_index, accelerator.num_processes),
        accelerator.prepare, lambda values: cast(Tensor, accelerator.reduce(values, "sum")),
        accelerator.wait_for_everyone,
    )  # fmt: skip
