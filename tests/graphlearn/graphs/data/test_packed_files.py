"""Every reader of packed files keeps to the bound on what they may unpack to."""

import gzip
import io
import lzma
import tarfile

import numpy as np
import pytest

from graphlearn.base.errors import InputError
from graphlearn.base.unpacking import LIMIT_VARIABLE
from graphlearn.graphs.data.moleculenet import read_graphs, read_smiles_table
from graphlearn.graphs.data.planetoid import read_citations
from graphlearn.graphs.data.tu import load_tu, read_dgcnn
from graphlearn.proteins.data.tables import CORE, PROFILES, table_chains
from graphlearn.proteins.text import read_text


def _npz(**arrays):
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def _tar(name, content):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:xz") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return file.getvalue()


MANY = np.zeros(400_000)
READERS = {
    "graphs.npz": (_npz(node_feat=MANY), lambda p: read_graphs(p, "graphs")),
    "table.csv.gz": (gzip.compress(b"smiles,y\n" + b"C,1\n" * 700_000), lambda p: read_smiles_table(p, "table")),
    "cora.npz": (_npz(edges=MANY), read_citations),
    "A.dgcnn.tar.xz": (_tar("A.txt", bytes(2_500_000)), read_dgcnn),
    "B.raw-tu.tar.xz": (_tar("B/B_A.txt", bytes(2_500_000)), lambda p: load_tu("B", p.parent)),
    "list.txt.gz": (gzip.compress(bytes(2_500_000)), read_text),
}


@pytest.mark.parametrize("name", READERS)
def test_a_file_that_unpacks_to_too_much_is_refused(name, tmp_path, monkeypatch):
    monkeypatch.setenv(LIMIT_VARIABLE, "2")
    content, read = READERS[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=rf"holds more than 2 MB.*{LIMIT_VARIABLE}"):
        read(tmp_path / name)


def test_carried_tables_keep_to_the_bound_and_say_so_whole_in_a_deep_folder(tmp_path, monkeypatch):
    monkeypatch.setenv(LIMIT_VARIABLE, "2")
    folder = tmp_path / ("deep" * 40)
    folder.mkdir()
    for name in (CORE, PROFILES):
        (folder / name).write_bytes(lzma.compress(_npz(seq=MANY)))
    with pytest.raises(InputError, match=rf"structdb_core[^/]*: holds more than 2 MB.*{LIMIT_VARIABLE} higher$"):
        table_chains(folder)


def test_a_feature_matrix_is_checked_before_it_is_made(tmp_path):
    np.savez(tmp_path / "big.npz", num_nodes=10**7, num_features=10**7)
    with pytest.raises(InputError, match=rf"num_nodes x num_features: holds more than.*{LIMIT_VARIABLE}"):
        read_citations(tmp_path / "big.npz")


def test_arrays_of_objects_are_refused_not_unpickled(tmp_path):
    np.savez(tmp_path / "graphs.npz", node_feat=np.array([{}], dtype=object))
    for read in (lambda p: read_graphs(p, "graphs"), read_citations):
        with pytest.raises(InputError, match=r"node_feat\.npy holds Python objects"):
            read(tmp_path / "graphs.npz")


def test_members_of_an_archive_stay_in_the_folder_of_scratch_files(tmp_path):
    (tmp_path / "B.raw-tu.tar.xz").write_bytes(_tar("../../B_A.txt", b"1, 2\n"))
    with pytest.raises(InputError, match="do not fit together"):
        load_tu("B", tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["B.raw-tu.tar.xz"]
    assert not (tmp_path.parent / "B_A.txt").exists()
