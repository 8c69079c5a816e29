"""Citation networks with the public split: one graph, a class per node."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import torch
from scipy.sparse import csr_matrix
from torch_geometric.data import Data
from torch_geometric.utils import coalesce, remove_self_loops, to_undirected

from graphlearn.base.download import download
from graphlearn.base.errors import damage_named
from graphlearn.base.unpacking import check_size, load_arrays, read_unpacked
from graphlearn.graphs.data.array_pickle import read_array_pickle
from graphlearn.graphs.data.download import raw_folder
from graphlearn.graphs.data.table import DAMAGED

PARTS = ("x", "tx", "allx", "y", "ty", "ally", "graph", "test.index")
VALIDATION = 500


def read_citations(path: Path) -> Data:
    """Read a citation network from a ``.npz`` of plain arrays; features are the words, 0 or 1.

    Args:
        path: Holds ``feat_row`` and ``feat_col`` of the ones, ``num_nodes``, ``num_features``, ``labels``, ``edges``
            [2, M] each once, and the node numbers ``train``, ``val``, ``test``.

    Returns:
        The network with ``x``, ``edge_index``, ``y`` and the masks of the public split.

    Raises:
        InputError: if the file is damaged or lacks an array.
    """
    with damage_named(f"{path}: not readable as a citation network", *DAMAGED):
        arrays = load_arrays(read_unpacked(path), path)
        nodes, features = int(arrays["num_nodes"]), int(arrays["num_features"])
        check_size(4 * nodes * features, f"{path}: num_nodes x num_features")
        x = torch.zeros(nodes, features)
        x[arrays["feat_row"].astype(np.int64), arrays["feat_col"].astype(np.int64)] = 1.0
        edges = torch.from_numpy(arrays["edges"].astype(np.int64))
        y = torch.from_numpy(arrays["labels"].astype(np.int64))
        masks = {}
        for key in ("train", "val", "test"):
            masks[f"{key}_mask"] = torch.zeros(nodes, dtype=torch.bool)
            masks[f"{key}_mask"][arrays[key].astype(np.int64)] = True
    return Data(x=x, edge_index=to_undirected(edges, num_nodes=nodes), y=y, **masks)


def read_planetoid(folder: Path, name: str) -> Data:
    """Read a citation network from Planetoid's own files, ``ind.<name>.x`` and so on, by :func:`read_array_pickle`.

    The nodes of ``allx`` come first: those that train, then 500 that choose. Then come the test nodes, in the order of
    ``test.index``; numbers that it passes over are papers without words.

    Args:
        folder: Holds the eight files.
        name: In lower case, for example ``cora``.

    Returns:
        The network with ``x``, ``edge_index``, ``y`` and the masks of the public split.

    Raises:
        InputError: if a file is missing or damaged, or its pickle names more than arrays and containers.
    """
    content = {part: read_unpacked(folder / f"ind.{name}.{part}") for part in PARTS}
    where = folder / f"ind.{name}"
    arrays = {part: read_array_pickle(content[part], f"{where}.{part}") for part in PARTS if part != "test.index"}
    with damage_named(f"{where}.*: the files do not fit together", *DAMAGED, RuntimeError, advice="; fetch them again"):
        words, test_words = csr_matrix(arrays["allx"]), csr_matrix(arrays["tx"])
        labels, test_labels = (np.asarray(arrays[part], dtype=np.float32) for part in ("ally", "ty"))
        test = np.loadtxt(io.StringIO(content["test.index"].decode()), dtype=np.int64, ndmin=1)
        train, first, nodes = len(arrays["y"]), len(labels), int(test.max()) + 1
        check_size(4 * nodes * max(words.shape[1], labels.shape[1]), where)
        rows = (words.shape[0], test_words.shape[0], len(test_labels), len(np.unique(test)))
        if rows != (first, len(test), len(test), len(test)) or test.min() < first or train + VALIDATION > first:
            raise ValueError("the parts do not follow each other")
        x = torch.zeros(nodes, words.shape[1])
        x[:first], x[test] = torch.from_numpy(words.toarray()).float(), torch.from_numpy(test_words.toarray()).float()
        target = torch.zeros(nodes, labels.shape[1])
        target[:first], target[test] = torch.from_numpy(labels), torch.from_numpy(test_labels)
        pairs = [(node, neighbour) for node, list_ in dict(arrays["graph"]).items() for neighbour in list_]
        edges = torch.tensor(pairs, dtype=torch.long).reshape(-1, 2).T
        if not bool(((edges >= 0) & (edges < nodes)).all()):
            raise ValueError(f"an edge leaves the {nodes} nodes")
    edges = coalesce(remove_self_loops(edges)[0], num_nodes=nodes)
    masks = {f"{part}_mask": torch.zeros(nodes, dtype=torch.bool) for part in ("train", "val", "test")}
    masks["train_mask"][:train] = masks["val_mask"][train : train + VALIDATION] = masks["test_mask"][test] = True
    return Data(x=x, edge_index=edges, y=target.argmax(1), **masks)


def load_citations(name: str, root: Path) -> Data:
    """Cora, Citeseer or Pubmed: ``<root>/derived/<name>.npz``, ``<root>/<name>.npz``, or Planetoid's own files.

    Those are where :func:`raw_folder` looks, or downloads them into. PyG's ``processed/data.pt`` is a pickle, and
    never read.

    Args:
        name: Of the network.
        root: Folder of Planetoid's sets.

    Returns:
        The network with ``x``, ``edge_index``, ``y`` and the masks of the public split.

    Raises:
        InputError: if it is not there and cannot be fetched.
    """
    key = name.lower()
    for file in (root / "derived" / f"{key}.npz", root / f"{key}.npz"):
        if file.is_file():
            return read_citations(file)
    files = [f"ind.{key}.{part}" for part in PARTS]
    there = raw_folder("citation network", name, root, lambda f: all((f / n).is_file() for n in files), _download)
    return read_planetoid(there, key)


def _download(name: str) -> dict[str, bytes]:
    """The eight files, from where PyG takes them."""
    from torch_geometric.datasets import Planetoid

    files = [f"ind.{name.lower()}.{part}" for part in PARTS]
    return {file: download(f"{Planetoid.url}/{file}") for file in files}
