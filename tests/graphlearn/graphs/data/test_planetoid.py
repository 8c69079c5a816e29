"""Planetoid's own files, which are pickles: read by a reader of arrays, sparse matrices and containers alone."""

from __future__ import annotations

import pickle
import struct
from collections import OrderedDict, defaultdict
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from scipy.sparse import csc_matrix, csr_matrix

from graphlearn.base.errors import InputError
from graphlearn.base.unpacking import tar_members
from graphlearn.datasets.graphs import load_citations
from graphlearn.graphs.data.array_pickle import read_array_pickle

MATRIX = np.array([[0, 2, 0], [1, 0, 3]], dtype=np.float32)
# What Python 2 wrote: an array of two float32 ones.
PYTHON_2 = (
    b"\x80\x02cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntU\x01btR(I1\n(I2\ntcnumpy\ndtype\n"
    b"(U\x02f4I0\nI1\ntR(I3\nU\x01<NNNI-1\nI-1\nI0\ntbI00\nU\x08" + 2 * struct.pack("<f", 1.0) + b"tb."
)


class Evil:
    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


def write_planetoid(folder, **changes):
    """A network of 505 nodes in a ring: 3 train, 500 choose, 2 are tested (and one number is passed over)."""
    folder.mkdir(parents=True, exist_ok=True)
    words = csr_matrix(np.eye(503, 4, dtype=np.float32))
    labels = np.eye(3, dtype=np.int32)[np.arange(503) % 3]
    graph = defaultdict(list, {i: [(i + 1) % 506, (i - 1) % 506] for i in range(506) if i != 504})
    content = {
        "x": words[:3], "y": labels[:3], "allx": words, "ally": labels, "tx": csr_matrix(np.ones((2, 4), np.float32)),
        "ty": np.array([[0, 1, 0], [0, 0, 1]], np.int32), "graph": graph,
    }  # fmt: skip
    for part, value in content.items():
        (folder / f"ind.tiny.{part}").write_bytes(changes.get(part, pickle.dumps(value, protocol=4)))
    (folder / "ind.tiny.test.index").write_bytes(changes.get("index", b"505\n503\n"))


@pytest.mark.parametrize("place", [".", "tiny", "tiny/raw"])
def test_the_parts_stand_in_their_order(tmp_path, place):
    write_planetoid(tmp_path / place)
    data = load_citations("tiny", tmp_path)
    assert data.x.shape == (506, 4)
    assert [int(data[f"{part}_mask"].sum()) for part in ("train", "val", "test")] == [3, 500, 2]
    assert data.test_mask.nonzero().flatten().tolist() == [503, 505]
    assert data.y[[0, 1, 2, 503, 504, 505]].tolist() == [0, 1, 2, 2, 0, 1]
    assert data.x[[503, 504, 505]].sum(1).tolist() == [4.0, 0.0, 4.0]
    assert (0, 1) in set(map(tuple, data.edge_index.T.tolist()))


@pytest.mark.parametrize("name", ["Cora", "Citeseer"])
def test_the_original_files_are_the_stored_network(data_folder, tmp_path, name):
    for path, content in tar_members(data_folder / f"planetoid/{name.lower()}.planetoid.tar.xz"):
        (tmp_path / path).write_bytes(content)
    data, stored = load_citations(name, tmp_path), load_citations(name, data_folder / "planetoid")
    assert torch.equal((data.x != 0).float(), stored.x)
    for key in ("y", "train_mask", "val_mask", "test_mask", "edge_index"):
        assert torch.equal(data[key], stored[key]), key


@pytest.mark.parametrize("protocol", [3, 4])
@pytest.mark.parametrize("value", [MATRIX, np.asfortranarray(MATRIX), csr_matrix(MATRIX), csc_matrix(MATRIX)])
def test_arrays_and_sparse_matrices_are_read(value, protocol):
    found = read_array_pickle(pickle.dumps(value, protocol), "a")
    assert type(found) is type(value)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found.toarray() if hasattr(found, "toarray") else found, MATRIX)


def test_what_python_2_wrote_is_read():
    np.testing.assert_array_equal(read_array_pickle(PYTHON_2, "a"), np.ones(2, np.float32))


def test_containers_are_read():
    value = defaultdict(list, {0: [1, 2], 1: [0]})
    assert read_array_pickle(pickle.dumps(value), "a") == {0: [1, 2], 1: [0]}


def changed(value, old, new):
    """A pickle with some bytes changed."""
    content = pickle.dumps(value, 4)
    assert old in content
    return content.replace(old, new)


def hostile(mark):
    return {
        "code": (pickle.dumps(Evil(mark)), "names pathlib.Path.touch|names pathlib"),
        "code of python 2": (b"cos\nsystem\n(S'touch " + str(mark).encode() + b"'\ntR.", "names os.system"),
        "numpy's own loader": (b"cnumpy\nload\n.", "names numpy.load"),
        "dotted name": (b"\x80\x04\x8c\x08builtins\x8c\x0clist.__new__\x93.", r"names builtins.list.__new__"),
        "another class": (pickle.dumps(OrderedDict(a=1)), "names collections.OrderedDict"),
        "a list of a list": (b"c__builtin__\nlist\n((lp0\nI1\natR.", "not readable"),
        "objects in an array": (pickle.dumps(np.array([{}, []], dtype=object)), "arrays of 'O8' are not read"),
        "memo": (b"Nr\xff\xff\xff\x7f.", "LONG_BINPUT does not belong"),
        "persistent": (b"Pname\n.", "PERSID does not belong"),
        "extension": (b"\x82\x01.", "EXT1 does not belong"),
        "memory": (b"\x96" + struct.pack("<Q", 1 << 40) + b".", "not readable"),
        "a class": (b"cnumpy\nndarray\n(S'a'\nI3\ndb.", "not readable"),
        "shape": (changed(MATRIX, b"K\x02K\x03\x86", b"J\xff\xff\xff\x7fK\x03\x86"), "not readable"),
        "index": (changed(csr_matrix(np.eye(2)), struct.pack("<2i", 0, 1), struct.pack("<2i", 0, 9)), "not readable"),
        "empty": (b"", "not readable"),
        "cut": (pickle.dumps(MATRIX)[:-9], "not readable"),
    }  # fmt: skip


@pytest.mark.parametrize("name", hostile(Path("x")))
def test_anything_else_is_refused_and_not_run(tmp_path, name):
    content, message = hostile(tmp_path / "was-run")[name]
    with pytest.raises(InputError, match=message) as caught:
        read_array_pickle(content, "ind.cora.x")
    assert str(caught.value).startswith("ind.cora.x: ")
    assert "\n" not in str(caught.value)
    write_planetoid(tmp_path / "raw", allx=content)
    with pytest.raises(InputError, match=r"ind\.tiny\.allx"):
        load_citations("tiny", tmp_path / "raw")
    assert not (tmp_path / "was-run").exists()


@given(st.binary(max_size=60), st.integers(0, 200), st.integers(0, 255))
@settings(deadline=None, max_examples=150)
def test_any_bytes_give_a_value_or_an_error_of_ours(content, place, byte):
    flipped = bytearray(pickle.dumps(csr_matrix(MATRIX), 4))
    flipped[place % len(flipped)] = byte
    for data in (content, bytes(flipped)):
        with suppress(InputError):
            read_array_pickle(data, "here")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"index": b"504\n504\n"}, "the parts do not follow"),
        ({"index": b"1\n2\n"}, "the parts do not follow"),
        ({"index": b"503\n999999999\n"}, "holds more than"),
        ({"index": b"a\n"}, "do not fit together"),
        ({"graph": pickle.dumps({0: [999]})}, "an edge leaves the 506 nodes"),
        ({"graph": pickle.dumps({0: ["a"]})}, "do not fit together"),
        ({"tx": pickle.dumps(csr_matrix(np.ones((1, 4))))}, "the parts do not follow"),
        ({"allx": pickle.dumps([1, 2])}, "do not fit together"),
    ],
)
def test_parts_that_do_not_fit(tmp_path, changes, message):
    write_planetoid(tmp_path, **changes)
    with pytest.raises(InputError, match=message):
        load_citations("tiny", tmp_path)
