import os
import stat

import pytest

from graphlearn.base.files import remove_temporaries, replace_bytes, replace_text
from tdddft import GenerateRecipe
from tdddft.dataset.ownership import locked
from tdddft.dataset.store import DatasetFolder


def test_a_file_and_its_folder_are_flushed_around_the_renaming(tmp_path, monkeypatch):
    done, fsync, rename = [], os.fsync, os.rename

    def note(number):
        done.append("folder" if stat.S_ISDIR(os.fstat(number).st_mode) else "file")
        fsync(number)

    def noted(source, target, **options):
        done.append("rename")
        rename(source, target, **options)

    monkeypatch.setattr(os, "fsync", note)
    monkeypatch.setattr(os, "replace", noted)
    replace_text(tmp_path / "x.txt", "whole")
    assert done == ["file", "rename", "folder"]
    assert (tmp_path / "x.txt").read_text() == "whole"


def test_a_new_index_is_flushed_with_its_folder(tmp_path, monkeypatch):
    dataset = DatasetFolder(tmp_path / "set")
    with locked(dataset, GenerateRecipe(name="set", molecules=("g2:H2O",)), "name\nH2O\n"):
        flushed, fsync = [], os.fsync
        monkeypatch.setattr(os, "fsync", lambda number: (flushed.append(os.fstat(number).st_ino), fsync(number)))
        for _ in range(2):
            dataset.append({"id": "H2O_d0", "status": "failed", "error": "no"})
    assert flushed == [dataset.index.stat().st_ino, dataset.root.stat().st_ino, dataset.index.stat().st_ino]


def test_a_failure_leaves_nothing_behind(tmp_path):
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="taken"):
        replace_bytes(tmp_path / "taken", b"x")
    assert [p.name for p in tmp_path.iterdir()] == ["taken"]


def stale(folder, name, age):
    path = folder / f".{name}.tmp"
    path.write_bytes(b"half")
    os.utime(path, (path.stat().st_mtime - age,) * 2)
    return path


def test_temporaries_of_dead_writers_are_removed_and_those_of_others_kept(tmp_path):
    old, young = stale(tmp_path, "old", 100), stale(tmp_path, "young", 0)
    held = stale(tmp_path, "held", 100)
    with held.open("rb+") as handle:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX)
        remove_temporaries(tmp_path, others_write=True)
        assert (old.exists(), young.exists(), held.exists()) == (False, True, True)
    remove_temporaries(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("shard", [None, (1, 2)])
def test_a_run_removes_what_dead_ones_left_half_written(tmp_path, shard):
    recipe = GenerateRecipe(name="set", molecules=("g2:H2O",))
    dataset = DatasetFolder(tmp_path / "set", shard)
    with locked(dataset, recipe, "name\nH2O\n"):
        pass
    left = [stale(folder, "x", 100) for folder in (dataset.root, dataset.trajectories, dataset.root / "unfinished")]
    with locked(dataset, recipe, "name\nH2O\n"):
        assert not any(path.exists() for path in left)
