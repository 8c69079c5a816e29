"""A number that is not finite stays in its own graph: the others are equal bit for bit, forward and backward."""

from __future__ import annotations

import pytest
import torch
from history_helpers import graphs, history
from region_helpers import CHANNELS, proteins
from torch import nn
from torch_geometric.data import Batch
from torch_geometric.nn import GCN, aggr as pyg

from graphlearn.models import HistographGNN
from graphlearn.models.histograph import READOUTS
from graphlearn.nn import (
    EdgeRotation,
    FunctionalAttention,
    GroupedMeanReadout,
    HierarchicalNodeDrop,
    HistoryReadout,
    JumpingReadout,
    MultilayerReadout,
    RegionProposal,
    SequenceConvolution,
    SO2Attention,
    propagate_to_ancestors,
)

BAD = [torch.nan, torch.inf, -torch.inf]
SIZES = (3, 4, 1, 5, 40, 6)
SICK = 3  # of five nodes, padded with the others

LAYERS = {
    "history": lambda: HistoryReadout(8),
    "history, four heads": lambda: HistoryReadout(8, heads=4, weights="softmax"),
    "history, mixed": lambda: HistoryReadout(8, mix=0.5, learn_mix=True),
    "multilayer": lambda: MultilayerReadout(8),
    "grouped mean": lambda: GroupedMeanReadout(8),
    "jk cat": lambda: JumpingReadout(8, 4, jk="cat"),
    "jk max": lambda: JumpingReadout(8, 4, jk="max", aggr="max"),
    "jk lstm": lambda: JumpingReadout(8, 4, jk="lstm", aggr="sum"),
    "gmt": lambda: JumpingReadout(8, 4, aggr=pyg.GraphMultisetTransformer(8, k=2)),
    "set transformer": lambda: JumpingReadout(8, 4, aggr=pyg.SetTransformerAggregation(8)),
    "attention": lambda: JumpingReadout(8, 4, aggr=pyg.AttentionalAggregation(nn.Linear(8, 1))),
    "set2set": lambda: JumpingReadout(8, 4, aggr=pyg.Set2Set(8, 2)),
    "softmax": lambda: JumpingReadout(8, 4, aggr="softmax"),
    "median": lambda: JumpingReadout(8, 4, aggr="median"),
}


def sick_history(bad):
    xs, batch = history(SIZES)
    worse = [x.clone() for x in xs]
    for x in worse:
        x[(batch == SICK).nonzero()[1]] = bad
    return xs, worse, batch


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("sized", [False, True])
@pytest.mark.parametrize("name", LAYERS)
def test_readouts(name, sized, bad):
    torch.manual_seed(0)
    readout = LAYERS[name]().eval()
    xs, worse, batch = sick_history(bad)
    sizes = {"batch_size": len(SIZES) + 1} if sized else {}
    if sized and name.startswith("history"):
        sizes["max_num_nodes"] = 41
    others = torch.arange(len(SIZES)) != SICK

    def run(layers):
        layers = [x.requires_grad_() for x in layers]
        out = readout(layers, batch, **sizes)[: len(SIZES)]
        return out.detach()[others], torch.autograd.grad(out[others].square().sum(), layers, allow_unused=True)

    (healthy, expected), (found, gradients) = run(xs), run(worse)
    assert torch.equal(found, healthy)
    kept = others[batch]
    for a, b in zip(gradients, expected, strict=True):
        assert (a is None) == (b is None)
        assert a is None or torch.equal(a[kept], b[kept])


@pytest.mark.parametrize("bad", BAD)
def test_the_share_of_attention_that_a_node_receives(bad):
    torch.manual_seed(0)
    xs, worse, batch = sick_history(bad)
    for options in ({}, {"heads": 2}, {"node_attention": False}):
        readout = HistoryReadout(8, **options)
        healthy = readout(xs, batch, return_attention=True)[1]
        found = readout(worse, batch, return_attention=True)[1]
        others = torch.arange(len(SIZES)) != SICK
        assert torch.equal(found.layers[others], healthy.layers[others])
        assert torch.equal(found.nodes[batch != SICK], healthy.nodes[batch != SICK])


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("name", READOUTS)
def test_a_network_with_every_readout(name, bad):
    torch.manual_seed(0)
    network = HistographGNN(6, 2, channels=16, num_layers=2, readout=name).eval()
    together = Batch.from_data_list(graphs())
    healthy = network(together.x, together.edge_index, together.batch)
    together.x[together.ptr[3]] = bad
    found = network(together.x, together.edge_index, together.batch)
    assert torch.equal(found[[0, 1, 2, 4]], healthy[[0, 1, 2, 4]])


def pool(data):
    torch.manual_seed(0)
    pooled = HierarchicalNodeDrop(CHANNELS).eval()(
        data.x, data.edge_index, data.pos, data.secondary, data.mask, data.batch, edge_weight=data.edge_weight
    )
    full = torch.zeros(data.num_nodes, CHANNELS)
    return torch.cat([full.index_copy(0, pooled.kept.nonzero().flatten(), pooled.x), pooled.kept[:, None]], 1)


def attend(data):
    torch.manual_seed(0)
    return FunctionalAttention(CHANNELS, heads=2, cone=True)(data.x, data.edge_index, data.mask, data.edge_weight)


def propose(data):
    torch.manual_seed(0)
    proposal = RegionProposal(CHANNELS, 4)(data.x, data.edge_index, data.edge_weight)
    return torch.cat([proposal.features, proposal.objectness_logits[:, None], proposal.mask[:, None]], 1)


def convolve(data):
    torch.manual_seed(0)
    place = torch.arange(data.num_nodes) - data.ptr[data.batch]
    return SequenceConvolution(CHANNELS)(data.x, place, data.batch)


def turn(data):
    torch.manual_seed(0)
    vectors = data.pos[data.edge_index[1]] - data.pos[data.edge_index[0]]
    layer = SO2Attention(1, 1, 2, edge_scalars=1, heads=2, hidden_channels=2, alpha_channels=2, value_channels=2)
    x = data.x[:, :4].unsqueeze(-1)
    return layer(x, data.edge_index, EdgeRotation(vectors, 1), data.edge_weight[:, None]).flatten(1)


def pass_messages(data):
    torch.manual_seed(0)
    return GCN(CHANNELS, 8, 2)(data.x, data.edge_index)


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("layer", [pool, attend, propose, convolve, turn, pass_messages])
def test_layers_of_nodes(layer, bad):
    together = Batch.from_data_list(proteins())
    healthy = layer(together)
    together.x[together.ptr[2]] = bad
    found, others = layer(together), together.batch != 2
    assert torch.equal(found[others], healthy[others])


def test_propagation_ends_and_keeps_nan_in_its_row():
    diamond = torch.tensor([[3, 3, 1, 2], [1, 2, 0, 0]])
    p = torch.tensor([[0.1, 0.6, 0.2, torch.nan], [0.1, torch.nan, 0.2, 0.4], [0.1, 0.6, 0.2, 0.4]])
    found = propagate_to_ancestors(p, diamond)
    expected = torch.tensor([[torch.nan] * 4, [torch.nan, torch.nan, 0.4, 0.4], [0.6, 0.6, 0.4, 0.4]])
    torch.testing.assert_close(found, expected, rtol=0, atol=0, equal_nan=True)
