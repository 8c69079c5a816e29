"""BinaryCIF is read as the mmCIF text of the same structure is, and bounded before it is decoded."""

from __future__ import annotations

import builtins
import gzip
import io
from pathlib import Path

import numpy as np
import pytest

from graphlearn.base.errors import InputError
from graphlearn.proteins import read_structure
from graphlearn.proteins.structure.read import read_chains

pytest.importorskip("biotite")
import msgpack
from biotite.structure.io import pdbx

CASES = Path(__file__).parents[4] / "data" / "structures"


def binary(text, compress=True):
    """BinaryCIF of mmCIF text, in the encodings that the PDB uses, or plain."""
    numbers = {"Cartn_x": float, "Cartn_y": float, "Cartn_z": float, "occupancy": float, "B_iso_or_equiv": float}
    numbers |= dict.fromkeys(("id", "auth_seq_id", "pdbx_PDB_model_num"), int)
    blocks = {}
    for name, block in pdbx.CIFFile.read(io.StringIO(text)).items():
        categories = {}
        for category, table in block.items():
            columns = {}
            for key, column in table.items():
                kind = numbers.get(key, str) if category == "atom_site" else str
                columns[key] = pdbx.BinaryCIFColumn(
                    pdbx.BinaryCIFData(column.as_array(kind)),
                    None if column.mask is None else pdbx.BinaryCIFData(column.mask.array),
                )
            categories[category] = pdbx.BinaryCIFCategory(columns)
        blocks[name] = pdbx.BinaryCIFBlock(categories)
    file = pdbx.BinaryCIFFile(blocks)
    content = io.BytesIO()
    (pdbx.compress(file) if compress else file).write(content)
    return content.getvalue()


@pytest.fixture(scope="module")
def packed():
    return binary(gzip.decompress((CASES / "bp_1GBT.cif.gz").read_bytes()).decode())


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_it_equals_the_text(packed, tmp_path, pack):
    (tmp_path / "bp_1gbt.bcif").write_bytes(pack(packed))
    (found,), (text,) = read_chains(tmp_path / "bp_1gbt.bcif"), read_chains(CASES / "bp_1GBT.cif.gz")
    assert "A:184A" in found.chain.residue_ids
    for key in ("name", "sequence", "residue_ids", "secondary", "secondary_source", "plddt"):
        assert getattr(found.chain, key) == getattr(text.chain, key)
    np.testing.assert_allclose(found.chain.ca_angstrom, text.chain.ca_angstrom, atol=2e-3)
    np.testing.assert_allclose(found.chain.accessibility, text.chain.accessibility, atol=0.02)
    assert [(r.id, r.name, r.atoms) for r in found.ligands] == [(r.id, r.name, r.atoms) for r in text.ligands]


def test_confidence_is_told_from_its_metadata(tmp_path):
    text = gzip.decompress((CASES / "nodata.cif.gz").read_bytes()).decode()
    for method in ("X-RAY DIFFRACTION", "?"):
        parts = f"data_x\n{text}".replace("X-RAY DIFFRACTION", method)
        whole = f"{parts}\n#\nloop_\n_ma_qa_metric.id\n_ma_qa_metric.name\n1 pLDDT\n#\n"
        (tmp_path / "x.bcif").write_bytes(binary(whole, compress=False))
        (chain,) = read_structure(tmp_path / "x.bcif")
        assert (chain.plddt is not None) == (method == "?")


def test_the_message_names_the_extra(packed, tmp_path, monkeypatch):
    real = builtins.__import__

    def without(name, *rest, **more):
        if name.startswith("biotite"):
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    (tmp_path / "x.bcif").write_bytes(packed)
    with pytest.raises(InputError, match=r"BinaryCIF needs the package biotite: pip install 'graphlearn\[bcif\]'"):
        read_structure(tmp_path / "x.bcif")


def changed(content, change):
    tree = msgpack.unpackb(content)
    (table,) = [c for c in tree["dataBlocks"][0]["categories"] if c["name"] == "_atom_site"]
    change(table, {c["name"]: c for c in table["columns"]})
    return msgpack.packb(tree)


def steps(columns, kind):
    every = [s for c in columns.values() for s in c["data"]["encoding"]]
    every += [s for e in every if e["kind"] == "StringArray" for s in (*e["dataEncoding"], *e["offsetEncoding"])]
    return [s for s in every if s["kind"] == kind]


def grow(kind):
    return lambda table, columns: steps(columns, kind)[0].update(srcSize=2**31 - 1)


def long_string(table, columns):
    step = steps(columns, "StringArray")[0]
    step.update(stringData="x" * 10_000_000, offsets=np.array([0, 10_000_000] * 50, dtype="<i4").tobytes())
    step.update(offsetEncoding=[{"kind": "ByteArray", "type": 3}])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table, columns: table.update(rowCount=10**9), "1,000,000,000 atoms, more than 999,990.*GRAPHLEARN_MAX"),
        (grow("RunLength"), "holds more than 512 MB when unpacked"),
        (grow("IntegerPacking"), "holds more than 512 MB when unpacked"),
        (long_string, "holds more than 512 MB when unpacked"),
        (lambda table, columns: columns["Cartn_x"]["data"].update(data=b"123"), "cannot be read as BinaryCIF"),
        (lambda table, columns: columns["Cartn_x"]["data"]["encoding"][-1].update(kind="No"), "cannot be read as Bin"),
        (lambda table, columns: table["columns"].remove(columns["Cartn_x"]), "no column _atom_site.Cartn_x"),
        (lambda table, columns: table.clear(), "cannot be read as BinaryCIF"),
    ],
)
def test_damaged_and_swollen_files_are_refused_in_one_line(packed, tmp_path, change, message):
    (tmp_path / "x.bcif").write_bytes(changed(packed, change))
    with pytest.raises(InputError, match=message) as refused:
        read_structure(tmp_path / "x.bcif")
    assert "\n" not in str(refused.value)


def test_a_file_that_is_cut_off_is_refused(packed, tmp_path):
    (tmp_path / "x.bcif").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(InputError, match="cannot be read as BinaryCIF"):
        read_structure(tmp_path / "x.bcif")
