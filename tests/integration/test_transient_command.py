"""``tdddft transient`` on a data set with a pump and a probe."""

import csv
import json

import numpy as np
import pytest

from tdddft import InputError, write_trajectory
from tdddft.__main__ import main
from tdddft.fields.sections import PumpProbeField
from tdddft.trajectory import FieldInfo

LASER = "{kind: laser, photon_energy_ev: 10.0, cosine_v_per_angstrom: [0, 0, 0.1], duration_fs: 1.0}"


def _run(capsys, monkeypatch, *words):
    monkeypatch.setattr("sys.argv", ["tdddft", *map(str, words)])
    with pytest.raises(SystemExit) as end:
        main()
    return end.value.code, capsys.readouterr()


def section(**changes):
    pump = {"kind": "laser", "photon_energy_ev": 10.0, "duration_fs": 1.0}
    return PumpProbeField.model_validate({"kind": "pump_probe", "pump": pump, "delays_fs": [0.5, 1.0], **changes})


def test_a_recipe_makes_every_run_once():
    fields = section(probe_directions=[[1, 0, 0], [0, 0, 1]]).fields("any")
    assert [f.kind for f in fields] == ["laser", *["gaussian_pulses"] * 2, *["sum"] * 4]
    assert {(f.fields[1].direction, f.fields[1].center_fs) for f in fields[3:]} == {
        (direction, center) for direction in ((1.0, 0.0, 0.0), (0.0, 0.0, 1.0)) for center in (1.0, 1.5)
    }
    for field in fields[3:]:
        assert field.fields[0] == fields[0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"delays_fs": [-0.5]}, "begins before t = 0"),
        ({"delays_fs": []}, "delays_fs"),
        ({"pump": {"kind": "laser", "photon_energy_ev": 1.0, "envelope": "cw"}}, "not a cw one"),
        ({"probe_directions": [[0, 0, 0]]}, "direction"),
    ],
)
def test_pumps_and_probes_that_make_no_sense_are_refused(changes, message):
    with pytest.raises((ValueError, InputError), match=message):
        section(**changes)


def test_a_data_set_gives_table_csv_and_figure(capsys, monkeypatch, tmp_path, small_trajectory):
    """Lines that the pump moves from 10 to 9 eV."""
    times = 0.02 * np.arange(301)
    for number, field in enumerate(section(delays_fs=[0.5, 0.6, 0.7, 0.8]).fields("any")):
        start = 1.0 if number < 2 else field.fields[1].center_fs
        since, energy = np.clip(times - start, 0, None), 10.0 if number == 1 else 9.0
        dipole = 0.0 * times if number == 0 else 1e-3 * np.sin(energy / 0.6582 * since)
        frames = {
            n: np.repeat(getattr(small_trajectory, n)[:1], 301, axis=0)
            for n in ("frame_coefficients", "energy_hartree", "norm_error")
        }
        t = small_trajectory.replace(
            times_fs=times, field_times_fs=times, field_au=field.at(times), field=FieldInfo(field),
            dipole_au=np.outer(dipole, [0, 0, 1.0]), **frames,
        )  # fmt: skip
        write_trajectory(tmp_path / f"set/trajectories/H2_d{number}.h5", t)
    files = ("--csv", tmp_path / "t.csv", "--figure", tmp_path / "t.png")
    code, said = _run(capsys, monkeypatch, "transient", tmp_path / "set", "--max-energy-ev", 15, "--json", *files)
    assert not code
    changes = json.loads(said.out)["changes"]
    assert {c["delay_fs"] for c in changes} == {0.5, 0.6, 0.7, 0.8}
    lowest, highest = (pick(changes, key=lambda c: c["change_per_ev"])["energy_ev"] for pick in (min, max))
    assert (lowest, highest) == (pytest.approx(10.0, abs=0.3), pytest.approx(9.0, abs=0.3))
    row = next(csv.DictReader((tmp_path / "t.csv").open()))
    assert list(row)[:3] == ["energy_ev", "unpumped_per_ev", "difference_per_ev:0.5fs"]
    assert (tmp_path / "t.png").read_bytes().startswith(b"\x89PNG")
    (tmp_path / "empty").mkdir()
    code, said = _run(capsys, monkeypatch, "transient", tmp_path / "empty")
    assert code == 2
    assert "holds no trajectories" in said.err


def test_the_linear_propagator_is_refused_in_the_recipe(capsys, monkeypatch, tmp_path):
    words = ("--set", "field.kind=pump_probe", "--set", f"field.pump={LASER}", "--set", "field.delays_fs=[1]")
    linear = ("--set", "propagation.propagator=linear")
    code, said = _run(capsys, monkeypatch, "generate", "H2", "--out", tmp_path / "set", *words, *linear)
    assert code == 2
    assert "a pump changes nothing" in said.err
