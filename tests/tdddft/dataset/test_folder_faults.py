"""Folders with damaged tables, files under wrong names, and folders that somebody sent."""

import json
import os
import re
import shutil

import h5py
import numpy as np
import pytest
from terminal import command

from graphlearn.base.recipes.reading import parse_recipe, recipe_hash
from tdddft import GenerateRecipe, InputError, generate, read_trajectory, write_trajectory
from tdddft.dataset.figure import dataset_figure
from tdddft.dataset.index import is_identifier
from tdddft.dataset.selection_table import parse_selection
from tdddft.dataset.store import DatasetFolder

IDS = ["H2_d0", "H2_d1", "HF_d0", "HF_d1"]
BAD_LINES = [
    b"null", b"[]", b"123", b'"x"', b"{", b"\xff\xfe\x00", b"{}", b'{"id": 3, "status": "done"}', b"[" * 5000,
    b'{"id": "H2_d0", "status": "done", "file": "x"}', b'{"id": "H2_d0", "status": "gone"}',
    b'{"id": "H2_d0", "status": []}', b'{"id": "H2_d0", "status": "done", "atoms": 1000000000000}',
    b'{"id": "../../x", "status": "failed", "error": "no"}', b'{"id": "H2_d0", "status": "failed", "error": 3}',
]  # fmt: skip


def recipe(**changes):
    data = {
        "name": "small", "molecules": ["g2:H2", "g2:HF"], "method": {"grid_level": 0, "response_grid": 0},
        "field": {"directions": [[0, 0, 1], [1, 0, 0]]}, "propagation": {"steps": 20, "save_every": 5}, **changes,
    }  # fmt: skip
    return parse_recipe(data, GenerateRecipe)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("set") / "set"
    generate(recipe(), folder, jobs=1)
    return folder


@pytest.fixture
def folder(finished, tmp_path):
    shutil.copytree(finished, tmp_path / "set")
    return tmp_path / "set"


def said_by(capsys, *arguments, code=0):
    """What a command says."""
    exit_code, out, err = command(capsys, *arguments)
    assert exit_code == code, out + err
    return out + err


def rewrite(file, change):
    file.write_bytes(change(file.read_bytes()))


@pytest.mark.parametrize("line", BAD_LINES)
def test_a_bad_line_of_the_index_is_passed_over_counted_and_named(folder, capsys, line):
    rewrite(folder / "index.jsonl", lambda old: old + line + b"\n")
    dataset = DatasetFolder(folder)
    (bad,) = dataset.bad_lines()
    assert bad.startswith("index.jsonl line 5: ")
    assert sorted(dataset.finished()) == IDS
    said = said_by(capsys, "status", folder)
    assert "4 finished, 0 failed, 0 missing of 4\n" in said
    assert "1 bad lines are passed over" in said
    assert bad in said
    assert bad in said_by(capsys, "validate", folder, code=1)
    assert "4 finished" in dataset_figure(dataset).get_suptitle()


@pytest.mark.parametrize("key", ["file", "sha256", "atoms", "orbitals", "seconds", "molecule", "finished_at"])
def test_a_value_of_another_type_makes_a_line_bad_and_repair_finds_its_file_again(folder, capsys, key):
    index = folder / "index.jsonl"
    first, *others = index.read_text().splitlines()
    record = json.loads(first)
    index.write_text("\n".join([json.dumps({**record, key: ["x"]}), *others]) + "\n")
    before = (folder / f"trajectories/{record['id']}.h5").stat().st_mtime_ns
    assert "3 finished, 0 failed, 1 missing of 4" in said_by(capsys, "status", folder)
    assert "4 of 4 valid" in said_by(capsys, "validate", folder, "--repair")
    assert DatasetFolder(folder).bad_lines() == []
    assert sorted(DatasetFolder(folder).finished()) == IDS
    assert (folder / f"trajectories/{record['id']}.h5").stat().st_mtime_ns == before
    assert "dropped index.jsonl line 1: " in (folder / "log").read_text()


SELECTION_DAMAGES = {
    "name": lambda t: t.replace(b"HF,", b"H\xffF,", 1),
    "nul": lambda t: t.replace(b"HF,", b"H\x00F,", 1),
    "geometry": lambda t: re.sub(rb"[0-9a-f]{14}(?=[0-9a-f]{2},)", b"zzzzzzzzzzzzzz", t, count=1),
    "cells": lambda t: t + b"null\n",
    "quote": lambda t: t.replace(b"g2:HF", b'"g2:HF', 1),
    "header": lambda t: t.replace(b"name", b"na\xffe", 1),
    "cut": lambda t: t[:-20],
    "null": lambda t: b"null",
    "list": lambda t: b"[]\n",
    "number": lambda t: b"123\n",
    "nothing": lambda t: b"",
    "digit": lambda t: t.replace(b"HF", b"HG", 1),
}


@pytest.mark.parametrize("damage", SELECTION_DAMAGES)
def test_a_damaged_selection_table_stops_no_command(folder, capsys, damage):
    rewrite(folder / "selection.csv", SELECTION_DAMAGES[damage])
    assert "4 finished, 0 failed" in said_by(capsys, "status", folder)
    assert sorted(DatasetFolder(folder).finished()) == IDS
    assert "4 of 4 valid" in said_by(capsys, "validate", folder, code=0 if damage == "digit" else 1)


@pytest.mark.parametrize("damage", ["name", "header", "nothing", "cut"])
def test_repair_writes_a_damaged_selection_table_again(folder, capsys, damage):
    whole = (folder / "selection.csv").read_bytes()
    rewrite(folder / "selection.csv", SELECTION_DAMAGES[damage])
    assert "4 of 4 valid" in said_by(capsys, "validate", folder, "--repair")
    assert (folder / "selection.csv").read_bytes() == whole


def test_a_row_that_was_changed_into_another_good_one_is_mended_by_repair(folder, capsys):
    whole = (folder / "selection.csv").read_bytes()
    rewrite(folder / "selection.csv", lambda old: old.replace(b"HF,,", b"HG,,", 1))
    rewrite(folder / "index.jsonl", lambda old: old + b"123\n")
    with pytest.raises(InputError, match=r"if selection.csv is what changed, 'tdddft validate --repair' writes it"):
        generate(recipe(), folder, jobs=1)
    assert "4 of 4 valid" in said_by(capsys, "validate", folder, "--repair")
    assert (folder / "selection.csv").read_bytes() == whole


def test_generation_goes_on_with_a_damaged_row_and_mends_it(folder):
    whole = (folder / "selection.csv").read_bytes()
    rewrite(folder / "selection.csv", lambda old: old.replace(b"HF,,", b"\xff\xff,,", 1))
    (folder / "trajectories/HF_d1.h5").unlink()
    assert generate(recipe(), folder, jobs=1).done == 4
    assert (folder / "selection.csv").read_bytes() == whole


def test_bad_rows_stand_for_molecules_and_changed_ones_are_named():
    now = parse_selection(b"name,geometry\nA,0123456789abcdef\nB,1123456789abcdef\n")
    torn = parse_selection(b"name,geometry\nA,0123456789abcdef\nB,11234\n")
    assert torn.bad == ["selection.csv line 3: its geometry makes no sense"]
    assert torn.changed(now) is None
    assert parse_selection(b"name,geometry\nB,0123456789abcdef\nx\n").changed(now) == "B"
    assert parse_selection(b"name,geometry\nA,0123456789abcdef\n").changed(now) == "B"
    assert parse_selection(b"name,geometry\nA,0123456789abcdef\nx\ny\n").changed(now) is not None


def swap(folder, name, other):
    """The file of one trajectory under the name of another, in a folder whose index is lost."""
    shutil.copy(folder / f"trajectories/{other}.h5", folder / f"trajectories/{name}.h5")
    (folder / "index.jsonl").unlink()


@pytest.mark.parametrize("other", ["HF_d0", "H2_d1"])
def test_a_file_of_another_trajectory_is_not_adopted(folder, other):
    right = read_trajectory(folder / "trajectories/H2_d0.h5")
    swap(folder, "H2_d0", other)
    summary = generate(recipe(), folder, jobs=1)
    assert (summary.already_done, summary.done) == (3, 4)
    again = read_trajectory(folder / "trajectories/H2_d0.h5")
    assert again.provenance.id == "H2_d0"
    assert np.array_equal(again.numbers, right.numbers)


def test_a_file_of_another_geometry_with_the_right_id_is_not_adopted_and_found_by_validate(folder, capsys):
    path = folder / "trajectories/H2_d0.h5"
    t = read_trajectory(path)
    moved = t.positions_angstrom.copy()
    moved[0, 0] += 1e-9
    write_trajectory(path, t.replace(positions_angstrom=moved))
    dataset = DatasetFolder(folder)
    dataset.append(dataset.done_record("H2_d0", t))
    said = said_by(capsys, "validate", folder, code=1)
    assert "FAIL H2_d0: id and geometry: the file holds another geometry (H2) than selection.csv" in said
    assert "3 of 4 valid" in said
    assert "4 of 4 valid" in said_by(capsys, "validate", folder, "--repair")
    write_trajectory(path, t.replace(positions_angstrom=moved))
    (folder / "index.jsonl").unlink()
    assert generate(recipe(), folder, jobs=1).already_done == 3


def test_validate_names_a_file_whose_stored_id_is_another(folder, capsys):
    shutil.copy(folder / "trajectories/HF_d0.h5", folder / "trajectories/H2_d0.h5")
    dataset = DatasetFolder(folder)
    dataset.append(dataset.done_record("H2_d0", read_trajectory(folder / "trajectories/HF_d0.h5")))
    assert "FAIL H2_d0: id and geometry: the file is that of HF_d0" in said_by(capsys, "validate", folder, code=1)


@pytest.mark.parametrize("file", ["../../outside.h5", "/etc/hostname", "trajectories/../../outside.h5"])
def test_paths_in_the_index_are_not_followed(folder, capsys, tmp_path, file):
    target = tmp_path / "outside.h5"
    shutil.copy(folder / "trajectories/H2_d0.h5", target)
    before = target.read_bytes()
    lines = [json.loads(line) for line in (folder / "index.jsonl").read_text().splitlines()]
    lines = [{**r, "file": file} if r["id"] == "H2_d0" else r for r in lines]
    lines.append({**lines[0], "id": "../../outside", "file": "trajectories/../../outside.h5"})
    (folder / "index.jsonl").write_text("".join(json.dumps(r) + "\n" for r in lines))
    assert "it names a file elsewhere" in said_by(capsys, "validate", folder, code=1)
    assert "4 of 4 valid" in said_by(capsys, "validate", folder, "--repair")
    assert target.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["outside.h5", "set"]


@pytest.mark.parametrize("name", ["trajectories", "unfinished", "log", "selection.csv", "index.jsonl", ".lock"])
def test_nothing_is_written_or_deleted_through_a_link(folder, capsys, tmp_path, name):
    outside, inside = tmp_path / "outside", folder / name
    if inside.is_dir() or name == "unfinished":
        shutil.copytree(inside, outside) if inside.is_dir() else outside.mkdir()
        (outside / "precious.h5").write_bytes(b"mine")
        (outside / ".precious.tmp").write_bytes(b"mine")
        shutil.rmtree(inside, ignore_errors=True)
    else:
        outside.write_bytes(inside.read_bytes() if inside.exists() else b"mine")
        inside.unlink(missing_ok=True)
    inside.symlink_to(outside)
    before = {p: p.read_bytes() for p in [outside, *outside.rglob("*")] if p.is_file()}
    rewrite(folder / "index.jsonl", lambda old: old) if name != "index.jsonl" else None
    (folder / "index.jsonl").open("a").write("123\n") if name != "index.jsonl" else None
    (folder / "trajectories/H2_d0.h5").unlink() if name != "trajectories" else None
    said = said_by(capsys, "validate", folder, "--repair", code=2)
    assert f"{inside} is a link that leaves the folder" in said
    with pytest.raises(InputError, match="is a link that leaves the folder"):
        generate(recipe(propagation={"steps": 40, "save_every": 5}), folder, jobs=1)
    assert {p: p.read_bytes() for p in [outside, *outside.rglob("*")] if p.is_file()} == before


def test_a_trajectory_that_is_a_link_out_of_the_folder_is_made_again_and_its_target_kept(folder, capsys, tmp_path):
    path, outside = folder / "trajectories/H2_d0.h5", tmp_path / "outside.h5"
    path.rename(outside)
    path.symlink_to(outside)
    before = outside.read_bytes()
    said = said_by(capsys, "validate", folder, code=1)
    assert "FAIL H2_d0: readable: a link that leaves the folder, which is not followed" in said
    assert "4 of 4 valid" in said_by(capsys, "validate", folder, "--repair")
    assert not path.is_symlink()
    assert outside.read_bytes() == before


def test_the_picture_of_a_folder_is_not_written_through_a_link(folder, capsys, tmp_path):
    (tmp_path / "precious").write_text("mine")
    (folder / "overview.png").symlink_to(tmp_path / "precious")
    said_by(capsys, "show", folder)
    assert (tmp_path / "precious").read_text() == "mine"
    assert not (folder / "overview.png").is_symlink()


def spoil(folder, identifier, change):
    """A file that is damaged, and an index that says it is meant so."""
    path = folder / f"trajectories/{identifier}.h5"
    t = read_trajectory(path)
    with h5py.File(path, "r+") as file:
        change(file)
    dataset = DatasetFolder(folder)
    dataset.append(dataset.done_record(identifier, t))


def test_one_bad_file_among_good_ones_is_named_and_the_exit_code_is_one(folder, capsys):
    def change(file):
        del file["frames/dipole_au"]
        file["frames/dipole_au"] = 3

    spoil(folder, "HF_d0", change)
    said = said_by(capsys, "validate", folder, code=1)
    assert "FAIL HF_d0: readable: ContractError: " in said
    assert "frames/dipole_au has type int64, expected real numbers" in said
    said = said_by(capsys, "show", folder, code=1)
    assert said.count("left out: ") == 1
    assert "HF_d0.h5: frames/dipole_au has type" in said
    assert "4 of 4 valid" in said_by(capsys, "validate", folder, "--repair")


def test_ids_are_names_of_files():
    for good in ("H2O_d0", "C_N-1a2b3c4d_d1", "benzène_d0"):
        assert is_identifier(good)
    for bad in ("", "../x", "a/b", "a\\b", ".hidden", "a\nb", "a\0b", "x" * 300, None, 3):
        assert not is_identifier(bad)


def test_the_recipe_of_adopted_files_is_compared_as_before(folder):
    (folder / "index.jsonl").unlink()
    t = read_trajectory(folder / "trajectories/H2_d0.h5")
    assert t.provenance.recipe_hash == recipe_hash(recipe())
    assert generate(recipe(), folder, jobs=1).already_done == 4
    assert os.listdir(folder / "unfinished") == []
