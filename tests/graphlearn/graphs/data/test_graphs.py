"""Readers of graph data sets: real files, written-out files, damaged files; splits."""

from __future__ import annotations

import dataclasses
import io
import json
import tarfile
import zipfile

import numpy as np
import pytest
import torch
from graph_files import write_dgcnn
from hypothesis import given, settings, strategies as st
from torch_geometric.data import Data
from torch_geometric.loader import DataLoader

from graphlearn.base.errors import InputError
from graphlearn.datasets.graphs import GraphTable, load_citations, load_moleculenet, load_tu
from graphlearn.graphs.data.moleculenet import read_smiles_table
from graphlearn.graphs.data.planetoid import read_citations
from graphlearn.graphs.data.prepared import fold_file
from graphlearn.graphs.data.splits import (
    load_folds,
    nested_split,
    scaffold_split,
    stratified_folds,
)
from graphlearn.graphs.data.tu import read_dgcnn, read_tu_folder


@st.composite
def tables(draw):
    """Random undirected graphs with three node labels; nodes without edges and single nodes included."""
    graphs = []
    for _ in range(draw(st.integers(1, 6))):
        n = draw(st.integers(1, 6))
        pairs = st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)).filter(lambda p: p[0] < p[1])
        edges = sorted(draw(st.sets(pairs, max_size=8))) if n > 1 else []
        both = torch.tensor(sorted([*edges, *((b, a) for a, b in edges)]), dtype=torch.long).reshape(-1, 2).T
        tags = torch.tensor(draw(st.lists(st.integers(0, 2), min_size=n, max_size=n)))
        label = torch.tensor([draw(st.integers(0, 1))])
        graphs.append(Data(x=torch.nn.functional.one_hot(tags, 3).float(), edge_index=both, y=label))
    every = Data(x=torch.eye(3), edge_index=torch.zeros(2, 0, dtype=torch.long), y=torch.tensor([0]))
    return GraphTable.from_graphs("RANDOM", [*graphs, every])


def write_tu(folder, name, table, tags):
    folder.mkdir(exist_ok=True)
    offset = torch.repeat_interleave(table.counts.cumsum(0) - table.counts, table.edge_counts)
    edges = (table.edge_index + offset + 1).T.tolist()
    (folder / f"{name}_A.txt").write_text("".join(f"{a}, {b}\n" for a, b in edges))
    owner = torch.repeat_interleave(torch.arange(len(table)), table.counts) + 1
    (folder / f"{name}_graph_indicator.txt").write_text("\n".join(map(str, owner.tolist())) + "\n")
    (folder / f"{name}_graph_labels.txt").write_text("\n".join(map(str, table.y.tolist())) + "\n")
    (folder / f"{name}_node_labels.txt").write_text("\n".join(map(str, tags.tolist())) + "\n")


def same(a, b):
    return (
        torch.equal(a.x, b.x)
        and torch.equal(a.edge_index, b.edge_index)
        and torch.equal(a.counts, b.counts)
        and torch.equal(a.edge_counts, b.edge_counts)
    )


@given(tables())
@settings(deadline=None, max_examples=40)
def test_dgcnn_round_trip(tmp_path_factory, table):
    path = tmp_path_factory.mktemp("dgcnn") / "RANDOM.txt"
    tags = table.x.argmax(1)
    write_dgcnn(path, table, tags)
    read = read_dgcnn(path)
    assert same(read, table)
    classes = table.y.unique(return_inverse=True)[1]  # the format numbers the classes that there are
    assert read.fingerprint() == dataclasses.replace(table, y=classes).fingerprint()


def test_tu_folder_and_dgcnn_agree(tmp_path):
    generator = torch.Generator().manual_seed(0)
    graphs = []
    for n in (4, 3, 6):
        chain = torch.stack([torch.arange(n - 1), torch.arange(1, n)])
        edges = torch.cat([chain, chain.flip(0)], 1)
        edges = edges[:, (edges[0] * n + edges[1]).argsort()]
        x = torch.nn.functional.one_hot(torch.randint(0, 3, (n,), generator=generator), 3).float()
        graphs.append(Data(x=x, edge_index=edges, y=torch.tensor([n % 2])))
    table = GraphTable.from_graphs("SMALL", graphs)
    tags = table.x.argmax(1)
    write_dgcnn(tmp_path / "SMALL.txt", table, tags)
    write_tu(tmp_path / "raw", "SMALL", table, tags)
    raw = read_tu_folder(tmp_path / "raw", "SMALL")
    assert same(raw, read_dgcnn(tmp_path / "SMALL.txt"))
    assert raw.fingerprint() == table.fingerprint()


def test_tu_folder_without_node_labels_and_with_edgeless_graphs(tmp_path):
    (tmp_path / "BARE_A.txt").write_text("1, 2\n2, 1\n2, 3\n3, 2\n")
    (tmp_path / "BARE_graph_indicator.txt").write_text("1\n1\n1\n2\n3\n3\n")
    (tmp_path / "BARE_graph_labels.txt").write_text("1\n-1\n1\n")
    table = load_tu("BARE", tmp_path)
    assert table.counts.tolist() == [3, 1, 2]
    assert table.edge_counts.tolist() == [4, 0, 0]
    assert table.y.tolist() == [1, 0, 1]
    assert table.x.argmax(1).tolist() == [1, 2, 1, 0, 0, 0]
    assert table.batch(torch.tensor([2, 0])).num_nodes == 5
    (tmp_path / "BARE_graph_labels.txt").write_text("1\n-1\n")
    with pytest.raises(InputError, match="do not fit together"):
        load_tu("BARE", tmp_path)


def test_names_are_found_without_dashes(tmp_path):
    (tmp_path / "MYSET").mkdir()
    (tmp_path / "MYSET/MYSET.txt").write_text("1\n1 0\n0 0\n")
    assert load_tu("MY-SET", tmp_path).name == "MY-SET"


def test_what_a_graph_lacks_is_named():
    whole = {"x": torch.ones(1, 1), "edge_index": torch.zeros(2, 0, dtype=torch.long), "y": torch.tensor([0])}
    for key in whole:
        with pytest.raises(ValueError, match=f"no {key}"):
            GraphTable.from_graphs("A", [Data(**{k: v for k, v in whole.items() if k != key}, num_nodes=1)])
    many = GraphTable.from_graphs("A", [Data(**{**whole, "y": torch.tensor([[0, 1]])})])
    assert many.y.is_floating_point()
    with pytest.raises(ValueError, match="one entry per graph"):
        GraphTable("A", whole["x"], whole["edge_index"], torch.tensor([1]), torch.tensor([0]), torch.tensor([0, 1]))


@given(tables(), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=40)
def test_batches_are_those_of_pyg(table, random):
    chosen = [random.randrange(len(table)) for _ in range(4)]
    ours = table.batch(torch.tensor(chosen))
    theirs = next(iter(DataLoader([table.graph(i) for i in chosen], batch_size=4)))
    for key in ("x", "edge_index", "batch", "ptr", "y"):
        assert torch.equal(ours[key], theirs[key]), key
    assert ours.num_graphs == theirs.num_graphs


@pytest.mark.parametrize(
    ("name", "graphs", "classes", "nodes", "edges", "features"),
    [
        ("MUTAG", 188, [63, 125], 17.93, 19.79, 7),
        ("PTC", 344, [192, 152], 25.56, 25.96, 19),
        ("PROTEINS", 1113, [663, 450], 39.06, 72.82, 3),
        ("ENZYMES", 600, [100] * 6, 32.63, 62.14, 3),
        ("IMDB-BINARY", 1000, [500, 500], 19.77, 96.53, 136),
        ("IMDB-MULTI", 1500, [500] * 3, 13.00, 65.94, 89),
        ("NCI1", 4110, [2053, 2057], 29.87, 32.30, 37),
        ("NCI109", 4127, [2048, 2079], 29.68, 32.13, 38),
    ],
)
def test_published_counts(data_folder, name, graphs, classes, nodes, edges, features):
    table = load_tu(name, data_folder / "tu")
    assert len(table) == graphs
    assert table.y.bincount().tolist() == classes
    assert float(table.counts.float().mean()) == pytest.approx(nodes, abs=0.005)
    assert float(table.edge_counts.float().mean()) / 2 == pytest.approx(edges, abs=0.005)
    assert table.x.size(1) == features


def test_the_official_files_of_enzymes_are_the_same_graphs(data_folder, tmp_path):
    with tarfile.open(data_folder / "tu/ENZYMES.raw-tu.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    raw, text = read_tu_folder(tmp_path / "ENZYMES", "ENZYMES"), load_tu("ENZYMES", data_folder / "tu")
    assert raw.fingerprint() == text.fingerprint()
    assert torch.equal(raw.x, text.x)
    assert load_tu("ENZYMES", tmp_path / "ENZYMES").fingerprint() == raw.fingerprint()
    with_attributes = read_tu_folder(tmp_path / "ENZYMES", "ENZYMES", attributes=True)
    assert with_attributes.x.shape == (19580, 18 + 3)


@pytest.mark.parametrize("name", ["MUTAG", "PTC", "PROTEINS", "NCI1", "ENZYMES", "IMDB-BINARY", "IMDB-MULTI"])
def test_stored_folds_partition_the_set_and_are_stratified(data_folder, name):
    table = load_tu(name, data_folder / "tu")
    folds = load_folds(fold_file(name), table)
    assert torch.equal(folds, stratified_folds(table.y, seed=0))
    tested = torch.cat([nested_split(folds, k).test for k in range(10)])
    assert torch.equal(tested.sort().values, torch.arange(len(table)))
    for k in range(10):
        split = nested_split(folds, k)
        assert torch.cat(split).sort().values.tolist() == list(range(len(table)))
        counts = table.y[split.test].bincount(minlength=table.num_outputs)
        expected = table.y.bincount() / 10
        assert ((counts - expected).abs() <= 1).all()


def test_scaffold_split_is_the_stored_one(data_folder):
    """Graphs and split rebuilt from the SMILES of BBBP agree with those that were stored."""
    stored, split = load_moleculenet("bbbp", data_folder / "moleculenet")
    rebuilt, again = read_smiles_table(data_folder / "moleculenet/BBBP.csv.gz", "bbbp", targets=("p_np",))
    assert torch.equal(rebuilt.counts, stored.counts)
    assert torch.equal(rebuilt.y, stored.y)
    assert [len(part) for part in split] == [1631, 204, 204]
    assert [part.sort().values.tolist() for part in again] == [part.tolist() for part in split]


def test_published_counts_of_hiv(data_folder):
    table, split = load_moleculenet("hiv", data_folder / "moleculenet")
    assert len(table) == 41127
    assert [int(table.y[part].sum()) for part in split] == [1232, 81, 130]


def test_citations(data_folder):
    data = load_citations("Cora", data_folder / "planetoid")
    assert data.x.shape == (2708, 1433)
    assert data.edge_index.shape == (2, 2 * 5278)
    assert [int(data[f"{part}_mask"].sum()) for part in ("train", "val", "test")] == [140, 500, 1000]


def test_a_scaffold_is_in_one_part_only():
    rings = {"benzene": ["c1ccccc1C", "c1ccccc1CC", "c1ccccc1O"], "cyclohexane": ["C1CCCCC1", "C1CCCCC1C"]}
    none = ["CCO", "CCC", "CC", "CCCO"]
    smiles = [*rings["benzene"], *rings["cyclohexane"], *none, "c1ccncc1"]
    split = scaffold_split(smiles, (0.5, 0.3))
    parts = [set(part.tolist()) for part in split]
    assert parts[0] >= {5, 6, 7, 8}  # the largest set of one scaffold comes first
    assert sorted(torch.cat(split).tolist()) == list(range(10))
    for group in ({0, 1, 2}, {3, 4}, {5, 6, 7, 8}):
        assert sum(group <= part for part in parts) == 1


def test_smiles_table(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("name,smiles,a,b\nx,CCO,1,\ny,not a molecule,0,1\nz,c1ccccc1,0,1\n")
    table, _ = read_smiles_table(path, "mine")
    assert len(table) == 2
    np.testing.assert_array_equal(table.y.numpy(), [[1, np.nan], [0, 1]])
    with pytest.raises(InputError, match="no column c; the columns are name, smiles, a, b"):
        read_smiles_table(path, "mine", targets=("c",))
    path.write_bytes(b"\xef\xbb\xbfsmiles,a\nCCO,1\n")
    assert len(read_smiles_table(path, "mine")[0]) == 1
    path.write_text("smiles,a\nCCO,yes\n")
    with pytest.raises(InputError, match="line 2: a target is not a number"):
        read_smiles_table(path, "mine")
    with pytest.raises(InputError, match="leave out what RDKit cannot read"):
        scaffold_split(["CCO", "nonsense"])
    path.write_text("smiles,a\nnonsense,1\n")
    with pytest.raises(InputError, match="none of the 1 SMILES"):
        read_smiles_table(path, "mine")


@pytest.mark.parametrize(
    "text",
    ["", "0\n", "two\n", "1\n2 0\n0 1 1\n", "1\n2 0\n0 1 5\n0 0\n", "1\n1 0\n0 2 0\n", "1\n1 0\n0 0\n0 0\n"],
    ids=["empty", "no graphs", "no number", "cut off", "unknown neighbour", "wrong degree", "too long"],
)
def test_damaged_dgcnn_files(tmp_path, text):
    path = tmp_path / "BAD.txt"
    path.write_text(text)
    with pytest.raises(InputError, match="not readable as a DGCNN graph file"):
        read_dgcnn(path)


@given(st.binary(max_size=200))
@settings(deadline=None, max_examples=40)
def test_any_bytes_give_a_clean_error(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("fuzz")
    for name, read in (
        ("X.txt", read_dgcnn),
        ("X.tar.xz", read_dgcnn),
        ("x.npz", read_citations),
        ("x.json", lambda path: load_folds(path, None)),
        ("x.csv.gz", lambda path: read_smiles_table(path, "mine")),
    ):
        (folder / name).write_bytes(content)
        with pytest.raises(InputError):
            read(folder / name)


def test_folds_of_another_copy_are_refused(tmp_path):
    graphs = [
        Data(x=torch.ones(n, 1), edge_index=torch.zeros(2, 0, dtype=torch.long), y=torch.tensor([n % 2]))
        for n in range(1, 9)
    ]
    table, other = GraphTable.from_graphs("A", graphs), GraphTable.from_graphs("A", graphs[::-1])
    folds = stratified_folds(table.y, folds=4)
    digits = "".join(map(str, folds.tolist()))
    (tmp_path / "a.json").write_text(json.dumps({"folds": digits, "fingerprint": table.fingerprint()}))
    assert torch.equal(load_folds(tmp_path / "a.json", table), folds)
    with pytest.raises(InputError, match=r"another copy of A .*data.folds"):
        load_folds(tmp_path / "a.json", other)
    with pytest.raises(InputError, match="the smallest class has 4"):
        stratified_folds(table.y, folds=5)


@pytest.mark.parametrize("load", [load_tu, load_moleculenet, load_citations])
def test_a_missing_set_says_where_to_put_it(tmp_path, monkeypatch, load):
    def offline(url, timeout):
        raise OSError("no network")

    monkeypatch.setattr("graphlearn.base.download.urlopen", offline)
    with pytest.raises(InputError, match=r"download failed .*put its files there"):
        load("NOTHERE", tmp_path)
    with pytest.raises(InputError, match=r"'\.\./up' is no name of a"):
        load("../up", tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("load", "place"),
    [(load_tu, "SET"), (load_moleculenet, "bbbp"), (load_citations, "Cora")],
    ids=["tu", "moleculenet", "citations"],
)
@pytest.mark.parametrize("file", ["processed/data.pt", "processed/pre_filter.pt", "data.pkl"])
def test_pickles_of_pyg_are_refused_by_name(tmp_path, load, place, file):
    path = tmp_path / place / file
    path.parent.mkdir(parents=True)
    torch.save({"x": torch.ones(1)}, path)
    with pytest.raises(InputError, match=f"{path}: this is a pickle, which runs code.*raw files"):
        load(place, tmp_path)


def served(monkeypatch, files):
    """Answer downloads from a table of contents by the end of the address."""
    asked = []

    def urlopen(url, timeout):
        asked.append(url)
        return io.BytesIO(files[url.rpartition("/")[2]])

    monkeypatch.setattr("graphlearn.base.download.urlopen", urlopen)
    return asked


def test_text_files_are_downloaded_once_and_kept_where_pyg_keeps_them(tmp_path, monkeypatch):
    parts = {"A": "1, 2\n2, 1\n", "graph_indicator": "1\n1\n2\n", "graph_labels": "1\n-1\n"}
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as content:
        for part, text in parts.items():
            content.writestr(f"NEW/NEW_{part}.txt", text)
        content.writestr("../../NEW_up.txt", "1\n")
    asked = served(monkeypatch, {"NEW.zip": archive.getvalue(), "BBBP.csv": b"smiles,p_np\nCCO,1\nc1ccccc1,0\n"})
    for _ in range(2):
        assert load_tu("NEW", tmp_path).counts.tolist() == [2, 1]
        assert load_moleculenet("bbbp", tmp_path)[0].y.tolist() == [[1.0], [0.0]]
    assert len(asked) == 2
    assert all(url.startswith("https://") for url in asked)
    found = {str(f.relative_to(tmp_path)) for f in tmp_path.rglob("*.*")}
    assert found == {*(f"NEW/raw/NEW_{part}.txt" for part in parts), "bbbp/raw/BBBP.csv"}


def test_downloads_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setenv("GRAPHLEARN_MAX_UNPACKED_MB", "0.001")
    served(monkeypatch, {"BBBP.csv": b"x" * 2000})
    with pytest.raises(InputError, match=r"BBBP\.csv: holds more than 0\.001 MB when unpacked"):
        load_moleculenet("bbbp", tmp_path)


@pytest.mark.parametrize(
    ("part", "text", "message"),
    [
        ("A", "1, 5\n", "an edge leaves its graph"),
        ("A", "1, 3\n", "an edge leaves its graph"),
        ("A", "", "A is empty"),
        ("graph_indicator", "1\n1\n1000000000000\n", "does not number 2 graphs"),
        ("graph_indicator", "2\n1\n1\n", "does not number 2 graphs"),
        ("node_labels", "0\n1\n1000000000\n", "one-hot labels: holds more than"),
        ("node_labels", "0\nx\n1\n", "could not convert"),
    ],
)
def test_tu_files_that_do_not_fit_together(tmp_path, part, text, message):
    parts = {"A": "1, 2\n", "graph_indicator": "1\n1\n2\n", "graph_labels": "1\n-1\n", part: text}
    for name, content in parts.items():
        (tmp_path / f"BAD_{name}.txt").write_text(content)
    with pytest.raises(InputError, match=message):
        load_tu("BAD", tmp_path)
