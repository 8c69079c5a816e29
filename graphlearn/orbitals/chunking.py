"""How many states fit into the memory of a rollout."""

from __future__ import annotations

import torch

from graphlearn.base.errors import InputError
from graphlearn.base.machine import available_bytes
from graphlearn.models import OrbitalModel
from graphlearn.orbitals.data.batch import OrbitalBatch

QUICK_BYTES = 20e6  # messages of this size on a CPU; larger ones cost more in fetching memory than in arithmetic


def state_chunk_size(model: OrbitalModel, batch: OrbitalBatch, memory_bytes: int | None) -> int | None:
    """States to work through at once so that a forward pass fits and, on a CPU, is quick; None for all.

    Args:
        model: The model.
        batch: What is to be predicted.
        memory_bytes: Budget; by default half of what is free on the device of the batch.

    Returns:
        Number of states, or None.

    Raises:
        InputError: if not even one state fits.
    """
    budget = memory_bytes if memory_bytes is not None else _free_bytes(batch.c0.device) // 2
    atoms, states = len(batch.numbers), batch.occupations.shape[1]
    least = model.forward_bytes(batch, 1 if model.splits_states else states)
    if least > budget:
        what = (
            f"{atoms} atoms with {states} states even one state at a time" if model.splits_states else f"{atoms} atoms"
        )
        raise InputError(
            f"a prediction for {what} takes about {least / 1e9:.1f} GB, and {budget / 1e9:.1f} GB may be used; roll "
            "out fewer molecules together, or on a larger machine"
        )
    if not model.splits_states:
        return None
    message = model.message_bytes(batch)
    quick = max(1, int(QUICK_BYTES // message)) if batch.c0.device.type == "cpu" and message else states
    if model.forward_bytes(batch, states) <= budget:
        return None if quick >= states else quick
    each = model.forward_bytes(batch, 2) - least
    return min(quick, int(1 + (budget - least) // each))


def _free_bytes(device: torch.device) -> int:
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return int(available_bytes())
