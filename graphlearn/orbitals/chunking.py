"""How much memory a forward pass takes, and how many states fit into a budget."""

from __future__ import annotations

import torch

from graphlearn.base.errors import InputError
from graphlearn.base.machine import available_bytes
from graphlearn.models import OrbEvo, OrbitalModel, ResponseOrbEvo
from graphlearn.nn.equivariant.irreps import num_components
from graphlearn.orbitals.data.batch import OrbitalBatch

MESSAGES = 12  # arrays of channels x components that live together for each edge and state
FEATURES = 6  # likewise for each atom and state; all states of the stream are kept
KERNEL_PARTS = 4  # arrays of the size of a kernel's fit that live together while it is built
QUICK_BYTES = 20e6  # one of those arrays on a CPU; larger ones cost more in fetching memory than in arithmetic


def forward_bytes(model: OrbEvo, batch: OrbitalBatch, states: int) -> int:
    """Estimated peak of a forward pass without gradients that works through so many states at once, bytes."""
    atoms, edges = len(batch.numbers), batch.edge_index.shape[1]
    every = batch.occupations.shape[1]
    size = num_components(model.top_lmax) * model.channels * batch.c0.element_size()
    if model.linear_response:
        size *= 2
    orbitals = sum(count * (2 * l + 1) for l, count in enumerate(model.shells))
    density = 0
    if model.atom_density is not None:
        density = edges * (2 * model.num_frames + 1) * orbitals**2 * batch.c0.element_size() * 4
    return MESSAGES * edges * states * size + FEATURES * atoms * every * size + density


def kernel_bytes(model: ResponseOrbEvo, batch: OrbitalBatch) -> int:
    """Estimated size of the kernels of all molecules of a batch and of what it takes to build the largest, bytes."""
    functions = sum(count * (2 * l + 1) for l, count in enumerate(model.config["auxiliary"]))
    atoms = torch.bincount(batch.batch).tolist()
    kernels = [
        n * functions * p.coupling.numel() * batch.c0.element_size()
        for n, p in zip(atoms, batch.modes or (), strict=True)
    ]
    return 2 * sum(kernels) + KERNEL_PARTS * max(kernels)


def state_chunk_size(model: OrbitalModel, batch: OrbitalBatch, memory_bytes: int | None) -> int | None:
    """States to work through at once so that a forward pass fits and, on a CPU, is quick; None for all.

    Args:
        model: The model.
        batch: What is to be predicted.
        memory_bytes: Budget; by default half of what is free on the device of the batch.

    Raises:
        InputError: if not even one state fits.
    """
    budget = memory_bytes if memory_bytes is not None else _free_bytes(batch.c0.device) // 2
    states = batch.occupations.shape[1]
    if isinstance(model, ResponseOrbEvo):
        needed = kernel_bytes(model, batch)
        if needed > budget:
            raise InputError(
                f"the response kernels of {len(batch.numbers)} atoms take about {needed / 1e9:.1f} GB, and "
                f"{budget / 1e9:.1f} GB may be used; roll out fewer molecules together, or on a larger machine"
            )
        return None  # its network does not know states
    message = len(batch.edge_index[0]) * num_components(model.top_lmax) * model.channels * batch.c0.element_size()
    quick = max(1, int(QUICK_BYTES // message)) if batch.c0.device.type == "cpu" and message else states
    if forward_bytes(model, batch, states) <= budget:
        return None if quick >= states else quick
    least = forward_bytes(model, batch, 1)
    if least > budget:
        raise InputError(
            f"{len(batch.numbers)} atoms with {states} states take about {least / 1e9:.1f} GB even one state at a "
            f"time, and {budget / 1e9:.1f} GB may be used; roll out fewer molecules together, or on a larger machine"
        )
    each = forward_bytes(model, batch, 2) - least
    return min(quick, int(1 + (budget - least) // each))


def _free_bytes(device: torch.device) -> int:
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return int(available_bytes())
