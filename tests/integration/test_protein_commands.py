"""The commands for proteins as a user types them, on generated chains and with the weights of the package."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from protein_files import alpha_lines, pdb_line, pdb_text, write

COMMAND = Path(sys.executable).with_name("graphlearn")


def run(*arguments, code=0, **variables):
    environment = {k: v for k, v in os.environ.items() if k != "GRAPHLEARN_DATA"}
    done = subprocess.run(
        [COMMAND, "-q", *map(str, arguments)], capture_output=True, text=True, check=False, timeout=300,
        env={**environment, "COLUMNS": "160", **variables},
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def structures(tmp_path_factory):
    """Forty files, one of them empty."""
    folder = tmp_path_factory.mktemp("structures")
    for number in range(39):
        write(folder / f"{number:04d}.pdb", alpha_lines(length=20 + number))
    (folder / "9999.pdb").write_text("")
    return folder


def test_forty_files_take_one_command_and_a_bad_one_does_not_stop_the_rest(structures, tmp_path):
    done = run(
        "predict", structures, "--ontology", "ec", "--threshold", 0, "--top", 2, "--out", tmp_path / "out", code=1
    )
    assert "9999.pdb: the file is empty" in done.stderr
    assert "1 of 40 files could not be predicted" in done.stderr
    content = json.loads((tmp_path / "out/predictions.json").read_text())
    assert len(content["files"]) == 39
    assert list(content["failures"]) == [str(structures / "9999.pdb")]
    with (tmp_path / "out/terms.csv").open() as handle:
        rows = list(csv.DictReader(handle))
    assert len(rows) == 78
    assert all(0 <= float(row["probability"]) <= 1 for row in rows)
    assert len(list((tmp_path / "out").glob("*.html"))) == len(list((tmp_path / "out").glob("*.png"))) == 39
    with (tmp_path / "out/residues.csv").open() as handle:
        first = next(csv.DictReader(handle))
    assert (first["chain"], first["residue"], first["what"]) == ("0000-A", "A:1", "proposal")


def test_a_run_that_is_terminated_keeps_its_tables_and_goes_on(tmp_path):
    out, structures = tmp_path / "out", tmp_path / "structures"
    structures.mkdir()
    for number in range(10):
        write(structures / f"{number:04d}.pdb", alpha_lines(length=20 + number))
    command = [COMMAND, "predict", structures, "--ontology", "ec", "--network-only", "--out", out]
    process = subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    log = out / "finished.jsonl"
    while process.poll() is None and not (log.is_file() and log.read_text().count("\n") >= 2):
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
    process.terminate()
    _, said = process.communicate(timeout=120)
    assert process.returncode == 75, said
    assert "run the same command again to continue" in said
    finished = log.read_text().count("\n")
    assert 2 <= finished < 10
    assert len(json.loads((out / "predictions.json").read_text())["files"]) == finished
    assert (out / "terms.csv").is_file()
    again = run(*command[1:])
    assert f"{finished} of 10 files as they were" in again.stdout
    assert len(json.loads((out / "predictions.json").read_text())["files"]) == 10


def test_both_ontologies_come_with_the_package(tmp_path):
    file = tmp_path / "1ABC.pdb"
    file.write_text(pdb_text("MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSGAEKAVQVKVKALPDAQFEV"))
    for ontology in ("mf", "ec"):
        run("predict", file, "--ontology", ontology, "--threshold", 0, "--top", 3, "--json", tmp_path / "found.json")
        (found,) = json.loads((tmp_path / "found.json").read_text())["files"][str(file)]
        assert (found["chain"], found["secondary_source"], found["warnings"]) == ("1ABC-A", "mdtraj", [])
        assert len(found["terms"]) == 3
        assert all(term["name"] for term in found["terms"])


def test_five_thousand_residues(tmp_path):
    file = write(tmp_path / "LONG.pdb", alpha_lines(length=5000))
    done = run("predict", file, "--ontology", "ec", "--threshold", 0, "--top", 1)
    assert "5000 residues" in done.stdout


WATER = "HETATM    1  O   HOH A   1       0.000   0.000   0.000  1.00  0.00           O"
NAN = pdb_line(number=99).replace("   0.000", "     nan", 1)


@pytest.mark.parametrize(
    ("lines", "options", "message"),
    [
        ([WATER], [], "no protein chain found"),
        (alpha_lines(), ["--chain", "B"], "has no protein chain 'B'; its protein chains are A"),
        (alpha_lines(length=4), [], "at least 5 are needed"),
        ([*alpha_lines(), NAN], [], "finite"),
        ([*alpha_lines(), *alpha_lines(start=(9, 0, 0))], [], "twice"),
        (alpha_lines(), ["--ontology", "xx"], "no model 'protein_rpn/xx'"),
    ],
)
def test_bad_structures_and_names_are_refused(tmp_path, lines, options, message):
    file = write(tmp_path / "1ABC.pdb", lines)
    done = run("predict", file, *options, code=2)
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_few_residues_are_predicted_with_a_warning(tmp_path):
    file = write(tmp_path / "1ABC.pdb", alpha_lines(length=5))
    done = run("predict", file, "--threshold", 0, "--top", 1)
    assert "5 residues; the model was trained on chains of 60 and more" in " ".join(done.stdout.split())


def test_training_needs_its_tables_and_says_so(tmp_path):
    done = run("train", "protein_rpn/ec", "--out", tmp_path / "model", code=2)
    assert "GRAPHLEARN_DATA" in done.stderr
    done = run("evaluate", "protein_rpn/ec", "--id", "x", code=2)
    assert "--id: no effect on this model" in done.stderr
    assert "holds no model" in run("evaluate", tmp_path, code=2).stderr


def test_the_shipped_predictor_is_evaluated(data_folder, tmp_path):
    data = data_folder / "protein"
    run("evaluate", "protein_rpn/ec", "--data", data, "--no-residues", "--out", tmp_path / "results")
    found = json.loads((tmp_path / "results/errors.json").read_text())
    errors = found["terms"]["all"]
    assert errors["network"]["fmax"] > 4 * errors["term frequency"]["fmax"]
    assert errors["network and best hit"]["micro_aupr"] > errors["best hit"]["micro_aupr"]
    assert found["calibration_error"] < 0.05
