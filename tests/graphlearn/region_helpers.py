"""Random proteins for the tests of region proposals, and a meter of tensor sizes."""

from __future__ import annotations

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch_geometric.data import Batch, Data

SIZES = (7, 1, 30, 12)
CHANNELS = 6


def protein(size, seed=0, channels=CHANNELS):
    """A random walk of steps of 3.8 Angstrom with its contacts below 10 Angstrom."""
    generator = torch.Generator().manual_seed(seed)
    step = torch.randn(size, 3, generator=generator)
    pos = (3.8 * step / step.norm(dim=1, keepdim=True)).cumsum(0)
    edge_index = ((torch.cdist(pos, pos) < 10) & ~torch.eye(size, dtype=torch.bool)).nonzero().T.contiguous()
    return Data(
        x=torch.randn(size, channels, generator=generator),
        edge_index=edge_index,
        edge_weight=0.2 + torch.rand(edge_index.size(1), generator=generator),
        pos=pos,
        secondary=(torch.rand(size, generator=generator) < 0.5).float(),
        mask=torch.rand(size, generator=generator),
    )


def proteins(sizes=SIZES):
    return [protein(size, seed) for seed, size in enumerate(sizes)]


def batch(sizes=SIZES):
    return Batch.from_data_list(proteins(sizes))


def path(size, channels=CHANNELS):
    """Residues in a row, each in contact with the next."""
    ahead = torch.stack([torch.arange(size - 1), torch.arange(1, size)])
    pos = torch.zeros(size, 3)
    pos[:, 0] = 3.8 * torch.arange(size)
    return Data(
        x=torch.randn(size, channels, generator=torch.Generator().manual_seed(0)),
        edge_index=torch.cat([ahead, ahead.flip(0)], 1),
        pos=pos,
        secondary=torch.ones(size),
        mask=torch.full((size,), 0.5),
    )


class LargestTensor(TorchDispatchMode):
    """Numbers in the largest tensor that any operation returned."""

    def __init__(self):
        super().__init__()
        self.size = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        self.size = max([self.size, *(_stored(t) for t in tree_leaves(result) if isinstance(t, torch.Tensor))])
        return result


def _stored(tensor):
    return tensor.values().numel() if tensor.layout == torch.sparse_csr else tensor.numel()


def assert_linear_memory(function):
    """No tensor of the forward or backward pass on 5,000 nodes is more than five times that on 1,000."""
    sizes = []
    for nodes in (1000, 5000):
        data = path(nodes)
        data.x.requires_grad_()
        with LargestTensor() as largest:
            function(data).sum().backward()
        sizes.append(largest.size)
    assert sizes[1] <= 5.05 * sizes[0]
    assert sizes[1] < 5000 * 100
