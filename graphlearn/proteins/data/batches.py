"""Batches of chains of like length, drawn from a seed and the number of the epoch alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import cast

import torch
from torch_geometric.data import Batch

from graphlearn.proteins.data.protein_go import ProteinGO

POOL = 16


def epoch_batches(lengths: Sequence[int], batch_size: int, seed: int, epoch: int) -> list[list[int]]:
    """Rows of each batch of an epoch: shuffled, in pools of 16 batches sorted by length, and these batches shuffled.

    Padded layers then waste little, and every epoch has other batches.

    Args:
        lengths: Residues of each chain.
        batch_size: Chains a batch at most; all batches have as many, or one fewer.
        seed: Of the run.
        epoch: Number of the epoch.
    """
    generator = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
    order = torch.randperm(len(lengths), generator=generator).tolist()
    count = math.ceil(len(lengths) / batch_size)
    bounds = [round(i * len(lengths) / count) for i in range(count + 1)]
    batches: list[list[int]] = []
    for first in range(0, count, POOL):
        edges = bounds[first : first + POOL + 1]
        pool = sorted(order[edges[0] : edges[-1]], key=lambda row: lengths[row])
        batches += [pool[start - edges[0] : end - edges[0]] for start, end in pairwise(edges)]
    return [batches[i] for i in torch.randperm(len(batches), generator=generator).tolist()]


def collate(data: ProteinGO, rows: Sequence[int]) -> Batch:
    """A batch of the chains of these rows."""
    return cast(Batch, Batch.from_data_list([data[row] for row in rows], exclude_keys=["residue_ids"]))
