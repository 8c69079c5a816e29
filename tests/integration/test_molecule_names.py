"""Names of molecules, charges and empty paths, from the command line to the files."""

import csv
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from graphlearn.cli import app as graphlearn_app
from tdddft import InputError, Molecule, read_trajectory
from tdddft.cli import app as tdddft_app
from tdddft.cli.generate import recipe_of
from tdddft.dataset.plan import collect_molecules, trajectory_ids
from tdddft.molecules.selection import selection_table

COMMANDS = Path(sys.executable).parent
FAST = [
    "--set", "method.grid_level=0", "--set", "method.response_grid=0", "--set", "propagation.steps=20",
    "--set", "propagation.precision=complex64", "--jobs", "1",
]  # fmt: skip
LONG_SMILES = "[H]" + "C([H])([H])" * 24 + "[H]"
H2 = "2\nhydrogen\nH 0 0 0\nH 0 0 0.74\n"


def run(*arguments, code=0, **options):
    program, *rest = [str(a) for a in arguments]
    done = subprocess.run([COMMANDS / program, *rest], capture_output=True, text=True, check=False, **options)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout if code == 0 else done.stderr


def refusal(*arguments):
    """The message of a command that refuses its input, without a process of its own."""
    program, *rest = [str(a) for a in arguments]
    result = CliRunner().invoke({"tdddft": tdddft_app, "graphlearn": graphlearn_app}[program], rest)
    assert isinstance(result.exception, InputError), result.output
    return str(result.exception)


def files_below(folder):
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


def test_names_that_are_long_odd_or_alike_each_get_a_file_and_nothing_is_written_elsewhere(tmp_path):
    sources, out = tmp_path / "sources", tmp_path / "out"
    sources.mkdir()
    names = ["x" * 240, "x" * 240 + "y", "-o", "H=2", "H#2"]
    for name in names:
        (sources / f"{name}.xyz").write_text(H2)
    (sources / "titles.smi").write_text("[H][H] ../../../outside\n")
    before = files_below(tmp_path)
    run("tdddft", "generate", sources, "--out", out, *FAST, cwd=tmp_path)
    table = list(csv.DictReader((out / "selection.csv").open(newline="")))
    assert len({row["name"].casefold() for row in table}) == len(names) + 1
    written = sorted(p.name for p in (out / "trajectories").iterdir())
    assert written == sorted(f"{row['name']}_d0.h5" for row in table)
    assert all(new.startswith("out/") for new in files_below(tmp_path) - before)
    for row in table:
        assert read_trajectory(out / "trajectories" / f"{row['name']}_d0.h5").name == row["name"]
    again = run("tdddft", "generate", sources, "--out", out, *FAST, cwd=tmp_path)
    assert f"{len(table)} of {len(table)} trajectories" in again
    assert sorted(p.name for p in (out / "trajectories").iterdir()) == written


@pytest.mark.parametrize("first", [LONG_SMILES, "smiles:" + LONG_SMILES, "x" * 300, "x/" * 2000])
def test_a_first_source_longer_than_any_file_name_is_read_or_refused_in_one_line(tmp_path, first):
    assert len(first) > 255
    if first.startswith("smiles:"):
        (molecule,) = collect_molecules(recipe_of([first], tmp_path, []))
        assert molecule.formula == "C24H50"
        assert all(len(name) < 150 for name in trajectory_ids(molecule, recipe_of([first], tmp_path, [])))
        return
    assert "\n" not in refusal("tdddft", "generate", first, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_cyanide_and_imine_have_their_own_files_the_same_in_every_run(tmp_path):
    recipe = recipe_of(["smiles:C#N", "smiles:C=N", "smiles:c1ccccc1", "smiles:C1CCCCC1"], tmp_path, [])
    molecules = collect_molecules(recipe)
    ids = [next(iter(trajectory_ids(m, recipe))) for m in molecules]
    assert [m.formula for m in molecules] == ["CHN", "CH3N", "C6H6", "C6H12"]
    assert ids == ["C_N-2e683ad4_d0", "C_N-8419bd7a_d0", "c1ccccc1-13cad05c_d0", "C1CCCCC1_d0"]
    assert len({i.casefold() for i in ids}) == 4


def test_a_molecule_made_by_hand_has_no_path_for_its_id(tmp_path):
    molecule = Molecule("../../outside", [1, 1], [[0, 0, 0], [0, 0, 0.74]])
    assert list(trajectory_ids(molecule, recipe_of(["H2"], tmp_path, []))) == ["outside-e28b700f_d0"]


def test_names_that_differ_in_case_alone_are_refused(tmp_path):
    for folder, name in (("a", "Water.xyz"), ("b", "water.xyz")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text(H2)
    said = refusal("tdddft", "generate", tmp_path / "a", tmp_path / "b", "--out", tmp_path / "out")
    assert "not in upper and lower case alone; these clash: Water, water" in said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["tdddft", "generate", "H2", "--out", ""], "--out is empty"),
        (["tdddft", "generate", "H2", "--out="], "--out is empty"),
        (["tdddft", "generate", "H2", "-o", " "], "-o is empty"),
        (["tdddft", "generate", "", "--out", "out"], "an argument is empty"),
        (["tdddft", "density", "a.h5", "--out", ""], "--out is empty"),
        (["tdddft", "show", "a.h5", "--figure", ""], "--figure is empty"),
        (["graphlearn", "demo", "--out", ""], "--out is empty"),
        (["graphlearn", "train", "orbevo/demo", "--data", "", "--out", "out"], "--data is empty"),
        (["graphlearn", "predict", "a.pdb", "--out", ""], "--out is empty"),
        (["graphlearn", "evaluate", "", "--data", "d"], "an argument is empty"),
        (["graphlearn", "rollout", "H2", "--out", ""], "--out is empty"),
    ],
)
def test_an_empty_path_is_refused_and_does_not_stand_for_the_working_folder(tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    assert said in refusal(*arguments)
    assert os.listdir(tmp_path) == []


def test_the_charge_of_an_ion_is_given_on_the_command_line_kept_in_the_recipe_and_listed(tmp_path):
    (tmp_path / "oh.xyz").write_text("2\nhydroxide\nO 0 0 0\nH 0 0 0.97\n")
    out = tmp_path / "set"
    command = ["tdddft", "generate", tmp_path / "oh.xyz", "--out", out, *FAST]
    assert "9 electrons is an odd number" in (said := refusal(*command))
    assert "--charge" in said
    for wrong in ("1.5", "oh=", "", "-", "oh=1e0"):
        assert "--charge" in refusal(*command, "--charge", wrong)
    assert "one number for all molecules, or NAME=N" in refusal(*command, "--charge", "-1", "--charge", "oh=-1")
    assert "the sources have no molecule water" in refusal(*command, "--charge", "oh=-1", "--charge", "water=0")
    assert not out.exists()
    run(*command, "--charge", "-1")
    assert "charge: -1" in (out / "recipe.yaml").read_text()
    (row,) = csv.DictReader((out / "selection.csv").open(newline=""))
    assert (row["charge"], row["charge_from"]) == ("-1", "given")
    t = read_trajectory(out / "trajectories/oh_d0.h5")
    assert t.molecule.charge == -1
    assert 2 * len(t.occupations) == 8  # valence electrons of OH-
    assert "1 finished, 0 failed, 0 missing of 1" in run("tdddft", "status", out)
    assert "these keys differ: charge" in refusal(*command, "--charge", "oh=-1")


def test_what_a_file_states_is_listed(tmp_path):
    (tmp_path / "oh.xyz").write_text("2\ncharge=-1\nO 0 0 0\nH 0 0 0.97\n")
    recipe = recipe_of([str(tmp_path / "oh.xyz"), "g2:H2"], tmp_path, [])
    rows = csv.DictReader(io.StringIO(selection_table(collect_molecules(recipe))))
    assert [(r["name"], r["charge"], r["charge_from"]) for r in rows] == [
        ("oh", "-1", "charge=-1"), ("H2", "0", "g2 holds neutral molecules"),
    ]  # fmt: skip
