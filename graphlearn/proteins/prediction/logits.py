"""Logits of many chains, in batches of similar length."""

from __future__ import annotations

import numpy as np
import torch

from graphlearn.models import ProteinRPN
from graphlearn.proteins.data.batches import collate
from graphlearn.proteins.data.protein_go import ProteinGO
from graphlearn.training.task import device_of


@torch.no_grad()
def predict_logits(model: ProteinRPN, data: ProteinGO, batch_size: int = 32) -> np.ndarray:
    """Logits of all chains of a data set.

    Args:
        model: On any device, which the batches follow; it is set to evaluation mode.
        data: N chains.
        batch_size: Chains per forward pass.

    Returns:
        Float32 [N, T], in the order of the data set.
    """
    model.eval()
    device, lengths = device_of(model), data.lengths
    order = sorted(range(len(data)), key=lambda row: lengths[data.chains[row]])
    logits = np.empty((len(data), len(data.terms)), dtype=np.float32)
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        logits[rows] = model(collate(data, rows).to(device)).logits.cpu().numpy()
    return logits
