"""``tdddft absorption``: table, CSV and figure of one molecule and of several geometries."""

import csv
import json

import pytest

from tdddft.__main__ import main

FAST = ["--set", "method.grid_level=1", "--set", "method.response_grid=coarse", "--hwhm-ev", "0.5"]


def _run(capsys, monkeypatch, *words):
    monkeypatch.setattr("sys.argv", ["tdddft", *map(str, words)])
    with pytest.raises(SystemExit) as end:
        main()
    return end.value.code, capsys.readouterr()


def test_two_methods_in_one_figure_and_table(capsys, monkeypatch, tmp_path):
    code, said = _run(
        capsys, monkeypatch, "absorption", "g2:H2O", "--method", "casida", "--method", "linear", "--kernel", "grid",
        "--roots", 5, "--csv", tmp_path / "a.csv", "--figure", tmp_path / "a.png", "--json", *FAST,
    )  # fmt: skip
    assert not code
    result = json.loads(said.out)
    assert set(result["peaks"]) == {"casida", "linear"}
    rows = list(csv.DictReader((tmp_path / "a.csv").open()))
    assert {"energy_ev", "wavelength_nm", "strength_per_ev:casida", "strength_per_ev:linear"} == set(rows[0])
    assert float(rows[0]["energy_ev"]) * float(rows[0]["wavelength_nm"]) == pytest.approx(1239.842, rel=1e-6)
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_frames_of_one_molecule_are_averaged_and_others_refused(capsys, monkeypatch, tmp_path):
    frames = "3\nstretched\nO 0 0 0\nH 0 0.80 0.6\nH 0 -0.80 0.6\n3\nshort\nO 0 0 0\nH 0 0.74 0.58\nH 0 -0.74 0.58\n"
    (tmp_path / "frames.xyz").write_text(frames)
    code, said = _run(
        capsys, monkeypatch, "absorption", tmp_path / "frames.xyz", "--charge", 0, "--unit", "nm",
        "--figure", tmp_path / "mean.png", *FAST,
    )  # fmt: skip
    assert not code
    assert "peak (nm)" in said.out
    assert "2 geometries" in said.out
    (tmp_path / "mixed.xyz").write_text(frames + "2\nhydrogen\nH 0 0 0\nH 0 0 0.74\n")
    code, said = _run(capsys, monkeypatch, "absorption", tmp_path / "mixed.xyz", "--charge", 0, *FAST)
    assert code == 2
    assert "other atoms" in said.err


@pytest.mark.parametrize("frames", [1, 2])
def test_circular_dichroism_stands_in_table_csv_figure_and_json(capsys, monkeypatch, tmp_path, frames):
    twisted = "4\ntwisted\nO 0 0.7 0\nO 0 -0.7 0\nH -0.4 0.9 0.8\nH 0.4 -0.9 0.8\n"
    (tmp_path / "frames.xyz").write_text(twisted * frames)
    words = (
        "absorption", tmp_path / "frames.xyz", "--charge", 0, "--method", "casida", "--circular-dichroism",
        "--roots", 6, "--hwhm-ev", 0.3, "--set", "method.basis=sto-3g", "--set", "method.functional=HF",
    )  # fmt: skip
    files = ("--csv", tmp_path / "a.csv", "--figure", tmp_path / "a.png")
    code, said = _run(capsys, monkeypatch, *words, *files)
    assert not code
    assert ("R velocity" in said.out) == (frames == 1)
    rows = list(csv.DictReader((tmp_path / "a.csv").open()))
    assert max(abs(float(row["delta_epsilon_l_per_mol_cm:length"])) for row in rows) > 1
    assert "delta_epsilon_l_per_mol_cm:velocity" in rows[0]
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    code, said = _run(capsys, monkeypatch, *words, "--json")
    assert not code
    result = json.loads(said.out)["circular_dichroism"]
    assert len(result) == frames
    assert len(result[0]["origin_bohr"]) == 3
    assert abs(result[0]["roots"][0]["rotatory_strength_length_1e40_cgs"]) > 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--method", "casida", "--kernel", "ris"], "--kernel has no effect"),
        (["--roots", "3"], "--roots has no effect"),
        (["--circular-dichroism"], "--circular-dichroism has no effect"),
        (["--method", "casida", "--circular-dichroism"], "all electrons"),
        (["--method", "fast"], "casida, linear, realtime"),
        (["--set", "propagation.steps=3"], "propagation"),
    ],
)
def test_options_without_effect_are_refused(capsys, monkeypatch, words, message):
    code, said = _run(capsys, monkeypatch, "absorption", "g2:H2O", *words)
    assert code == 2
    assert message in said.err
