"""Readers of the TU graph-classification sets: the official text files, and the one-file format of DGCNN."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch_geometric.utils import degree, one_hot

from graphlearn.base.download import download
from graphlearn.base.errors import InputError, damage_named
from graphlearn.base.unpacking import check_size, read_unpacked, tar_members
from graphlearn.graphs.data.download import raw_folder, raw_folders, zip_members
from graphlearn.graphs.data.table import DAMAGED, GraphTable

TU_PARTS = ("A", "graph_indicator", "graph_labels", "graph_attributes", "node_labels", "node_attributes")


def read_tu_folder(folder: Path, name: str, *, attributes: bool = False) -> GraphTable:
    """Read ``<name>_A.txt``, ``<name>_graph_indicator.txt`` and so on, the format of the TU collection.

    Args:
        folder: Folder of the text files.
        name: Prefix of the files.
        attributes: Put the continuous node attributes before the one-hot node labels.

    Returns:
        The graphs.

    Raises:
        InputError: if a file is missing or damaged.
    """
    if not (folder / f"{name}_A.txt").is_file():
        raise InputError(f"{folder} holds no {name}_A.txt; give the folder with the text files of the TU collection")
    files = {file.name: read_unpacked(file) for file in folder.glob("*_*.txt") if file.name in _tu_files(name)}
    return read_tu_files(files, name, folder, attributes=attributes)


def read_tu_files(files: Mapping[str, bytes], name: str, where: Path | str, *, attributes: bool = False) -> GraphTable:
    """The graphs of the text files of the TU collection; self-loops and repeated edges are left out.

    Args:
        files: Content by file name, ``<name>_A.txt`` and so on.
        name: Prefix of the files.
        where: Their folder or archive, for messages.
        attributes: Put the continuous node attributes before the one-hot node labels.

    Returns:
        The graphs.

    Raises:
        InputError: if a file is missing or damaged.
    """
    what = f"{where}: the files of {name} do not fit together"
    with damage_named(what, *DAMAGED, RuntimeError, advice="; fetch them again"):
        columns = {part: _numbers(files[file], part) for file, part in _tu_files(name).items() if file in files}
        owner, edges = columns["graph_indicator"][:, 0] - 1, columns["A"].T - 1
        nodes = len(owner)
        if "graph_labels" in columns:
            y = torch.from_numpy(np.unique(columns["graph_labels"][:, 0], return_inverse=True)[1])
        else:
            y = torch.from_numpy(columns["graph_attributes"]).float()
        if owner[0] < 0 or owner[-1] >= len(y) or (np.diff(owner) < 0).any():
            raise ValueError(f"graph_indicator does not number {len(y)} graphs in their order")
        if edges.shape[0] != 2 or edges.min() < 0 or edges.max() >= nodes or (owner[edges[0]] != owner[edges[1]]).any():
            raise ValueError("an edge leaves its graph")
        source, target = np.divmod(np.unique((edges[0] * nodes + edges[1])[edges[0] != edges[1]]), nodes)
        counts = torch.from_numpy(np.bincount(owner, minlength=len(y)))
        edge_counts = torch.from_numpy(np.bincount(owner[source], minlength=len(y)))
        starts = (counts.cumsum(0) - counts).numpy()[owner[source]]
        edge_index = torch.from_numpy(np.stack([source - starts, target - starts]))
        blocks = [torch.from_numpy(columns["node_attributes"]).float()] if attributes else []
        if "node_labels" in columns:
            blocks += [_one_hot(column - column.min(), where) for column in columns["node_labels"].T]
        x = torch.cat(blocks, dim=1) if blocks else degree_features(edge_index, counts, edge_counts)
        return GraphTable(name, x, edge_index, counts, edge_counts, y)


def _tu_files(name: str) -> dict[str, str]:
    """Files that are read, and what is in them."""
    return {f"{name}_{part}.txt": part for part in TU_PARTS}


def _numbers(content: bytes, part: str) -> np.ndarray:
    """A table of numbers with commas, [rows, columns]: integers, but for attributes."""
    text = content.decode()
    if not text.strip():
        raise ValueError(f"{part} is empty")
    return np.loadtxt(
        io.StringIO(text), np.float64 if part.endswith("attributes") else np.int64, delimiter=",", ndmin=2
    )


def _one_hot(labels: np.ndarray, where: Path | str) -> Tensor:
    check_size(4 * len(labels) * (int(labels.max()) + 1), f"{where}: one-hot labels")
    return one_hot(torch.from_numpy(labels))


def read_dgcnn(path: Path, name: str | None = None) -> GraphTable:
    """Read DGCNN's text file, plain or inside a ``.tar.xz``: a line ``nodes label`` per graph, a line per node.

    A node's line is ``tag degree neighbours...``; the tags become one-hot features, and the degrees where there is only
    one tag. Classes are numbered by their sorted labels.

    Args:
        path: The file.
        name: Of the set; that of the file by default.

    Returns:
        The graphs.

    Raises:
        InputError: if the file is damaged.
    """
    name = name or path.name.split(".")[0]
    with damage_named(f"{path}: not readable as a DGCNN graph file", *DAMAGED):
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


def degree_features(edge_index: Tensor, counts: Tensor, edge_counts: Tensor) -> Tensor:
    """One-hot degree of every node, for sets without node labels.

    Args:
        edge_index: Both directions of every edge, numbered within each graph, ``[2, E]``.
        counts: Nodes of each graph, ``[G]``.
        edge_counts: Entries of ``edge_index`` of each graph, ``[G]``.

    Returns:
        ``[N, largest degree + 1]``.
    """
    offset = torch.repeat_interleave(counts.cumsum(0) - counts, edge_counts)
    return one_hot(degree(edge_index[0] + offset, int(counts.sum()), dtype=torch.long))


def load_tu(name: str, root: Path) -> GraphTable:
    """A TU set from a folder that holds it in any of the forms that are read.

    Looked for, in this order: ``<name>.dgcnn.tar.xz`` or ``<name>.txt`` (names without dashes and underscores are
    found too), the raw text files of the TU collection, also where PyG keeps them (``<name>/raw``),
    ``<name>.raw-tu.tar.xz``; else the text files are downloaded into ``<name>/raw``. PyG's ``processed/*.pt`` are
    pickles, and never read.

    Args:
        name: Of the set, for example ``MUTAG``.
        root: Folder of TU sets.

    Returns:
        The graphs.

    Raises:
        InputError: if it is not there and cannot be fetched.
    """
    short = name.replace("-", "").replace("_", "")
    for stem in (name, short):
        for file in (f"{stem}.dgcnn.tar.xz", f"{stem}.txt", f"{stem}/{stem}.txt"):
            if (root / file).is_file():
                return read_dgcnn(root / file, name)

    def holds(folder: Path) -> bool:
        return (folder / f"{name}_A.txt").is_file()

    archive = root / f"{name}.raw-tu.tar.xz"
    if archive.is_file() and not any(map(holds, raw_folders(name, root))):
        wanted = _tu_files(name)
        files = {Path(path).name: content for path, content in tar_members(archive, lambda p: Path(p).name in wanted)}
        return read_tu_files(files, name, archive)
    return read_tu_folder(raw_folder("TU set", name, root, holds, _download), name)


def _download(name: str) -> dict[str, bytes]:
    """The text files, from where PyG takes them."""
    from torch_geometric.datasets import TUDataset

    archive = download(f"{TUDataset.url}/{name}.zip")
    return zip_members(archive, f"{name}.zip", _tu_files(name))


def _text(path: Path) -> str:
    if path.suffix != ".xz":
        return read_unpacked(path).decode()
    for _, content in tar_members(path, lambda inside: inside.count("/") <= 1 and inside.endswith(".txt")):
        return content.decode()
    raise ValueError("the archive holds no text file")
