"""Citation networks with the public split: one graph, a class a node."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch_geometric.data import Data
from torch_geometric.utils import to_undirected

from graphlearn.datasets.graphs.missing import not_obtained
from graphlearn.datasets.graphs.table import DAMAGED
from tdddft.errors import InputError


def read_citations(path: Path) -> Data:
    """Read a citation network from a ``.npz`` of plain arrays; features are the words, 0 or 1.

    Args:
        path: Holds ``feat_row`` and ``feat_col`` of the ones, ``num_nodes``, ``num_features``, ``labels``, ``edges``
            [2, M] each once, and the node numbers ``train``, ``val``, ``test``.

    Raises:
        InputError: if the file is damaged or lacks an array.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            nodes = int(file["num_nodes"])
            x = torch.zeros(nodes, int(file["num_features"]))
            x[file["feat_row"].astype(np.int64), file["feat_col"].astype(np.int64)] = 1.0
            edges = torch.from_numpy(file["edges"].astype(np.int64))
            y = torch.from_numpy(file["labels"].astype(np.int64))
            masks = {}
            for key in ("train", "val", "test"):
                masks[f"{key}_mask"] = torch.zeros(nodes, dtype=torch.bool)
                masks[f"{key}_mask"][file[key].astype(np.int64)] = True
    except DAMAGED as error:
        raise InputError(f"{path}: not readable as a citation network ({error})") from None
    return Data(x=x, edge_index=to_undirected(edges, num_nodes=nodes), y=y, **masks)


def load_citations(name: str, root: Path) -> Data:
    """Cora or Citeseer from ``<root>/derived/<name>.npz`` or ``<root>/<name>.npz``, else from PyG (a download).

    Raises:
        InputError: if it is not there and cannot be fetched.
    """
    for file in (root / "derived" / f"{name.lower()}.npz", root / f"{name.lower()}.npz"):
        if file.is_file():
            return read_citations(file)
    from torch_geometric.datasets import Planetoid

    try:
        return Planetoid(str(root), name)[0]
    except Exception as error:
        raise not_obtained("citation network", name, root, error) from None
