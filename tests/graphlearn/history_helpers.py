"""Random graphs and random histories for the tests of readouts."""

from __future__ import annotations

import torch
from torch_geometric.data import Data

SIZES = (3, 1, 8, 5, 40)


def history(sizes=SIZES, layers=4, channels=8, dtype=torch.float32, seed=0):
    """Layers and batch vector of random graphs."""
    generator = torch.Generator().manual_seed(seed)
    batch = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
    xs = [torch.randn(len(batch), channels, generator=generator, dtype=torch.float64).to(dtype) for _ in range(layers)]
    return xs, batch


def graphs(sizes=SIZES, channels=6):
    """Random connected graphs of these sizes."""
    generator = torch.Generator().manual_seed(1)
    result = []
    for n in sizes:
        chain = torch.stack([torch.arange(n - 1), torch.arange(1, n)])
        edges = torch.cat([chain, chain.flip(0)], 1)
        result.append(Data(x=torch.randn(n, channels, generator=generator), edge_index=edges))
    return result
