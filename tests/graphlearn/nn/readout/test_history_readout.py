"""HistoryReadout: what its equations promise, and what a readout must never do."""

from __future__ import annotations

import copy

import pytest
import torch
from history_helpers import SIZES, graphs, history
from hypothesis import assume, given, settings, strategies as st
from literal_history import literal_readout, sinusoidal_code
from torch import nn
from torch_geometric.data import Batch, HeteroData
from torch_geometric.nn import GCN, GIN, SAGEConv, to_hetero

from graphlearn.nn import HistoryReadout, LayerAttention, layer_outputs
from graphlearn.nn.readout.layer_attention import layer_code
from graphlearn.nn.readout.segments import Segments, group_sizes
from graphlearn.testing import (
    assert_batch_independent,
    assert_gradcheck,
    assert_permutation_invariant,
    overfits,
)


class Network(nn.Module):
    """A PyG model with the readout on top, as a user writes it."""

    def __init__(self, **options):
        super().__init__()
        torch.manual_seed(0)
        self.gnn = GIN(6, 16, num_layers=4, norm="batch_norm")
        self.readout = HistoryReadout(16, **options)

    def forward(self, batch):
        return self.readout(
            layer_outputs(self.gnn, batch.x, batch.edge_index), batch.batch, batch_size=batch.num_graphs
        )


OPTIONS = [{}, {"weights": "softmax", "heads": 4}, {"node_attention": False}, {"mix": 0.5, "learn_mix": True}]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_graphs_of_a_batch_do_not_affect_each_other(options):
    assert_batch_independent(Network(**options).eval(), graphs())


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_the_order_of_the_nodes_does_not_matter(options):
    assert_permutation_invariant(Network(**options).eval(), Batch.from_data_list(graphs()))


def test_rows_follow_the_nodes_at_node_level():
    readout = HistoryReadout(16, level="node").eval()
    gnn = GIN(6, 16, num_layers=4).eval()
    data = Batch.from_data_list(graphs())
    assert_permutation_invariant(lambda d: readout(layer_outputs(gnn, d.x, d.edge_index), d.batch), data, level="node")


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("sized", [True, False])
def test_empty_graphs_give_zeros_and_single_nodes_are_finite(layers, sized):
    xs, _ = history((4,), layers)
    batch = torch.tensor([1, 1, 1, 3])
    xs = [x.requires_grad_() for x in xs]
    readout = HistoryReadout(8)
    sizes = {"batch_size": 5, "max_num_nodes": 3} if sized else {"batch_size": 5}
    out, weights = readout(xs, batch, return_attention=True, **sizes)
    assert out.shape == (5, 8)
    assert (out[[0, 2, 4]] == 0).all()
    assert weights.layers.isfinite().all()
    out.square().sum().backward()
    assert all(x.grad.isfinite().all() for x in xs)
    if layers == 1:
        torch.testing.assert_close(weights.layers, torch.ones(5, 1))


def test_a_batch_without_nodes_gives_zeros():
    xs = [torch.zeros(0, 8) for _ in range(3)]
    readout = HistoryReadout(8)
    assert (readout(xs, torch.zeros(0, dtype=torch.long), batch_size=2) == torch.zeros(2, 8)).all()
    assert readout(xs, torch.zeros(0, dtype=torch.long), batch_size=2, max_num_nodes=4).shape == (2, 8)
    assert readout(xs, torch.zeros(0, dtype=torch.long)).shape == (0, 8)


@pytest.mark.parametrize("total", [0.0, 1e-12, -1e-12])
def test_the_pole_of_signed_weights_is_guarded(total):
    layers = LayerAttention(8, guard=0.1)
    scores = torch.tensor([[1.0, -1.0 + total, 0.5, -0.5]], dtype=torch.float64, requires_grad=True)
    alpha = layers.normalise(scores)
    size = float(scores.detach().abs().sum())
    sign = -1.0 if total < 0 else 1.0
    torch.testing.assert_close(alpha, scores / (sign * 0.1 * size))
    assert float(alpha.detach().abs().sum()) <= 10 + 1e-9
    alpha.square().sum().backward()
    assert scores.grad.isfinite().all()


def test_gradients_hold_on_both_sides_of_the_guard():
    layers = LayerAttention(8, guard=0.1)
    for total in (0.0999, 0.1001, -0.0999, -0.1001):
        scores = torch.tensor([[0.6, -0.4]], dtype=torch.float64)
        scores[0, 0] = 0.4 * (1 + total) / (1 - total)
        assert float(scores.sum() / scores.abs().sum()) == pytest.approx(total)
        assert_gradcheck(layers.normalise, scores)


def test_zero_scores_give_the_mean_over_layers():
    layers = LayerAttention(8)
    scores = torch.zeros(2, 4, requires_grad=True)
    alpha = layers.normalise(scores)
    assert (alpha == 0.25).all()
    alpha.sum().backward()
    assert (scores.grad == 0).all()


@given(
    st.lists(st.floats(-10, 10).filter(lambda c: abs(c) > 1e-3), min_size=1, max_size=12),
    st.floats(1e-6, 1e6),
    st.sampled_from([1.0, -1.0]),
)
@settings(deadline=None)
def test_scale_and_sign_of_the_scores_cancel(scores, scale, sign):
    layers = LayerAttention(8)
    c = torch.tensor([scores], dtype=torch.float64)
    alpha = layers.normalise(c)
    assume(abs(c.sum()) > 1e-9)  # at a sum of zero the sign of rounding decides
    torch.testing.assert_close(layers.normalise(sign * scale * c), alpha, rtol=1e-9, atol=1e-12)
    assert float(alpha.abs().sum()) <= 1 / layers.guard + 1e-9
    share = float(c.sum().abs() / c.abs().sum())
    assert float(alpha.sum()) == pytest.approx(min(1.0, share / layers.guard))


@pytest.mark.parametrize(
    "options",
    [{}, {"heads": 4}, {"weights": "softmax"}, {"residual": False, "norm": False}, {"node_attention": False}],
    ids=str,
)
def test_the_lean_form_is_the_literal_form(options):
    torch.manual_seed(3)
    readout = HistoryReadout(8, 12, **options).double()
    with torch.no_grad():
        readout.layers.key.weight.copy_(torch.randn(12, 12))
        for name, parameter in readout.named_parameters():
            if name.endswith("bias"):
                parameter.copy_(torch.randn(parameter.shape))
    readout.layers.guard = 1e-9
    xs, batch = history(layers=6, dtype=torch.float64)
    xs = [x.requires_grad_() for x in xs]
    lean, weights = readout(xs, batch, return_attention=True)
    literal, alpha = literal_readout(readout, xs, batch, len(SIZES))
    torch.testing.assert_close(weights.layers, alpha, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(lean, literal, rtol=1e-9, atol=1e-10)
    probe = torch.randn(lean.shape, dtype=torch.float64)
    for a, b in zip(
        torch.autograd.grad((lean * probe).sum(), [*xs, *readout.parameters()], retain_graph=True, allow_unused=True),
        torch.autograd.grad((literal * probe).sum(), [*xs, *readout.parameters()], allow_unused=True),
        strict=True,
    ):
        torch.testing.assert_close(a, b, rtol=1e-8, atol=1e-8)


def test_the_layer_code_is_equation_2():
    for channels in (8, 7):
        like = torch.empty(0, dtype=torch.float64)
        torch.testing.assert_close(layer_code(65, channels, like), sinusoidal_code(65, channels))


def test_autocast_stays_close_to_float32():
    xs, batch = history(layers=6, channels=16)
    readout = HistoryReadout(16)
    exact = readout(xs, batch)
    with torch.autocast("cpu", torch.bfloat16):
        out, low = readout([x.bfloat16() for x in xs], batch, return_attention=True)
    assert low.layers.dtype == torch.float32
    torch.testing.assert_close(low.layers.sum(1), torch.ones(len(SIZES)), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(out.float(), exact, rtol=0.1, atol=0.1)
    out.float().sum().backward()
    assert all(p.grad.isfinite().all() for p in readout.parameters() if p.grad is not None)


def test_an_unsorted_batch_vector_is_read_correctly():
    xs, batch = history()
    readout = HistoryReadout(8)
    expected = readout(xs, batch)
    order = torch.randperm(len(batch), generator=torch.Generator().manual_seed(0))
    shuffled = [x[order] for x in xs]
    torch.testing.assert_close(readout(shuffled, batch[order]), expected, rtol=1e-5, atol=1e-6)
    sized = readout(shuffled, batch[order], batch_size=len(SIZES), max_num_nodes=max(SIZES))
    torch.testing.assert_close(sized, expected, rtol=1e-5, atol=1e-6)


def test_stored_weights_give_the_same_output(tmp_path):
    from safetensors.torch import load_file, save_file

    xs, batch = history()
    readout, other = HistoryReadout(8, mix=0.3, learn_mix=True), HistoryReadout(8, mix=0.3, learn_mix=True)
    save_file(readout.state_dict(), tmp_path / "readout.safetensors")
    other.load_state_dict(load_file(tmp_path / "readout.safetensors"))
    assert torch.equal(other(xs, batch), readout(xs, batch))


@pytest.mark.parametrize("options", [*OPTIONS, {"level": "node"}], ids=str)
def test_there_is_no_graph_break_in_the_sized_path(options):
    xs, batch = history()
    readout = HistoryReadout(8, **options)
    sizes = {"batch_size": len(SIZES), "max_num_nodes": max(SIZES)}
    torch._dynamo.reset()
    compiled = torch.compile(readout, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(xs, batch, **sizes), readout(xs, batch, **sizes))
    assert torch._dynamo.explain(readout)(xs, batch, **sizes).graph_break_count == 0


def test_it_is_exported_for_any_number_of_nodes():
    xs, batch = history()
    readout = HistoryReadout(8).eval()
    sizes = {"batch_size": len(SIZES), "max_num_nodes": 64}
    nodes = torch.export.Dim("nodes", min=2)
    shapes = {"xs": [{0: nodes}] * len(xs), "batch": {0: nodes}, "batch_size": None, "max_num_nodes": None}
    program = torch.export.export(readout, (xs, batch), sizes, dynamic_shapes=shapes)
    more, other = history((7, 2, 30, 9, 1), seed=5)
    torch.testing.assert_close(program.module()(more, other, **sizes), readout(more, other, **sizes))


def test_too_many_nodes_are_never_dropped_silently():
    xs, batch = history()
    readout = HistoryReadout(8)
    with pytest.raises(ValueError, match=r"40 nodes.*max_num_nodes is 10"):
        readout(xs, batch, batch_size=len(SIZES), max_num_nodes=10)
    torch._dynamo.reset()
    compiled = torch.compile(readout, backend="eager", fullgraph=True)
    out = compiled(xs, batch, batch_size=len(SIZES), max_num_nodes=10)
    assert out[-1].isnan().all()
    assert out[:-1].isfinite().all()


def test_two_trainings_with_one_seed_are_equal():
    results = []
    for _ in range(2):
        torch.manual_seed(7)
        network = Network(dropout=0.5)
        batch = Batch.from_data_list(graphs())
        optimizer = torch.optim.Adam(network.parameters(), 1e-2)
        for _ in range(3):
            optimizer.zero_grad()
            network(batch).square().mean().backward()
            optimizer.step()
        results.append(torch.cat([p.detach().flatten() for p in network.parameters()]))
    assert torch.equal(*results)


def test_gradients():
    xs, batch = history((2, 3), layers=2, channels=4)

    class Positional(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.readout = HistoryReadout(4, mix=0.4, learn_mix=True)

        def forward(self, *xs):
            return self.readout(xs, batch)

    assert_gradcheck(Positional(), *xs)


def test_unequal_widths():
    _, batch = history()
    xs = [torch.randn(len(batch), width, dtype=torch.float64) for width in (3, 8, 5)]
    readout = HistoryReadout([3, 8, 5], 12).double()
    assert readout(xs, batch).shape == (len(SIZES), 12)
    equal = HistoryReadout([8, 8, 8]).double()
    shared = HistoryReadout(8).double()
    weights = shared.state_dict()
    weights |= {f"layers.embed.{i}.{k}": weights[f"layers.embed.0.{k}"] for i in (1, 2) for k in ("weight", "bias")}
    equal.load_state_dict(weights)
    xs, batch = history(layers=3, dtype=torch.float64)
    torch.testing.assert_close(equal(xs, batch), shared(xs, batch), rtol=1e-10, atol=1e-12)


def test_it_learns():
    network, head = Network(), nn.Linear(16, 1)
    batch = Batch.from_data_list(graphs())
    y = torch.arange(len(SIZES), dtype=torch.float32)
    model = nn.ModuleList([network, head])
    assert overfits(model, lambda: (head(network(batch)).squeeze(1) - y).square().mean())


def test_the_weights_tell_what_was_used():
    xs, batch = history()
    readout = HistoryReadout(8, heads=2)
    _, weights = readout(xs, batch, return_attention=True)
    torch.testing.assert_close(weights.layers.sum(1), torch.ones(len(SIZES)))
    shares = torch.zeros(len(SIZES)).index_add(0, batch, weights.nodes)
    torch.testing.assert_close(shares, torch.ones(len(SIZES)))
    _, weights = HistoryReadout(8, node_attention=False)(xs, batch, return_attention=True)
    torch.testing.assert_close(weights.nodes, 1 / torch.tensor(SIZES, dtype=torch.float32)[batch])


def test_node_level_costs_no_dense_attention():
    nodes = 50_000  # a dense 50,000 x 50,000 matrix would need 10 GB
    xs = [torch.randn(nodes, 8) for _ in range(3)]
    assert HistoryReadout(8, level="node")(xs).shape == (nodes, 8)


def test_works_on_a_basic_gnn_without_changing_it():
    gnn = GCN(6, 16, num_layers=3, jk=None)
    before = copy.deepcopy(gnn.state_dict())
    (data,) = graphs((5,))
    xs = layer_outputs(gnn, data.x, data.edge_index)
    assert [x.shape for x in xs] == [(5, 16)] * 3
    HistoryReadout(16)(xs).sum().backward()
    assert gnn.convs[0].lin.weight.grad.abs().sum() > 0
    assert all(torch.equal(value, before[key]) for key, value in gnn.state_dict().items())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: HistoryReadout(8, level="edge"), "'graph' or 'node'"),
        (lambda: HistoryReadout(8, weights="tanh"), "'signed' or 'softmax'"),
        (lambda: HistoryReadout(8, guard=0.0), "guard"),
        (lambda: HistoryReadout(8, heads=3), "divide"),
        (lambda: HistoryReadout(8, mix=1.5), "between 0 and 1"),
        (lambda: HistoryReadout(8, learn_mix=True), "give mix"),
        (lambda: HistoryReadout(8, 4, mix=0.5), "last layer"),
        (lambda: HistoryReadout(8)([]), "empty"),
        (lambda: HistoryReadout(8)([torch.zeros(3, 5)]), r"expected \[3, 8\]"),
        (lambda: HistoryReadout([8, 8])([torch.zeros(3, 8)]), "got 1 layers; this readout was built for 2"),
        (lambda: HistoryReadout(8)([torch.zeros(3, 8)], torch.zeros(2, dtype=torch.long)), "3 nodes"),
        (lambda: HistoryReadout(8)([torch.zeros(3, 8)], torch.tensor([0, 1, 4]), batch_size=2), "names graph 4"),
    ],
)
def test_bad_arguments_say_what_to_change(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@given(st.lists(st.integers(0, 700), max_size=60))
@settings(deadline=None)
def test_groups_hold_every_graph_once(sizes):
    sizes = sorted(sizes)
    runs = group_sizes(sizes)
    covered = [i for first, last in runs for i in range(first, last)]
    assert covered == [i for i, size in enumerate(sizes) if size]


@given(st.lists(st.integers(0, 6), min_size=1, max_size=40))
@settings(deadline=None)
def test_segments_of_any_batch_vector(batch):
    batch = torch.tensor(batch)
    x = torch.randn(len(batch), 3)
    segments = Segments.of(x, batch, None)
    for graph in range(int(batch.max()) + 1):
        members = x[batch == graph]
        expected = members.mean(0) if len(members) else torch.zeros(3)
        torch.testing.assert_close(segments.mean(x)[graph], expected)
    nodes = torch.cat([group.nodes[group.filled] for group in segments.padded()])
    assert sorted(nodes.tolist()) == list(range(len(batch)))


def test_heterogeneous_graphs_through_to_hetero():
    """Layer outputs of all node types side by side, and their batch vectors: the readout needs no sorted batch."""

    class Layers(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = SAGEConv((-1, -1), 8), SAGEConv((-1, -1), 8)

        def forward(self, x, edge_index):
            one = self.first(x, edge_index).relu()
            return [one, self.second(one, edge_index).relu()]

    def protein(atoms, residues):
        data = HeteroData()
        data["atom"].x, data["residue"].x = torch.randn(atoms, 3), torch.randn(residues, 5)
        owner = torch.arange(atoms) % residues
        data["atom", "in", "residue"].edge_index = torch.stack([torch.arange(atoms), owner])
        data["residue", "has", "atom"].edge_index = torch.stack([owner, torch.arange(atoms)])
        return data

    torch.manual_seed(0)
    proteins = [protein(4, 2), protein(6, 3)]
    network, readout = to_hetero(Layers(), proteins[0].metadata()), HistoryReadout(8)

    def predict(data):
        history = network(data.x_dict, data.edge_index_dict)
        batch = torch.cat([data[kind].batch for kind in data.node_types])
        return readout([torch.cat([x[kind] for kind in data.node_types]) for x in history], batch)

    together = predict(Batch.from_data_list(proteins))
    for i, data in enumerate(proteins):
        torch.testing.assert_close(predict(Batch.from_data_list([data]))[0], together[i], rtol=1e-5, atol=1e-6)
