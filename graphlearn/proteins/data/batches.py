"""Batches of chains of similar length, drawn from a seed and the number of the epoch alone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from typing import cast

import torch
from torch_geometric.data import Batch

from graphlearn.base.errors import InputError
from graphlearn.proteins.data.protein_go import ProteinGO
from graphlearn.training.randomness import Share, step_generator
from graphlearn.training.recipe import Optimisation

POOL = 16
EPOCH = 4  # purpose of random numbers


def count_batches(data: ProteinGO, batch_size: int) -> int:
    """Steps of an epoch.

    Args:
        data: Training chains.
        batch_size: Most chains per step.

    Returns:
        Number of batches.
    """
    return math.ceil(len(data) / batch_size)


def training_batches(
    data: ProteinGO, options: Optimisation, first_step: int, steps: int, share: Share, *, fewest: int = 1
) -> Iterator[Batch]:
    """The batches of a training.

    Args:
        data: Training chains.
        options: Batch size and seed.
        first_step: Step to begin with.
        steps: Of the whole training.
        share: Which chains of each step are taken.
        fewest: Chains that each process needs in a step.

    Yields:
        One batch per step, on the CPU.

    Raises:
        InputError: if there are too few chains in a step.
    """
    per_epoch, lengths = count_batches(data, options.batch_size), list(data.lengths.values())
    if (smallest := len(data) // per_epoch) < fewest * share.world:
        raise InputError(
            f"steps of {smallest} chains (batch_size {options.batch_size}, {len(data)} chains); "
            f"{fewest} for each of {share.world} processes are needed"
        )
    for epoch, of_epoch in groupby(range(first_step, steps), lambda step: step // per_epoch):
        batches = epoch_batches(lengths, options.batch_size, options.seed, epoch)
        for step in of_epoch:
            yield collate(data, share.of(batches[step % per_epoch]))


def epoch_batches(lengths: Sequence[int], batch_size: int, seed: int, epoch: int) -> list[list[int]]:
    """Rows of each batch of an epoch: shuffled, in pools of 16 batches sorted by length, and these batches shuffled.

    Padded layers then waste little, and every epoch has other batches.

    Args:
        lengths: Residues of each chain.
        batch_size: Most chains per batch; all batches have as many, or one fewer.
        seed: Of the run.
        epoch: Number of the epoch.

    Returns:
        Rows of the chains of each batch; every chain occurs once.
    """
    generator = step_generator(seed, epoch, EPOCH)
    order = torch.randperm(len(lengths), generator=generator).tolist()
    count = math.ceil(len(lengths) / batch_size)
    bounds = [round(i * len(lengths) / count) for i in range(count + 1)]
    for first in range(0, count, POOL):
        pool = slice(bounds[first], bounds[min(first + POOL, count)])
        order[pool] = sorted(order[pool], key=lengths.__getitem__)
    batches = [order[start:end] for start, end in pairwise(bounds)]
    return [batches[i] for i in torch.randperm(len(batches), generator=generator).tolist()]


def collate(data: ProteinGO, rows: Sequence[int]) -> Batch:
    """A batch of chains.

    Args:
        data: The chains.
        rows: Which of them.

    Returns:
        One batch of all these graphs; ``residue_ids`` is left out.
    """
    return cast(Batch, Batch.from_data_list([data[row] for row in rows], exclude_keys=["residue_ids"]))
