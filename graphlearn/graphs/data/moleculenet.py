"""MoleculeNet sets: tables of SMILES, or graphs with OGB's integer features."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch_geometric.data import Data

from graphlearn.base.download import download
from graphlearn.base.errors import InputError, damage_named
from graphlearn.base.unpacking import load_arrays, read_unpacked
from graphlearn.graphs.data.download import raw_folder
from graphlearn.graphs.data.splits import Split, scaffold_split
from graphlearn.graphs.data.table import DAMAGED, GraphTable


@dataclass(frozen=True)
class SmilesTable:
    """Where the SMILES and the targets stand in a CSV; None takes every column but those of the molecule."""

    file: str
    smiles: str
    targets: tuple[str, ...] | None


TABLES = {
    "bbbp": SmilesTable("BBBP.csv", "smiles", ("p_np",)),
    "bace": SmilesTable("bace.csv", "mol", ("Class",)),
    "hiv": SmilesTable("HIV.csv", "smiles", ("HIV_active",)),
    "clintox": SmilesTable("clintox.csv", "smiles", ("FDA_APPROVED", "CT_TOX")),
    "tox21": SmilesTable("tox21.csv", "smiles", None),
    "sider": SmilesTable("sider.csv", "smiles", None),
    "toxcast": SmilesTable("toxcast_data.csv", "smiles", None),
    "muv": SmilesTable("muv.csv", "smiles", None),
    "pcba": SmilesTable("pcba.csv", "smiles", None),
    "esol": SmilesTable("delaney-processed.csv", "smiles", ("measured log solubility in mols per litre",)),
    "freesolv": SmilesTable("SAMPL.csv", "smiles", ("expt",)),
    "lipo": SmilesTable("Lipophilicity.csv", "smiles", ("exp",)),
}
MOLECULE_COLUMNS = ("smiles", "mol_id", "name", "num")
ATOM_FEATURE_SIZES = (119, 9, 12, 12, 10, 6, 9, 2, 2)


def read_graphs(path: Path, name: str) -> tuple[GraphTable, Split]:
    """Read stored graphs and their scaffold split from a ``.npz`` of plain arrays.

    Args:
        path: Holds ``node_feat`` [N, 9], ``num_nodes`` [G], ``bond_index`` [2, M] numbered within each graph, each bond
            once, ``bond_feat`` [M, 3], ``num_bonds`` [G], ``y`` [G, T], ``split`` [G] (0 train, 1 validation, 2 test).
        name: Name of the data set.

    Returns:
        The graphs and their split.

    Raises:
        InputError: if the file is damaged or lacks an array.
    """
    with damage_named(f"{path}: not readable as molecular graphs", *DAMAGED):
        arrays = {
            key: torch.from_numpy(array.astype(np.float32 if key == "y" else np.int64))
            for key, array in load_arrays(read_unpacked(path), path).items()
        }
        bonds, attr = arrays["bond_index"], arrays["bond_feat"]
        table = GraphTable(
            name=name,
            x=arrays["node_feat"],
            edge_index=torch.stack([bonds, bonds.flip(0)], dim=2).flatten(1),
            counts=arrays["num_nodes"],
            edge_counts=2 * arrays["num_bonds"],
            y=arrays["y"],
            edge_attr=attr.repeat_interleave(2, dim=0),
        )
        parts = [torch.nonzero(arrays["split"] == k).flatten() for k in range(3)]
    return table, Split(*parts)


def read_smiles_table(
    path: Path, name: str, *, smiles: str = "smiles", targets: tuple[str, ...] | None = None
) -> tuple[GraphTable, Split]:
    """Read a CSV (plain or gzip) of SMILES and targets; molecules that RDKit refuses are left out.

    Args:
        path: The table.
        name: Name of the data set.
        smiles: Column of the SMILES.
        targets: Columns of the targets; by default all but those that name the molecule. Empty cells are unknown.

    Returns:
        The graphs and their scaffold split.

    Raises:
        InputError: if a column is missing or no molecule is readable.
    """
    from rdkit import Chem, rdBase
    from torch_geometric.utils import from_rdmol

    with damage_named(f"{path}: not readable as a table", csv.Error, UnicodeDecodeError):
        rows = list(csv.DictReader(io.StringIO(read_unpacked(path).decode("utf-8-sig"))))
    if targets is None:
        targets = tuple(c for c in (rows[0] if rows else ()) if c not in (smiles, *MOLECULE_COLUMNS))
    missing = [column for column in (smiles, *targets) if not rows or column not in rows[0]]
    if missing:
        known = ", ".join(rows[0]) if rows else "none"
        raise InputError(f"{path}: no column {', '.join(missing)}; the columns are {known}")
    graphs: list[Data] = []
    kept: list[str] = []
    with rdBase.BlockLogs():
        for number, row in enumerate(rows, 2):
            molecule = Chem.MolFromSmiles(row[smiles] or "")
            if molecule is None or not molecule.GetNumAtoms():
                continue
            try:
                y = torch.tensor([[float(row[t]) if row[t] else torch.nan for t in targets]])
            except ValueError as error:
                raise InputError(f"{path}, line {number}: a target is not a number ({error}); name them") from None
            graph = from_rdmol(molecule)
            graphs.append(Data(x=graph.x, edge_index=graph.edge_index, edge_attr=graph.edge_attr, y=y))
            kept.append(row[smiles])
    if not graphs:
        raise InputError(f"{path}: RDKit reads none of the {len(rows)} SMILES in column {smiles!r}")
    return GraphTable.from_graphs(name, graphs), scaffold_split(kept)


def load_moleculenet(name: str, root: Path) -> tuple[GraphTable, Split]:
    """A MoleculeNet set with its scaffold split, from stored graphs or a table of SMILES.

    Looked for: ``<name>.npz`` in ``<root>/derived`` and ``<root>``, the table where :func:`raw_folder` looks, or
    downloads it into. PyG's ``processed/data.pt`` is a pickle, and never read.

    Args:
        name: Of the set, for example ``bbbp``.
        root: Folder of MoleculeNet sets.

    Returns:
        The graphs and their scaffold split.

    Raises:
        InputError: if it is not there and cannot be fetched.
    """
    key = name.lower()
    for file in (root / "derived" / f"{key}.npz", root / f"{key}.npz"):
        if file.is_file():
            return read_graphs(file, key)
    names = [f"{TABLES[key].file}{suffix}" for suffix in ("", ".gz")] if key in TABLES else []
    folder = raw_folder("MoleculeNet set", key, root, lambda f: any((f / n).is_file() for n in names), _download)
    form, table = TABLES[key], next(folder / n for n in names if (folder / n).is_file())
    return read_smiles_table(table, key, smiles=form.smiles, targets=form.targets)


def _download(key: str) -> dict[str, bytes]:
    """The table, from where PyG takes it."""
    from torch_geometric.datasets import MoleculeNet

    if key not in TABLES:
        raise ValueError(f"known are {', '.join(TABLES)}")
    file = MoleculeNet.names[key][1]
    return {file: download(MoleculeNet.url.format(file))}
