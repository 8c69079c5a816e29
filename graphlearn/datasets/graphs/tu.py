"""Readers of the TU graph-classification sets: the official text files, and the one-file format of DGCNN."""

from __future__ import annotations

import tarfile
import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.utils import degree, one_hot

from graphlearn.datasets.graphs.missing import not_obtained
from graphlearn.datasets.graphs.table import DAMAGED, GraphTable
from tdddft.errors import InputError


def read_tu_folder(folder: Path, name: str, *, attributes: bool = False) -> GraphTable:
    """Read ``<name>_A.txt``, ``<name>_graph_indicator.txt`` and so on, the format of the TU collection.

    Args:
        folder: Folder of the text files.
        name: Prefix of the files.
        attributes: Put the continuous node attributes before the one-hot node labels.

    Raises:
        InputError: if a file is missing or damaged.
    """
    from torch_geometric.io import read_tu_data

    if not (folder / f"{name}_A.txt").is_file():
        raise InputError(f"{folder} holds no {name}_A.txt; give the folder with the text files of the TU collection")
    try:
        data, slices, sizes = read_tu_data(str(folder), name)
        owner = np.loadtxt(folder / f"{name}_graph_indicator.txt", dtype=np.int64, ndmin=1) - 1
        graphs = len(data.y)
        counts = torch.from_numpy(np.bincount(owner, minlength=graphs))
        edges = torch.as_tensor(slices["edge_index"]).diff()
        edge_counts = torch.cat([edges, edges.new_zeros(graphs - len(edges))])
        x = data.x if data.x is None or attributes else data.x[:, sizes["num_node_attributes"] :]
        if x is None or not x.numel():
            x = degree_features(data.edge_index, counts, edge_counts)
        return GraphTable(name, x, data.edge_index, counts, edge_counts, data.y)
    except (*DAMAGED, RuntimeError) as error:
        raise InputError(f"{folder}: the files of {name} do not fit together ({error}); fetch them again") from None


def read_dgcnn(path: Path, name: str | None = None) -> GraphTable:
    """Read DGCNN's text file, plain or inside a ``.tar.xz``: a line ``nodes label`` a graph, a line a node.

    A node's line is ``tag degree neighbours...``; the tags become one-hot features, and the degrees where there is only
    one tag. Classes are numbered by their sorted labels.

    Raises:
        InputError: if the file is damaged.
    """
    name = name or path.name.split(".")[0]
    try:
        lines = _text(path).splitlines()
        numbers = [np.array(line.split(), dtype=np.int64) for line in lines]
        graphs = int(numbers[0][0])
        row, labels, counts, tags, edges, edge_counts = 1, [], [], [], [], []
        for _ in range(graphs):
            nodes, label = numbers[row]
            block = numbers[row + 1 : row + 1 + nodes]
            neighbours = [line[2:] for line in block]
            if any(
                len(n) != line[1] or (n >= nodes).any() or (n < 0).any()
                for n, line in zip(neighbours, block, strict=True)
            ):
                raise ValueError(f"wrong neighbours in the graph that starts in line {row + 1}")
            edges.append(
                np.stack([np.repeat(np.arange(nodes), [len(n) for n in neighbours]), np.concatenate(neighbours)])
            )
            edge_counts.append(edges[-1].shape[1])
            labels.append(label)
            counts.append(nodes)
            tags.append(np.array([line[0] for line in block]))
            row += 1 + int(nodes)
        if row != len(numbers):
            raise ValueError(f"{len(numbers) - row} lines follow the last graph")
        edge_index = torch.from_numpy(np.concatenate(edges, axis=1))
        sizes, edge_sizes = torch.tensor(counts), torch.tensor(edge_counts)
        tag = torch.from_numpy(np.unique(np.concatenate(tags), return_inverse=True)[1])
        x = one_hot(tag) if tag.max() else degree_features(edge_index, sizes, edge_sizes)
        y = torch.from_numpy(np.unique(labels, return_inverse=True)[1])
        return GraphTable(name, x, edge_index, sizes, edge_sizes, y)
    except DAMAGED as error:
        raise InputError(f"{path}: not readable as a DGCNN graph file ({error})") from None


def degree_features(edge_index: Tensor, counts: Tensor, edge_counts: Tensor) -> Tensor:
    """One-hot degree of every node, ``[N, largest + 1]``, for sets without node labels."""
    offset = torch.repeat_interleave(counts.cumsum(0) - counts, edge_counts)
    return one_hot(degree(edge_index[0] + offset, int(counts.sum()), dtype=torch.long))


def load_tu(name: str, root: Path) -> GraphTable:
    """A TU set from a folder that holds it in any of the forms that are read.

    Looked for, in this order: ``<name>.dgcnn.tar.xz`` or ``<name>.txt`` (names without dashes and underscores are
    found too), the raw text files of the TU collection, ``<name>.raw-tu.tar.xz``, PyG's own data set (a download).

    Raises:
        InputError: if it is not there and cannot be fetched.
    """
    short = name.replace("-", "").replace("_", "")
    for stem in (name, short):
        for file in (f"{stem}.dgcnn.tar.xz", f"{stem}.txt", f"{stem}/{stem}.txt"):
            if (root / file).is_file():
                return read_dgcnn(root / file, name)
    for folder in (root, root / name, root / name / "raw"):
        if (folder / f"{name}_A.txt").is_file():
            return read_tu_folder(folder, name)
    if (root / f"{name}.raw-tu.tar.xz").is_file():
        with tempfile.TemporaryDirectory() as scratch, tarfile.open(root / f"{name}.raw-tu.tar.xz") as archive:
            archive.extractall(scratch, filter="data")
            return read_tu_folder(Path(scratch) / name, name)
    return _from_pyg(name, root)


def _from_pyg(name: str, root: Path) -> GraphTable:
    from torch_geometric.datasets import TUDataset

    try:
        graphs: list[Data] = list(TUDataset(str(root), name))
    except Exception as error:
        raise not_obtained("TU set", name, root, error) from None
    if graphs[0].x is None:
        table = GraphTable.from_graphs(
            name, [Data(x=torch.ones(g.num_nodes, 1), edge_index=g.edge_index, y=g.y) for g in graphs]
        )
        x = degree_features(table.edge_index, table.counts, table.edge_counts)
        return GraphTable(name, x, table.edge_index, table.counts, table.edge_counts, table.y)
    return GraphTable.from_graphs(name, graphs)


def _text(path: Path) -> str:
    if path.suffix != ".xz":
        return path.read_text()
    with tarfile.open(path) as archive:
        for member in archive:
            if member.isfile() and member.name.count("/") <= 1 and member.name.endswith(".txt"):
                file = archive.extractfile(member)
                assert file is not None
                return file.read().decode()
    raise ValueError("the archive holds no text file")
