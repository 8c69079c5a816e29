"""Post-hoc mode: a frozen network, its activations kept, only the head trained."""

from __future__ import annotations

import copy

import pytest
import torch
from history_helpers import graphs
from safetensors.torch import save_file
from torch import nn
from torch_geometric.loader import DataLoader
from torch_geometric.nn import GCN, GIN

from graphlearn.nn import FrozenBackbone, HistoryCache, HistoryReadout, layer_outputs


@pytest.fixture
def backbone():
    torch.manual_seed(0)
    return GIN(6, 16, num_layers=3, norm="batch_norm")


@pytest.fixture
def labelled():
    data = graphs()
    for i, graph in enumerate(data):
        graph.y = torch.tensor([i])
    return data


def train(head, readout, batches, steps=5):
    """A few steps of the head; the losses."""
    optimizer = torch.optim.Adam([*head.parameters(), *readout.parameters()], 1e-2)
    losses = []
    for _ in range(steps):
        for xs, batch, y in batches:
            loss = nn.functional.cross_entropy(head(readout(xs, batch)), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
    return losses


@pytest.mark.parametrize("on_disk", [False, True])
def test_a_head_on_the_cache_learns_as_on_the_live_network(backbone, labelled, tmp_path, on_disk):
    frozen = FrozenBackbone(backbone)
    loader = DataLoader(labelled, batch_size=2)
    cache = HistoryCache.record(frozen, loader, folder=tmp_path / "cache" if on_disk else None)
    torch.manual_seed(1)
    head, readout = nn.Linear(16, 5), HistoryReadout(16)
    live = [(frozen(b.x, b.edge_index), b.batch, b.y) for b in loader]
    kept = [(cache.layers(b), b.batch, b.y) for b in DataLoader(cache, batch_size=2)]
    for (xs, batch, y), (zs, other, target) in zip(live, kept, strict=True):
        assert all(torch.equal(x, z) for x, z in zip(xs, zs, strict=True))
        assert torch.equal(batch, other)
        assert torch.equal(y, target)
    first = train(copy.deepcopy(head), copy.deepcopy(readout), live)
    assert train(head, readout, kept) == first
    assert first[-1] < first[0]


def test_a_frozen_backbone_gets_no_gradient_and_keeps_its_statistics(backbone, labelled):
    before = copy.deepcopy(backbone.state_dict())
    model = nn.ModuleDict({"backbone": FrozenBackbone(backbone), "readout": HistoryReadout(16)}).train()
    assert model["readout"].training
    assert not any(m.training for m in model["backbone"].modules())
    batch = next(iter(DataLoader(labelled, batch_size=5)))
    model["readout"](model["backbone"](batch.x, batch.edge_index), batch.batch).sum().backward()
    assert all(p.grad is None for p in backbone.parameters())
    assert model["readout"].layers.query.weight.grad.abs().sum() > 0
    for key, value in backbone.state_dict().items():
        assert torch.equal(value, before[key]), key


def test_half_precision_halves_the_size_and_stays_close(backbone, labelled, tmp_path):
    frozen, loader = FrozenBackbone(backbone), DataLoader(labelled, batch_size=5)
    exact = HistoryCache.record(frozen, loader, folder=tmp_path / "a")
    half = HistoryCache.record(frozen, loader, folder=tmp_path / "b", dtype=torch.bfloat16)
    sizes = [(tmp_path / name / "history.bin").stat().st_size for name in ("a", "b")]
    assert sizes[0] == 2 * sizes[1]
    for i in range(len(labelled)):
        torch.testing.assert_close(half[i].history.float(), exact[i].history, rtol=1e-2, atol=1e-2)
        assert int(half[i].y) == i


def test_a_folder_is_opened_again(backbone, labelled, tmp_path):
    loader = DataLoader(labelled, batch_size=2)
    cache = HistoryCache.record(FrozenBackbone(backbone), loader, folder=tmp_path / "cache")
    again = HistoryCache.load(tmp_path / "cache")
    assert len(again) == len(labelled)
    assert again.channels == [16, 16, 16]
    assert torch.equal(again[2].history, cache[2].history)
    assert int(again[-1].y) == len(labelled) - 1
    with pytest.raises(IndexError):
        again[len(labelled)]


def test_errors(backbone, labelled, tmp_path):
    loader = DataLoader(labelled, batch_size=2)
    with pytest.raises(ValueError, match="FrozenBackbone"):
        HistoryCache.record(backbone, loader)
    with pytest.raises(ValueError, match="int8"):
        HistoryCache.record(FrozenBackbone(backbone), loader, dtype=torch.int8)
    with pytest.raises(ValueError, match="no batch"):
        HistoryCache.record(FrozenBackbone(backbone), [])
    with pytest.raises(ValueError, match="'z' does not have one row per graph"):
        HistoryCache.record(FrozenBackbone(backbone), loader, keep=("z",))
    with pytest.raises(ValueError, match="rename it"):
        HistoryCache.record(FrozenBackbone(backbone), loader, keep=("counts",))
    HistoryCache.record(FrozenBackbone(backbone), loader, folder=tmp_path / "cache")
    (tmp_path / "cache/history.bin").write_bytes(b"short")
    with pytest.raises(ValueError, match="record it again"):
        HistoryCache.load(tmp_path / "cache")
    with pytest.raises(ValueError, match="record it again"):
        HistoryCache.load(tmp_path / "nothing")


DESCRIPTION = '{"schema_version": 1, "dtype": "float32", "channels": %s}'


@pytest.mark.parametrize(
    ("description", "message"),
    [
        ("[" * 200_000, "recursion depth"),
        ("[1]", "does not give the channels"),
        ("null", "does not give the channels"),
        (DESCRIPTION % '["a"]', "does not give the channels"),
        (DESCRIPTION % "[-16, 64]", "does not give the channels"),
        (DESCRIPTION % "[1e400]", "does not give the channels"),
        (" " * 2**21, "too large"),
        ('{"dtype": [], "channels": [16, 16, 16]}', "unhashable"),
    ],
    ids=["deep", "list", "null", "text", "negative", "infinite", "large", "dtype"],
)
def test_a_hostile_description_is_refused_in_words(backbone, labelled, tmp_path, description, message):
    HistoryCache.record(FrozenBackbone(backbone), DataLoader(labelled, batch_size=2), folder=tmp_path)
    (tmp_path / "history.json").write_text(description)
    with pytest.raises(ValueError, match=f"{message}.*record it again"):
        HistoryCache.load(tmp_path)


@pytest.mark.parametrize(
    "tables",
    [{"counts": torch.tensor([-1, 3])}, {"counts": torch.tensor([1.5])}, {"counts": torch.tensor(3)},
     {"counts": torch.tensor([2, 1]), "y": torch.ones(1)}, {"counts": torch.tensor([2, 1]), "y": torch.tensor(1)}],
    ids=["negative", "fraction", "scalar", "rows", "scalar table"],
)  # fmt: skip
def test_hostile_tables_of_a_cache_are_refused_in_words(tmp_path, tables):
    (tmp_path / "history.json").write_text(DESCRIPTION % "[2]")
    (tmp_path / "history.bin").write_bytes(bytes(24))
    save_file(tables, tmp_path / "graphs.safetensors")
    with pytest.raises(ValueError, match=r"(counts are not|does not have) one .* for each graph.*record it again"):
        HistoryCache.load(tmp_path)


def test_an_interrupted_recording_is_not_a_cache(backbone, labelled, tmp_path):
    def broken():
        yield from list(DataLoader(labelled, batch_size=2))[:1]
        raise KeyboardInterrupt

    HistoryCache.record(FrozenBackbone(backbone), DataLoader(labelled, batch_size=2), folder=tmp_path / "cache")
    with pytest.raises(KeyboardInterrupt):
        HistoryCache.record(FrozenBackbone(backbone), broken(), folder=tmp_path / "cache")
    with pytest.raises(ValueError, match="record it again"):
        HistoryCache.load(tmp_path / "cache")


def test_layer_outputs_are_those_of_the_network(backbone, labelled):
    data = labelled[2]
    gnn = GCN(6, 16, num_layers=3).eval()
    assert torch.equal(layer_outputs(gnn, data.x, data.edge_index)[-1], gnn(data.x, data.edge_index))
    chosen = layer_outputs(backbone.eval(), data.x, data.edge_index, layers=list(backbone.norms))
    assert [x.shape for x in chosen] == [(8, 16)] * 2  # the last layer of a BasicGNN has no norm
    assert not backbone.convs[0]._forward_hooks
    torch._dynamo.reset()
    compiled = torch.compile(gnn, backend="eager")
    with torch.no_grad():
        compiled(data.x, data.edge_index)
    assert len(layer_outputs(compiled, data.x, data.edge_index)) == 3
    with pytest.raises(ValueError, match="layers="):
        layer_outputs(nn.Linear(6, 2), data.x)
