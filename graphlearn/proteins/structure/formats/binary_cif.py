"""BinaryCIF (Sehnal et al., PLoS Comput. Biol. 16, e1008247, 2020), decoded by biotite, as mmCIF text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from graphlearn.base.errors import InputError, damage_named
from graphlearn.base.unpacking import check_size
from graphlearn.proteins.structure.formats.limits import check_file_atoms
from graphlearn.proteins.structure.formats.mmcif_text import cif_loop

ATOM_COLUMNS = (
    "group_PDB", "id", "type_symbol", "label_atom_id", "label_alt_id", "label_comp_id", "auth_asym_id",
    "label_asym_id", "auth_seq_id", "label_seq_id", "pdbx_PDB_ins_code", "Cartn_x", "Cartn_y", "Cartn_z", "occupancy",
    "B_iso_or_equiv", "pdbx_PDB_model_num",
)  # fmt: skip
CATEGORIES = {
    "_atom_site": ATOM_COLUMNS, "_exptl": ("method",), "_struct": ("title",), "_ma_qa_metric": ("id", "name"),
    "_cell": ("length_a",),
}  # fmt: skip
DAMAGE = (ValueError, LookupError, TypeError, AttributeError, OverflowError)
SIZED = ("RunLength", "IntegerPacking", "Delta")


def binary_cif_text(content: bytes, where: str) -> str:
    """What is read of a BinaryCIF file, as mmCIF text.

    Args:
        content: Of the file, unpacked.
        where: Name of the file, for messages.

    Returns:
        The categories that are needed, as mmCIF.

    Raises:
        InputError: if biotite is not installed, or the file is damaged or declares more than it may hold.
    """
    try:
        import msgpack
        from biotite.structure.io import pdbx
    except ImportError:
        raise InputError(
            f"{where}: BinaryCIF needs the package biotite: pip install 'graphlearn[bcif]'; or give the structure as "
            "PDB or mmCIF"
        ) from None
    damage = f"{where}: cannot be read as BinaryCIF"
    with damage_named(damage, *DAMAGE, msgpack.UnpackException, advice="; download it again"):
        block = msgpack.unpackb(content)["dataBlocks"][0]
        tables = {c["name"]: c for c in block["categories"] if c["name"] in CATEGORIES}
        parts = ["data_binary\n"]
        for category, items in CATEGORIES.items():
            if category in tables:
                check_file_atoms(int(tables[category]["rowCount"]), where)
                columns = {c["name"]: c for c in tables[category]["columns"] if c["name"] in items}
                parts.append(cif_loop(category, {k: _values(c, pdbx, where) for k, c in columns.items()}))
    return "".join(parts)


def _values(column: Mapping[str, Any], pdbx: Any, where: str) -> list[Any]:
    for part in (column["data"], column["mask"]):
        if part is not None:
            _check_sizes(part["encoding"], pdbx, where)
    found = pdbx.BinaryCIFColumn.deserialize(column)
    kind = found.data.array.dtype.kind
    return [f"{v:.3f}" for v in found.as_array()] if kind == "f" else found.as_array(str).tolist()


def _check_sizes(encodings: list[dict[str, Any]], pdbx: Any, where: str) -> None:
    """Refuse what would decode to more than a file may hold."""
    rows = 0
    for step in encodings:
        if step["kind"] in SIZED:
            rows = max(rows, int(step.get("srcSize") or 0))
            if step["kind"] != "Delta" and step.get("srcSize") is None:
                raise InputError(f"{where}: BinaryCIF without the length of a column; download it again")
        check_size(8 * rows, where)
        if step["kind"] == "StringArray":
            _check_sizes(step["dataEncoding"], pdbx, where)
            _check_sizes(step["offsetEncoding"], pdbx, where)
            packed = {"data": step["offsets"], "encoding": step["offsetEncoding"]}
            offsets = pdbx.BinaryCIFData.deserialize(packed).array
            sizes = [int(s.get("srcSize") or 0) for s in step["dataEncoding"]]
            check_size(4 * max(len(offsets), *sizes) * int(np.diff(offsets).max(initial=1)), where)
