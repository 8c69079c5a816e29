"""The same layers, the same numbers, on DGL graphs."""

from __future__ import annotations

import pytest
import torch
from history_helpers import graphs
from hypothesis import given, settings, strategies as st
from torch import nn
from torch_geometric.data import Batch, Data, HeteroData
from torch_geometric.nn import GATConv, GCNConv, GINConv, JumpingKnowledge
from torch_geometric.nn.conv.gcn_conv import gcn_norm

from graphlearn.nn import EdgeRotation, HistoryReadout, JumpingReadout, SO2Attention, layer_outputs

dgl = pytest.importorskip("dgl", reason="needs the extra graphlearn[dgl]")
pytestmark = pytest.mark.dgl

from graphlearn.interop.dgl import attend, batch_vector, from_dgl, read_out, to_dgl  # noqa: E402


@pytest.fixture
def batch():
    return Batch.from_data_list(graphs())


@st.composite
def any_graph(draw):
    n = draw(st.integers(1, 8))
    edges = draw(st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=20))
    edge_index = torch.tensor(edges, dtype=torch.long).reshape(-1, 2).T
    return Data(x=torch.randn(n, 3), edge_index=edge_index, edge_attr=torch.randn(len(edges), 2), z=torch.arange(n))


@given(any_graph())
@settings(deadline=None, max_examples=50)
def test_round_trip_of_any_graph(data):
    back = from_dgl(to_dgl(data))
    assert back.num_nodes == data.num_nodes
    for key in ("x", "edge_index", "edge_attr", "z"):
        assert torch.equal(back[key], data[key]), key


@given(st.lists(any_graph(), min_size=2, max_size=5))
@settings(deadline=None, max_examples=30)
def test_round_trip_of_any_batch(data):
    batch = Batch.from_data_list(data)
    graph = to_dgl(batch)
    assert graph.batch_size == len(data)
    back = from_dgl(graph)
    for key in ("x", "edge_index", "edge_attr", "batch", "ptr"):
        assert torch.equal(back[key], batch[key]), key
    assert back.num_graphs == batch.num_graphs
    for part, single in zip(dgl.unbatch(graph), data, strict=True):
        assert torch.equal(from_dgl(part).edge_index, single.edge_index)


def test_round_trip_of_a_heterogeneous_graph():
    data = HeteroData()
    data["atom"].x, data["residue"].x = torch.randn(4, 2), torch.randn(2, 3)
    data["atom", "in", "residue"].edge_index = torch.tensor([[0, 1, 2, 3], [0, 0, 1, 1]])
    data["residue", "next", "residue"].edge_index = torch.tensor([[0], [1]])
    back = from_dgl(to_dgl(data))
    assert torch.equal(back["atom"].x, data["atom"].x)
    assert torch.equal(back["atom", "in", "residue"].edge_index, data["atom", "in", "residue"].edge_index)


def test_round_trip_of_a_batch_of_heterogeneous_graphs():
    def one(atoms, residues):
        data = HeteroData()
        data["atom"].x, data["residue"].x = torch.randn(atoms, 2), torch.randn(residues, 3)
        owner = torch.arange(atoms) % residues
        data["atom", "in", "residue"].edge_index = torch.stack([torch.arange(atoms), owner])
        return data

    batch = Batch.from_data_list([one(4, 2), one(3, 1)])
    graph = to_dgl(batch)
    assert [part.num_nodes("atom") for part in dgl.unbatch(graph)] == [4, 3]
    back = from_dgl(graph)
    for kind in ("atom", "residue"):
        assert torch.equal(back[kind].x, batch[kind].x)
        assert torch.equal(back[kind].batch, batch[kind].batch)


def test_graphs_that_are_not_pyg_batches():
    data = Data(x=torch.randn(3, 2), edge_index=torch.tensor([[0, 2], [1, 2]]), batch=torch.tensor([0, 0, 1]))
    assert to_dgl(data).batch_size == 2
    data.edge_index = data.edge_index.flip(1)
    with pytest.raises(ValueError, match="sort the edges"):
        to_dgl(data)
    single = Data(x=torch.randn(1, 2), edge_index=torch.zeros(2, 0, dtype=torch.long), y=torch.tensor([1]))
    assert set(to_dgl(single).ndata) == {"x"}


def test_empty_graphs_of_a_batch_are_kept():
    graph = dgl.batch([dgl.rand_graph(3, 4), dgl.graph(([], [])), dgl.rand_graph(2, 1)])
    vector, size = batch_vector(graph)
    assert vector.tolist() == [0, 0, 0, 2, 2]
    assert size == 3
    assert (read_out(HistoryReadout(4), graph, [torch.randn(5, 4)] * 2)[1] == 0).all()


def test_an_unsorted_batch_is_refused(batch):
    batch.batch = batch.batch.flip(0)
    with pytest.raises(ValueError, match="sort the nodes"):
        to_dgl(batch)


def test_history_readout_gives_the_same_numbers(batch):
    torch.manual_seed(0)
    gnn = nn.ModuleList(GINConv(nn.Linear(a, 8)) for a in (6, 8, 8))
    peer = [dgl.nn.GINConv(conv.nn, "sum") for conv in gnn]
    readout, graph = HistoryReadout(8), to_dgl(batch)
    x, y, xs, ys = batch.x, graph.ndata["x"], [], []
    for ours, theirs in zip(gnn, peer, strict=True):
        x, y = ours(x, batch.edge_index), theirs(graph, y)
        xs.append(x)
        ys.append(y)
    expected = readout(xs, batch.batch)
    torch.testing.assert_close(read_out(readout, graph, ys), expected, rtol=1e-5, atol=1e-6)
    _, weights = read_out(readout, graph, ys, return_attention=True)
    assert weights.layers.shape == (len(expected), 3)


def test_mean_and_jumping_readouts_equal_dgl_pooling(batch):
    graph = to_dgl(batch)
    xs = [torch.randn(batch.num_nodes, 8) for _ in range(3)]
    for aggr, pool in (("mean", dgl.nn.AvgPooling()), ("max", dgl.nn.MaxPooling()), ("sum", dgl.nn.SumPooling())):
        torch.testing.assert_close(read_out(JumpingReadout(8, 3, aggr=aggr), graph, xs), pool(graph, xs[-1]))
    torch.testing.assert_close(JumpingKnowledge("max")(xs), dgl.nn.JumpingKnowledge("max")(xs))
    expected = dgl.nn.AvgPooling()(graph, dgl.nn.JumpingKnowledge("max")(xs))
    torch.testing.assert_close(read_out(JumpingReadout(8, 3, jk="max"), graph, xs), expected)


def test_so2_attention_gives_the_same_numbers(batch):
    torch.manual_seed(0)
    attention = SO2Attention(2, 8, 4, edge_scalars=3, heads=2, alpha_channels=4)
    vectors, scalars = torch.randn(batch.num_edges, 3), torch.randn(batch.num_edges, 3)
    x = torch.randn(batch.num_nodes, 9, 8)
    expected = attention(x, batch.edge_index, EdgeRotation(vectors, 2), scalars)
    graph = to_dgl(batch)
    assert torch.equal(attend(attention, graph, x, vectors, scalars), expected)
    reverse = dgl.graph((graph.edges()[1], graph.edges()[0]), num_nodes=batch.num_nodes)
    assert not torch.allclose(attend(attention, reverse, x, vectors, scalars), expected, atol=1e-3)


def test_reference_convolutions_agree(batch):
    """PyG's and DGL's own layers give the same numbers on a converted graph: edges point the same way."""
    torch.manual_seed(0)
    graph = to_dgl(batch)
    gcn, peer = GCNConv(6, 5, bias=False), dgl.nn.GraphConv(6, 5, norm="none", bias=False, allow_zero_in_degree=True)
    with torch.no_grad():
        peer.weight.copy_(gcn.lin.weight.T)
    _, weight = gcn_norm(batch.edge_index, None, batch.num_nodes, add_self_loops=False)
    gcn.normalize = False
    expected = gcn(batch.x, batch.edge_index, weight)
    torch.testing.assert_close(peer(graph, batch.x, edge_weight=weight), expected, rtol=1e-5, atol=1e-6)
    gat, theirs = GATConv(6, 4, heads=2, add_self_loops=False), dgl.nn.GATConv(6, 4, 2, allow_zero_in_degree=True)
    with torch.no_grad():
        theirs.fc.weight.copy_(gat.lin.weight)
        theirs.attn_l.copy_(gat.att_src)
        theirs.attn_r.copy_(gat.att_dst)
        theirs.bias.copy_(gat.bias)
    torch.testing.assert_close(theirs(graph, batch.x).flatten(1), gat(batch.x, batch.edge_index), rtol=1e-5, atol=1e-6)


def test_layer_outputs_work_on_dgl_networks(batch):
    """Any module can be tapped by naming its layers."""
    graph = to_dgl(batch)
    layers = nn.ModuleList(dgl.nn.GraphConv(a, 8, allow_zero_in_degree=True) for a in (6, 8))

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = layers

        def forward(self, graph, x):
            for layer in self.layers:
                x = layer(graph, x).relu()
            return x

    xs = layer_outputs(Network(), graph, batch.x, layers=list(layers))
    assert read_out(HistoryReadout(8), graph, xs).shape == (batch.num_graphs, 8)
