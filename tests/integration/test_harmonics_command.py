"""``tdddft harmonics``: table, CSV, figure and JSON of trajectory files."""

import csv
import json

import numpy as np
import pytest

from tdddft import Laser, write_trajectory
from tdddft.__main__ import main
from tdddft.trajectory import FieldInfo


def _run(capsys, monkeypatch, *words):
    monkeypatch.setattr("sys.argv", ["tdddft", *map(str, words)])
    with pytest.raises(SystemExit) as end:
        main()
    return end.value.code, capsys.readouterr()


@pytest.fixture
def files(small_trajectory, tmp_path):
    times = np.arange(0, 20, 0.02)
    dipole = np.outer(np.cos(times * 1.55 / 0.6582), [0.0, 0.0, 1.0])
    t = small_trajectory
    frames = {
        n: np.repeat(getattr(t, n)[:1], 1000, axis=0) for n in ("frame_coefficients", "energy_hartree", "norm_error")
    }
    long = t.replace(times_fs=times, dipole_au=dipole, field=FieldInfo(Laser(1.55)), **frames)
    return [write_trajectory(tmp_path / name, long) for name in ("a.h5", "b.h5")]


def test_two_files_give_one_table_csv_and_figure(capsys, monkeypatch, tmp_path, files):
    outputs = ("--csv", tmp_path / "h.csv", "--figure", tmp_path / "h.png")
    code, said = _run(capsys, monkeypatch, "harmonics", *files, "--max-order", 5, *outputs)
    assert not code
    assert "a: classical cut-off at order" in said.out
    rows = list(csv.DictReader((tmp_path / "h.csv").open()))
    assert {row["trajectory"] for row in rows} == {"a", "b"}
    highest = max(rows, key=lambda row: float(row["yield_z"]))
    assert float(highest["order"]) == pytest.approx(1.0, abs=0.05)
    assert float(highest["energy_ev"]) == pytest.approx(1.55, abs=0.08)
    assert (tmp_path / "h.png").read_bytes().startswith(b"\x89PNG")


def test_json_and_errors(capsys, monkeypatch, files):
    code, said = _run(capsys, monkeypatch, "harmonics", files[0], "--max-order", 4, "--window", "hann", "--json")
    assert not code
    assert [h["order"] for h in json.loads(said.out)["harmonics"]["a"]] == [1, 2, 3, 4]
    code, said = _run(capsys, monkeypatch, "harmonics", files[0], "--max-order", 400)
    assert code == 2
    assert "resolve 66.7 orders" in said.err
