"""The other readouts: same signature, same promises."""

from __future__ import annotations

import pytest
import torch
from history_helpers import SIZES, graphs, history
from torch import nn
from torch_geometric.data import Batch
from torch_geometric.nn import GIN
from torch_geometric.nn.aggr import AttentionalAggregation, GraphMultisetTransformer, SetTransformerAggregation

from graphlearn.nn import GroupedMeanReadout, JumpingReadout, MultilayerReadout, NodeAttention, layer_outputs
from graphlearn.nn.readout.segments import Segments
from graphlearn.testing import assert_batch_independent, assert_gradcheck, assert_permutation_invariant

READOUTS = {
    "grouped mean": lambda: GroupedMeanReadout(16),
    "multilayer": lambda: MultilayerReadout(16),
    "multilayer with norm": lambda: MultilayerReadout(16, residual=True, layer_norm=True),
    "jk cat": lambda: JumpingReadout(16, 4, jk="cat"),
    "jk lstm": lambda: JumpingReadout(16, 4, jk="lstm", aggr="max"),
    "gmt": lambda: JumpingReadout(16, 4, aggr=GraphMultisetTransformer(16, k=3)),
    "set transformer": lambda: JumpingReadout(16, 4, aggr=SetTransformerAggregation(16)),
    "attention": lambda: JumpingReadout(16, 4, aggr=AttentionalAggregation(nn.Linear(16, 1))),
}


@pytest.mark.parametrize("name", READOUTS)
def test_batch_independence_and_permutation(name):
    torch.manual_seed(0)
    gnn, readout = GIN(6, 16, num_layers=4).eval(), READOUTS[name]().eval()

    def predict(data):
        return readout(layer_outputs(gnn, data.x, data.edge_index), data.batch)

    assert_batch_independent(predict, graphs())
    assert_permutation_invariant(predict, Batch.from_data_list(graphs()))


@pytest.mark.parametrize("name", READOUTS)
def test_one_name_changes_the_readout(name):
    xs, batch = history(channels=16)
    out = READOUTS[name]()(xs, batch, batch_size=len(SIZES) + 1)
    assert out.shape == (len(SIZES) + 1, 16)
    assert (out[-1] == 0).all()
    nothing = READOUTS[name]()([x[:0] for x in xs], batch[:0], batch_size=2)
    assert torch.equal(nothing, torch.zeros(2, 16))
    with pytest.raises(ValueError, match="expected"):
        READOUTS[name]()([x[:, :3] for x in xs], batch)
    with pytest.raises(ValueError, match="empty"):
        READOUTS[name]()([])


def test_grouped_mean_by_hand():
    readout = GroupedMeanReadout(4, groups=2).double()
    with torch.no_grad():
        readout.log_p.copy_(torch.tensor([1.0, 3.0], dtype=torch.float64).log())
    x = torch.tensor([[1.0, 2.0, 1.0, 2.0], [3.0, 4.0, 3.0, 4.0]], dtype=torch.float64)
    cubes = torch.tensor([14.0, 36.0], dtype=torch.float64) ** (1 / 3)
    expected = torch.cat([torch.tensor([2.0, 3.0], dtype=torch.float64), cubes])
    torch.testing.assert_close(readout([x])[0], expected, rtol=1e-12, atol=0)


def test_grouped_mean_gradients():
    batch = torch.tensor([0, 0, 1])
    readout = GroupedMeanReadout(4, groups=2)

    class Call(nn.Module):
        def __init__(self):
            super().__init__()
            self.readout = readout

        def forward(self, x):
            return self.readout([x], batch)

    assert_gradcheck(Call(), torch.rand(3, 4) + 0.1)


def test_multilayer_pooling_is_torch_cross_attention():
    torch.manual_seed(0)
    xs, batch = history(channels=8, dtype=torch.float64)
    readout = MultilayerReadout(8, heads=2, queries=3).double()
    out, weights = readout(xs, batch, return_attention=True)
    means = torch.stack([torch.stack([x[batch == g].mean(0) for g in range(len(SIZES))]) for x in xs], 1)
    from graphlearn.nn.readout.layer_attention import layer_code

    tokens = readout.embed(means) + layer_code(4, 8, means)
    peer = nn.MultiheadAttention(8, 2, batch_first=True, dtype=torch.float64)
    with torch.no_grad():
        eye = torch.eye(8, dtype=torch.float64)
        peer.in_proj_weight.copy_(torch.cat([eye, readout.key_value.weight]))
        peer.in_proj_bias.copy_(torch.cat([torch.zeros(8), readout.key_value.bias]))
        peer.out_proj.weight.copy_(eye)
        peer.out_proj.bias.zero_()
    pooled, shares = peer(readout.queries.expand(len(SIZES), -1, -1), tokens, tokens)
    torch.testing.assert_close(out, readout.mlp(pooled.mean(1)), rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(weights.layers, shares.mean(1), rtol=1e-10, atol=1e-12)


def test_the_last_layer_and_the_mean_are_mean_pooling():
    from torch_geometric.nn import global_mean_pool

    xs, batch = history(channels=16)
    torch.testing.assert_close(JumpingReadout(16, 4)(xs, batch), global_mean_pool(xs[-1], batch))


def test_errors():
    with pytest.raises(ValueError, match="'last', 'cat', 'max' or 'lstm'"):
        JumpingReadout(8, 2, jk="mean")
    with pytest.raises(ValueError, match="built for 3"):
        JumpingReadout(8, 3, jk="cat")([torch.zeros(2, 8)] * 2)
    with pytest.raises(ValueError, match="divide"):
        GroupedMeanReadout(6, groups=4)


def test_grouped_mean_of_zeros_and_of_large_values():
    readout = GroupedMeanReadout(4, p=12.0)
    x = torch.zeros(3, 4, requires_grad=True)
    readout([x]).sum().backward()
    assert readout.log_p.grad.isfinite().all()
    torch.testing.assert_close(readout([torch.full((3, 4), 2e4)]), torch.full((1, 4), 2e4), rtol=1e-4, atol=0)
    assert readout([torch.ones(3, 4).half()]).isfinite().all()
    with pytest.raises(ValueError, match="above 0"):
        GroupedMeanReadout(4, p=-1.0)


def test_means_of_half_precision_do_not_overflow():
    xs = [torch.full((2000, 8), 100.0, dtype=torch.float16)]
    torch.testing.assert_close(JumpingReadout(8, 1)([x.float() for x in xs]), torch.full((1, 8), 100.0))
    from graphlearn.nn.readout.segments import Segments

    mean = Segments.of(xs[0], None, None).mean(xs[0])
    torch.testing.assert_close(mean, torch.full((1, 8), 100.0, dtype=torch.float16))


@pytest.mark.parametrize("options", [{"residual": True}, {"layer_norm": True}, {"residual": True, "layer_norm": True}])
@pytest.mark.parametrize("heads", [1, 4])
def test_residual_and_norm_of_the_attention_between_nodes(options, heads):
    torch.manual_seed(0)
    (x, *_), batch = history(channels=8, dtype=torch.float64)
    segments = Segments.of(x, batch, None)
    plain, layer = NodeAttention(8, heads=heads).double(), NodeAttention(8, heads=heads, **options).double()
    layer.load_state_dict(plain.state_dict() | {k: v for k, v in layer.state_dict().items() if "norm" in k})
    expected = plain(x, segments) + (x if "residual" in options else 0.0)
    if "layer_norm" in options:
        expected = nn.functional.layer_norm(expected, [8])
    torch.testing.assert_close(layer(x, segments), expected, rtol=1e-12, atol=1e-12)
    assert torch.equal(layer.received(x, segments), plain.received(x, segments))


@pytest.mark.parametrize("options", [{"residual": True}, {"layer_norm": True}, {"residual": True, "layer_norm": True}])
def test_residual_and_norm_of_the_multilayer_readout(options):
    torch.manual_seed(0)
    xs, batch = history(channels=8, dtype=torch.float64)
    plain, readout = MultilayerReadout(8).double(), MultilayerReadout(8, **options).double()
    readout.load_state_dict(plain.state_dict() | {k: v for k, v in readout.state_dict().items() if "norm" in k})
    pooled = []
    plain.mlp.register_forward_pre_hook(lambda module, inputs: pooled.append(inputs[0]))
    expected = plain(xs, batch) + (pooled[0] if "residual" in options else 0.0)
    if "layer_norm" in options:
        expected = nn.functional.layer_norm(expected, [8])
    torch.testing.assert_close(readout(xs, batch), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("layer", [NodeAttention(8, layer_norm=True), MultilayerReadout(8, layer_norm=True)])
def test_reset_starts_the_norm_again(layer):
    nn.init.zeros_(layer.norm.weight)
    layer.reset_parameters()
    assert (layer.norm.weight == 1).all()
