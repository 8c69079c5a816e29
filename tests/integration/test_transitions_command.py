"""``tdddft transitions`` of a molecule and of a trajectory file."""

import csv
import json

import pytest

from tdddft import Kick, propagate, write_trajectory
from tdddft.__main__ import main

FAST = ["--set", "method.grid_level=1", "--set", "method.response_grid=coarse", "--roots", "5"]


def _run(capsys, monkeypatch, *words):
    monkeypatch.setattr("sys.argv", ["tdddft", *map(str, words)])
    with pytest.raises(SystemExit) as end:
        main()
    return end.value.code, capsys.readouterr()


def test_a_molecule_gives_table_files_and_figure(capsys, monkeypatch, tmp_path):
    files = ("--csv", tmp_path / "t.csv", "--figure", tmp_path / "t.png", "--out", tmp_path / "out")
    words = ("--fragment", "0", "--spacing-au", 0.8, *files, *FAST)
    code, said = _run(capsys, monkeypatch, "transitions", "g2:H2O", *words)
    assert not code
    assert "between the fragments" in said.out
    rows = list(csv.DictReader((tmp_path / "t.csv").open()))
    assert [row["atom"] for row in rows] == ["O0", "H1", "H2"]
    assert sum(float(row["hole"]) for row in rows) == pytest.approx(1.0, abs=2e-4)
    assert (tmp_path / "t.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(path.suffix for path in (tmp_path / "out").iterdir()) == [".cube", ".cube", ".cube", ".molden"]


def test_a_trajectory_gives_its_strongest_peak(capsys, monkeypatch, tmp_path, water):
    t = propagate(water, Kick(1e-3), 300, 0.02, save_every=1, dipole_tolerance=1e-3)
    path = write_trajectory(tmp_path / "w.h5", t)
    code, said = _run(capsys, monkeypatch, "transitions", path, "--json")
    assert not code
    (found,) = json.loads(said.out)["transitions"]
    assert found["oscillator_strength"] > 0.01
    assert sum(found["electron"]) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["g2:H2O", "--peak", "2", *FAST], "no root within 0.2 eV of 2 eV; 5 roots lie between"),
        (["g2:H2O", "--fragment", "O", *FAST], "indices of atoms"),
        (["g2:H2O", "--fragment", "7", *FAST], "0 to 2"),
        (["file.h5", "--roots", "3"], "--roots has no effect"),
        (["file.h5"], "no such file"),
        (["g2:H2O", "--set", "propagation.steps=3"], "propagation"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(capsys, monkeypatch, words, message):
    code, said = _run(capsys, monkeypatch, "transitions", *words)
    assert code == 2
    assert message in said.err
    assert len(said.err.strip().splitlines()) == 1
