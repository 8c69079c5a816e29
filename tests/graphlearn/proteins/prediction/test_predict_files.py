"""Many structure files in one run: one that fails does not stop the rest, and a stopped run goes on."""

from __future__ import annotations

import csv
import json
import os
import shutil

import pytest
from protein_files import alpha_lines, cif_text, pdb_text, write

from graphlearn.base.errors import OutOfSpaceError
from graphlearn.proteins.prediction.figure import prediction_figure
from graphlearn.proteins.prediction.output_files import write_tables
from graphlearn.proteins.prediction.predict_files import predict_files
from graphlearn.proteins.prediction.predictor import ProteinPredictor
from graphlearn.proteins.structure.files import distinct_names


@pytest.fixture(scope="module")
def predictor(trained_folder):
    return ProteinPredictor(trained_folder)


@pytest.fixture
def several(tmp_path):
    """Four files."""
    for number in range(4):
        write(tmp_path / f"P{number}.pdb", alpha_lines(20 + number))
    return [tmp_path / f"P{number}.pdb" for number in range(4)]


def chains_of(done):
    return [p.chain for predictions in done.found.values() for p in predictions]


def test_files_of_one_name_give_distinct_chains_pages_and_rows(predictor, tmp_path):
    files = []
    for folder, length in (("a", 20), ("b", 30)):
        (tmp_path / folder).mkdir()
        files.append(tmp_path / folder / "ranked_0.pdb")
        write(files[-1], alpha_lines(length))
    out = tmp_path / "out"
    done = predict_files(predictor, files, out, threshold=0)
    assert chains_of(done) == ["A_RANKED_0-A", "B_RANKED_0-A"]
    assert {f.name for f in out.glob("*.html")} == {"A_RANKED_0-A.html", "B_RANKED_0-A.html"}
    list(write_tables(done.found, done.failures, {}, out, None, None))
    with (out / "residues.csv").open() as handle:
        rows = [row["chain"] for row in csv.DictReader(handle) if row["what"] == "proposal"]
    assert (rows.count("A_RANKED_0-A"), rows.count("B_RANKED_0-A")) == (20, 30)


def test_a_later_run_into_the_folder_takes_no_name_of_an_earlier_one(predictor, tmp_path):
    out = tmp_path / "out"
    for folder, expected in (("a", "RANKED_0-A"), ("b", "B_RANKED_0-A")):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder / "ranked_0.pdb", alpha_lines(20))
        assert chains_of(predict_files(predictor, [tmp_path / folder / "ranked_0.pdb"], out)) == [expected]
    again = predict_files(predictor, [tmp_path / f / "ranked_0.pdb" for f in ("b", "a")], out)
    assert chains_of(again) == ["B_RANKED_0-A", "RANKED_0-A"]
    assert again.kept == 2


@pytest.mark.parametrize(
    ("files", "names"),
    [
        (["1abc.pdb"], ["1ABC"]),
        (["x/ranked_0.pdb", "y/ranked_0.pdb", "z.pdb"], ["X_RANKED_0", "Y_RANKED_0", "Z"]),
        (["x/af/ranked_0.pdb", "y/af/ranked_0.pdb"], ["X_AF_RANKED_0", "Y_AF_RANKED_0"]),
        (["d/1abc.pdb", "d/1abc.cif"], ["1ABC.PDB", "1ABC.CIF"]),
        (["d/1abc.pdb", "d/pdb1abc.ent.gz"], ["1ABC.PDB", "PDB1ABC.ENT"]),
        (
            ["m/hit_unrelaxed_rank_001_alphafold2_ptm_model_1_seed_000.pdb", "m/hit_relaxed_rank_001.pdb"],
            ["HIT_UNRELAXED_RANK_001_ALPHAFOLD2_PTM_MODEL_1_SEED_000", "HIT_RELAXED_RANK_001"],
        ),
    ],
)
def test_names_are_as_short_as_they_can_be(tmp_path, files, names):
    found = distinct_names([tmp_path / file for file in files])
    assert list(found.values()) == names


def test_names_that_differ_in_case_alone_are_distinct(tmp_path):
    found = distinct_names([tmp_path / "a.pdb", tmp_path / "A.pdb", tmp_path / "a.PDB"], taken=["B"])
    assert len(set(found.values())) == 3
    assert distinct_names([tmp_path / "b.pdb"], taken=["B"]) != {tmp_path / "b.pdb": "B"}


def test_a_file_named_twice_is_predicted_once(predictor, several):
    assert len(chains_of(predict_files(predictor, [several[0], several[0].parent / "." / "P0.pdb"]))) == 1


@pytest.mark.parametrize("error", [OSError("no such device"), RuntimeError("an error\nof two lines"), KeyError("x")])
def test_a_file_whose_outputs_fail_does_not_stop_the_rest(predictor, several, tmp_path, monkeypatch, error):
    def fails(prediction):
        if prediction.chain == "P1-A":
            raise error
        return prediction_figure(prediction)

    monkeypatch.setattr("graphlearn.proteins.prediction.output_files.prediction_figure", fails)
    said = []
    done = predict_files(predictor, several, tmp_path / "out", on_failure=said.append)
    assert chains_of(done) == ["P0-A", "P1-A", "P2-A", "P3-A"]
    assert list(done.failures) == [str(several[1])]
    assert said == list(done.failures.values())
    assert type(error).__name__ in said[0]
    assert "\n" not in said[0]
    assert {f.stem for f in (tmp_path / "out").glob("*.png")} == {"P0-A", "P2-A", "P3-A"}
    monkeypatch.undo()
    again = predict_files(predictor, several, tmp_path / "out")
    assert (again.kept, again.failures) == (3, {})
    assert (tmp_path / "out/P1-A.png").is_file()


def test_a_full_disk_ends_the_run(predictor, several, tmp_path, monkeypatch):
    def fails(prediction):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("graphlearn.proteins.prediction.output_files.prediction_figure", fails)
    with pytest.raises(OutOfSpaceError, match="the disk is full; what is finished is kept"):
        predict_files(predictor, several, tmp_path / "out")


def test_a_stopped_run_goes_on_and_ends_as_one_that_was_not_stopped(predictor, several, tmp_path, monkeypatch):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    done = predict_files(predictor, several, whole, threshold=0)
    list(write_tables(done.found, done.failures, {}, whole, None, None))
    seen = []
    first = predict_files(predictor, several, parts, threshold=0, on_file=seen.append, stop=lambda: len(seen) == 2)
    assert (list(first.found), first.kept) == ([str(f) for f in several[:2]], 0)
    with (parts / "finished.jsonl").open("a") as log:
        log.write('{"path": "cut o')
    predicted = []
    before = predictor.predict
    monkeypatch.setattr(predictor, "predict", lambda chain, **k: predicted.append(chain.name) or before(chain, **k))
    rest = predict_files(predictor, several, parts, threshold=0)
    assert predicted == ["P2-A", "P3-A"]
    assert rest.kept == 2
    list(write_tables(rest.found, rest.failures, {}, parts, None, None))
    for name in ("terms.csv", "residues.csv", "P0-A.html", "P3-A.html"):
        assert (parts / name).read_bytes() == (whole / name).read_bytes()
    assert predict_files(predictor, several, parts, threshold=0).kept == 4


def test_what_was_predicted_otherwise_is_predicted_again(predictor, trained_folder, several, tmp_path):
    out = tmp_path / "out"
    predict_files(predictor, several, out)
    assert predict_files(predictor, several, out, threshold=0.9).kept == 0
    assert predict_files(predictor, several, out, threshold=0.9).kept == 4
    assert predict_files(predictor, several, out, threshold=0.9, top=1).kept == 0
    assert (
        predict_files(ProteinPredictor(trained_folder, network_only=True), several, out, threshold=0.9, top=1).kept == 0
    )
    predict_files(predictor, several, out)
    write(several[1], alpha_lines(33))
    (out / "P2-A.png").unlink()
    assert predict_files(predictor, several, out).kept == 2
    other = shutil.copytree(trained_folder, tmp_path / "model")
    facts = json.loads((other / "model.json").read_text())
    (other / "model.json").write_text(json.dumps({**facts, "note": "another"}))
    assert predict_files(ProteinPredictor(other), several, out).kept == 0


@pytest.mark.parametrize("line", ["null", "[]", "123", "{}", '{"path": 1}', "[" * 100_000, "\x00", "no json"])
def test_bad_lines_of_the_list_are_passed_over(predictor, several, tmp_path, line):
    out = tmp_path / "out"
    predict_files(predictor, several[:1], out)
    with (out / "finished.jsonl").open("a") as log:
        log.write(line)
    assert predict_files(predictor, several[:2], out).kept == 1
    assert predict_files(predictor, several[:2], out).kept == 2


@pytest.mark.parametrize(
    "chain", ["/", "..", "../../evil", "/etc/x", "x" * 300, "a\\b", "$x$", "$\\frac$", "[/red]", "<b>"]
)
def test_chains_of_any_name_stay_in_the_folder(predictor, tmp_path, chain):
    text = cif_text(pdb_text()).splitlines()
    fields = [line.split() for line in text]
    renamed = [" ".join(chain if x == "A" else x for x in f) if f[:1] == ["ATOM"] else " ".join(f) for f in fields]
    file = tmp_path / "in" / "x.cif"
    file.parent.mkdir()
    file.write_text("\n".join(renamed) + "\n")
    out = tmp_path / "deep" / "out"
    done = predict_files(predictor, [file], out, threshold=0)
    assert done.failures == {}
    assert chains_of(done) == [f"X-{chain}"]
    assert sorted(p.suffix for p in out.iterdir()) == [".html", ".jsonl", ".png"]
    assert all(len(p.name) < 130 for p in out.iterdir())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["deep", "in"]
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["out"]


def test_control_characters_in_a_chain_reach_neither_names_nor_tables(predictor, tmp_path):
    text = cif_text(pdb_text()).replace(" A ", " A\x1b[31m\x07 ")
    (tmp_path / "x.cif").write_text(text)
    done = predict_files(predictor, [tmp_path / "x.cif"], tmp_path / "out")
    assert chains_of(done) == ["X-A_[31m_"]


def test_a_file_name_that_is_no_text_is_predicted(predictor, tmp_path):
    file = os.fsencode(tmp_path) + b"/p\xff.pdb"
    with open(file, "w") as handle:
        handle.write("\n".join(alpha_lines(20)) + "\n")
    done = predict_files(predictor, [type(tmp_path)(os.fsdecode(file))], tmp_path / "out")
    assert done.failures == {}
    assert chains_of(done) == ["P\N{REPLACEMENT CHARACTER}-A"]
    assert len(list((tmp_path / "out").glob("*.html"))) == 1


def test_nothing_is_written_without_a_folder(predictor, several, tmp_path):
    before = sorted(tmp_path.iterdir())
    assert len(chains_of(predict_files(predictor, several))) == 4
    assert sorted(tmp_path.iterdir()) == before
