"""Packed files unpack to what they hold, and to no more than the limit."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile

import numpy as np
import pytest

from graphlearn.base.errors import InputError
from graphlearn.base.unpacking import LIMIT_VARIABLE, load_arrays, read_unpacked, tar_members, unpack

PACK = {"gz": gzip.compress, "xz": lzma.compress, "bz2": bz2.compress, "plain": bytes}


@pytest.fixture
def one_megabyte(monkeypatch):
    monkeypatch.setenv(LIMIT_VARIABLE, "1")


@pytest.mark.parametrize("kind", PACK)
def test_content_comes_back(kind, tmp_path):
    content = np.random.default_rng(0).bytes(3_000_000)
    path = tmp_path / "file"
    path.write_bytes(PACK[kind](content))
    assert read_unpacked(path) == content


@pytest.mark.parametrize("kind", ["gz", "xz", "bz2"])
def test_parts_that_follow_each_other_are_all_read(kind):
    assert unpack(PACK[kind](b"one ") + PACK[kind](b"two"), "file") == b"one two"


@pytest.mark.parametrize("kind", PACK)
def test_a_bomb_is_refused_and_the_message_names_the_option(kind, one_megabyte):
    assert len(unpack(PACK[kind](bytes(1_000_000)), "small.xyz")) == 1_000_000
    with pytest.raises(InputError, match=rf"big\.xyz: holds more than 1 MB.*{LIMIT_VARIABLE}"):
        unpack(PACK[kind](bytes(1_000_001)), "big.xyz")


@pytest.mark.parametrize("kind", ["gz", "xz", "bz2"])
def test_a_damaged_file_is_refused(kind):
    packed = PACK[kind](np.random.default_rng(0).bytes(10_000))
    with pytest.raises(InputError, match="damaged"):
        unpack(packed[:-20], "cut.gz")


@pytest.mark.parametrize("value", ["0", "-1", "nan", "much", "inf"])
def test_a_limit_that_is_none_is_refused(value, monkeypatch):
    monkeypatch.setenv(LIMIT_VARIABLE, value)
    with pytest.raises(InputError, match=LIMIT_VARIABLE):
        unpack(b"x", "file")


def _npz(**arrays):
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def test_arrays_come_back():
    arrays = load_arrays(_npz(z=np.array([1, 8]), R=np.ones((4, 2, 3))), "file.npz")
    assert arrays["z"].tolist() == [1, 8]
    assert arrays["R"].shape == (4, 2, 3)


def test_objects_are_refused_by_name():
    with pytest.raises(InputError, match=r"file\.npz: z\.npy holds Python objects"):
        load_arrays(_npz(z=np.array([{}], dtype=object)), "file.npz")


def test_arrays_that_come_to_too_much_are_refused(one_megabyte):
    with pytest.raises(InputError, match=LIMIT_VARIABLE):
        load_arrays(_npz(a=np.zeros(100_000), b=np.zeros(100_000)), "file.npz")


def test_a_declared_shape_takes_no_memory(one_megabyte):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (10**15, 3)})
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("R.npy", header.getvalue())
    with pytest.raises(InputError, match=LIMIT_VARIABLE):
        load_arrays(file.getvalue(), "file.npz")


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"no archive", _npz(a=np.zeros(3))[:-30]])
def test_what_is_no_npz_is_refused(data):
    with pytest.raises(InputError, match="not readable as an npz file"):
        load_arrays(data, "file.npz")


def _tar(path, mode, **members):
    with tarfile.open(path, mode) as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz", "w:bz2"])
def test_members_of_archives_are_read_and_links_are_not_followed(mode, tmp_path):
    _tar(tmp_path / "a.tar", mode, one=b"1", two=b"22")
    assert list(tar_members(tmp_path / "a.tar")) == [("one", b"1"), ("two", b"22")]
    assert list(tar_members(tmp_path / "a.tar", lambda name: name == "two")) == [("two", b"22")]


def test_an_archive_is_bounded_as_a_whole_also_where_members_are_passed_over(tmp_path, one_megabyte):
    _tar(tmp_path / "a.tar", "w:xz", **{f"m{i}": bytes(300_000) for i in range(5)})
    with pytest.raises(InputError, match=LIMIT_VARIABLE):
        list(tar_members(tmp_path / "a.tar", lambda name: name == "m4"))


def test_a_damaged_archive_is_refused(tmp_path):
    (tmp_path / "a.tar").write_bytes(b"no archive" * 100)
    with pytest.raises(InputError, match="not readable as a tar archive"):
        list(tar_members(tmp_path / "a.tar"))


def test_an_archive_of_known_size_may_hold_more_than_the_limit(tmp_path, one_megabyte):
    _tar(tmp_path / "a.tar", "w:xz", big=bytes(1_500_000))
    assert len(dict(tar_members(tmp_path / "a.tar", least=2_000_000))["big"]) == 1_500_000
    with pytest.raises(InputError, match=r"holds more than 1\.2 MB"):
        list(tar_members(tmp_path / "a.tar", least=1_200_000))
