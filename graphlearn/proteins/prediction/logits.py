"""Logits of many chains, in batches of like length."""

from __future__ import annotations

import numpy as np
import torch

from graphlearn.models import ProteinRPN
from graphlearn.proteins.data.batches import collate
from graphlearn.proteins.data.protein_go import ProteinGO


def predict_logits(model: ProteinRPN, data: ProteinGO, batch_size: int = 32) -> np.ndarray:
    """Logits of all chains of a data set in its order, float32 [N, T]."""
    model.eval()
    order = sorted(range(len(data)), key=lambda row: data.lengths[data.chains[row]])
    logits = np.empty((len(data), len(data.terms)), dtype=np.float32)
    with torch.no_grad():
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            logits[rows] = model(collate(data, rows)).logits.numpy()
    return logits
