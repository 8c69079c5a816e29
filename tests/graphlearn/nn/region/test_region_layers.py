"""The parts of ProteinRPN in a row."""

from __future__ import annotations

import contextlib

import pytest
import torch
from region_helpers import CHANNELS, batch

from graphlearn.nn import FunctionalAttention, HierarchicalNodeDrop, RegionProposal


@pytest.mark.parametrize("mixed_precision", [False, True])
def test_every_weight_gets_a_gradient(mixed_precision):
    torch.manual_seed(0)
    data = batch()
    propose = RegionProposal(CHANNELS, 5)
    attend = FunctionalAttention(CHANNELS, heads=2, cone=True)
    drop = HierarchicalNodeDrop(CHANNELS, cone=True)
    with torch.autocast("cpu", torch.bfloat16) if mixed_precision else contextlib.nullcontext():
        proposal = propose(data.x, data.edge_index)
        h = attend(proposal.features, data.edge_index, proposal.mask, proposal.edge_weight)
        pooled = drop(
            h, data.edge_index, data.pos, data.secondary, proposal.mask, data.batch, edge_weight=proposal.edge_weight
        )
    (pooled.x.float().square().mean() + pooled.edge_weight.float().mean()).backward()
    for layer in (propose, attend, drop):
        for name, parameter in layer.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.isfinite().all(), name
            assert parameter.grad.abs().sum() > 0, name
