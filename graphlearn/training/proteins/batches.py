"""Batches of chains of like length, drawn from a seed and the number of the epoch alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch_geometric.data import Batch

from graphlearn.datasets import ProteinGO

POOL = 16


def epoch_batches(lengths: Sequence[int], batch_size: int, seed: int, epoch: int) -> list[list[int]]:
    """Rows of each batch of an epoch: shuffled, in pools of 16 batches sorted by length, and these batches shuffled.

    Padded layers then waste little, and every epoch has other batches.

    Args:
        lengths: Residues of each chain.
        batch_size: Chains a batch; the last may have fewer.
        seed: Of the run.
        epoch: Number of the epoch.
    """
    generator = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
    order = torch.randperm(len(lengths), generator=generator).tolist()
    batches: list[list[int]] = []
    for start in range(0, len(order), POOL * batch_size):
        pool = sorted(order[start : start + POOL * batch_size], key=lambda row: lengths[row])
        batches += [pool[i : i + batch_size] for i in range(0, len(pool), batch_size)]
    return [batches[i] for i in torch.randperm(len(batches), generator=generator).tolist()]


def collate(data: ProteinGO, rows: Sequence[int]) -> Batch:
    """A batch of the chains of these rows."""
    return cast(Batch, Batch.from_data_list([data[row] for row in rows], exclude_keys=["residue_ids"]))
