"""A user's own proteins, from structure files and a table to an evaluated model."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from protein_files import alpha_lines, write

from graphlearn.base.errors import ContractError, InputError
from graphlearn.datasets import ProteinGO
from graphlearn.proteins.data.split import split_by_identity
from graphlearn.proteins.data.training_data import left_out_lines, write_left_out
from graphlearn.proteins.evaluation.evaluate import evaluate, stored_data, stored_recipe
from graphlearn.proteins.evaluation.report import ProteinEvaluation
from graphlearn.proteins.evaluation.site_benchmark import held_out_sites
from graphlearn.proteins.prediction.predictor import ProteinPredictor
from graphlearn.proteins.structure.files import read_structures
from graphlearn.proteins.system import SYSTEM
from graphlearn.training.compare import compare as compare_runs
from graphlearn.training.comparison_table import ComparisonTable


def compare(recipe, out, **options):
    return compare_runs(SYSTEM.comparison(recipe, None, (), "cpu"), out, jobs=1, **options)


def test_terms_that_follow_from_residues_are_learned(trained_folder):
    predictor = ProteinPredictor(trained_folder)
    recipe = stored_recipe(predictor)
    data = stored_data(predictor, recipe)
    found = evaluate(predictor, data)
    assert found.errors["all"]["network"]["fmax"] > 0.9
    assert found.errors["all"]["term frequency"]["fmax"] < 0.8
    assert found.chains_of_bin == {"all": 4}
    assert held_out_sites(recipe, data) is None
    with pytest.raises(InputError, match="no chains for none"):
        evaluate(predictor, data, "none")
    with pytest.raises(InputError, match="leave out --data"):
        stored_recipe(predictor, trained_folder)


def test_a_model_is_evaluated_with_its_training_chains_alone(trained_folder, own_data):
    with pytest.raises(ContractError, match="the training chains are missing"):
        evaluate(ProteinPredictor(trained_folder, network_only=True), own_data)


def test_an_evaluation_is_written(trained_folder, own_data, tmp_path):
    found = ProteinEvaluation(evaluate(ProteinPredictor(trained_folder), own_data))
    files = list(found.write(tmp_path / "evaluation"))
    assert {f.name for f in files} == {"tables.md", "errors.json", "chains.csv", "fmax.png", "calibration.png"}
    assert all(f.stat().st_size > 0 for f in files)
    assert json.loads((tmp_path / "evaluation/errors.json").read_text()) == json.loads(json.dumps(found.to_dict()))
    assert "| network | " in found.to_markdown()
    assert len((tmp_path / "evaluation/chains.csv").read_text().splitlines()) == 5


def test_a_comparison_goes_on_and_refuses_another_recipe(own_recipe, tmp_path):
    seen = []
    found = compare(own_recipe, tmp_path, on_run=lambda n, line: seen.append(line["variant"]))
    assert sorted(seen) == ["ours", "plain"]
    assert not found.failed
    again = compare(own_recipe, tmp_path, on_run=lambda n, line: seen.append(line["variant"]))
    assert len(seen) == 2
    assert again.done == json.loads(json.dumps(found.done))
    table = ComparisonTable(SYSTEM.comparison(own_recipe, None, (), "cpu"), found.done)
    text = table.markdown()
    assert "| plain |" in text
    assert "| best hit |" in text
    (axes,) = table.figure().axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["ours", "plain"]
    changed = own_recipe.model_copy(update={"optimisation": own_recipe.optimisation.model_copy(update={"epochs": 3})})
    with pytest.raises(InputError, match=r"differ in optimisation\.epochs"):
        compare(changed, tmp_path)


def test_a_variant_that_fails_does_not_stop_the_others(own_recipe, tmp_path):
    variants = {"wrong": ("model.channels=7",), "ours": ("optimisation.epochs=1",)}
    settings = own_recipe.model_copy(
        update={"comparison": own_recipe.comparison.model_copy(update={"variants": variants})}
    )
    found = compare(settings, tmp_path)
    assert [line["variant"] for line in found.done] == ["ours"]
    assert [line["variant"] for line in found.failed] == ["wrong"]


def test_fingerprint_ignores_what_is_default(own_recipe):
    explicit = own_recipe.model_copy(update={"model": {**own_recipe.model, "hops": 2, "node_drop": True}})
    assert explicit.fingerprint == own_recipe.fingerprint
    assert own_recipe.variant("plain", 0).fingerprint != own_recipe.variant("ours", 0).fingerprint


def test_labels_without_structure_and_bad_files_are_named(own_folder, tmp_path):
    folder = tmp_path / "structures"
    folder.mkdir()
    for name in ("C00", "C01", "C02", "C03", "C04", "C05"):
        (folder / f"{name}.pdb").write_bytes((own_folder / "structures" / f"{name}.pdb").read_bytes())
    (folder / "empty.pdb").write_text("")
    labels = tmp_path / "labels.tsv"
    labels.write_text("c00\t1.1.1.1\nC01-A\t2.1.1.1\nC02-A\t1.1.1.1\nC03-A\t2.1.1.1\nC04-A\t3.1.1.1\n9XYZ-A\t1.1.1.1\n")
    for part, names in (("train", "C00-A\nC01-A\n8ABC-A\n"), ("validation", "C02-A\nC03-A\n")):
        (tmp_path / part).write_text(names)
    lists = {"train": tmp_path / "train", "validation": tmp_path / "validation"}
    data = ProteinGO.from_folder(folder, labels, "ec", lists=lists, cache=tmp_path / "cache")
    assert data.split["train"] == ("C00-A", "C01-A")
    assert data.terms == ("1.1.-.-", "1.1.1.-", "1.1.1.1", "2.1.-.-", "2.1.1.-", "2.1.1.1")
    reasons = {key.rsplit("/", 1)[-1]: why for key, why in data.failures.items()}
    assert "the file is empty" in reasons["empty.pdb"]
    assert reasons["9XYZ-A"] == "has labels, but no structure file"
    assert "without a structure file" in reasons["8ABC-A"]
    assert reasons["C05-A"] == "has a structure, but no label"
    assert reasons["C04-A"] == "has labels and a structure, but stands in no list"
    assert reasons["3.1.1.1"] == "a term of 0 training chains, fewer than 1"
    left_out = write_left_out(data.failures, tmp_path / "model")
    with left_out.open() as handle:
        assert {row["name"]: row["reason"] for row in csv.DictReader(handle)} == dict(data.failures)
    assert len(data.failures) > 5
    assert left_out_lines(data.failures)[5:] == [f"left out: {len(data.failures) - 5} more"]
    assert write_left_out({}, tmp_path / "model") is None
    assert not left_out.exists()
    assert data[0].y.sum() == 3
    again = ProteinGO.from_folder(folder, labels, "ec", lists=lists, cache=tmp_path / "cache")
    assert np.array_equal(again.chain("C00-A").ca_angstrom, data.chain("C00-A").ca_angstrom)
    assert len(list((tmp_path / "cache").rglob("*.safetensors"))) == 6


GO_FILE = """format-version: 1.2
ontology: go

[Term]
id: GO:0003674
name: molecular_function
namespace: molecular_function

[Term]
id: GO:0003824
name: catalytic activity
namespace: molecular_function
is_a: GO:0003674

[Term]
id: GO:0016787
name: hydrolase activity
namespace: molecular_function
is_a: GO:0003824
"""


def test_terms_of_own_proteins_have_the_names_of_the_ontology(own_folder, tmp_path):
    (tmp_path / "go.obo").write_text(GO_FILE)
    (tmp_path / "labels.tsv").write_text("C00-A\tGO:0016787\nC02-A\tGO:0003824\n")
    lists = {}
    for part, name in (("train", "C00-A"), ("validation", "C02-A")):
        lists[part] = tmp_path / part
        lists[part].write_text(f"{name}\n")
    data = ProteinGO.from_folder(
        own_folder / "structures", tmp_path / "labels.tsv", "mf", lists=lists, cache=False,
        ontology_file=tmp_path / "go.obo",
    )  # fmt: skip
    named = {term: data.annotations.names[term] for term in data.terms}
    assert named == {"GO:0003824": "catalytic activity", "GO:0016787": "hydrolase activity"}


def test_deepfri_files_are_read_as_they_are(own_folder, tmp_path):
    text = (
        "### EC-numbers\n1.1.1.-\t1.1.1.1\n### PDB-chain\tEC-numbers\nC00-A\t1.1.1.-,1.1.1.1\nC02-A\t1.1.1.-\nC04-A\t\n"
    )
    labels = tmp_path / "nrPDB-EC_annot.tsv"
    labels.write_text(text)
    for part, name in (("train", "C00-A"), ("validation", "C02-A")):
        (tmp_path / part).write_text(f"{name}\n")
    lists = {part: tmp_path / part for part in ("train", "validation")}
    data = ProteinGO.from_folder(own_folder / "structures", labels, "ec", lists=lists, cache=False)
    assert data.chains == ("C00-A", "C02-A")
    with pytest.raises(InputError, match="holds terms of ec, not of mf"):
        ProteinGO.from_folder(own_folder / "structures", labels, "mf", lists=lists, cache=False)


@pytest.mark.parametrize(
    ("labels", "lists", "message"),
    [
        ("C00-A\t1.1.1.1 2\n", {}, "is no term"),
        ("C00-A\t1.1.1.1;2.1.1.1\n", {}, "'1.1.1.1;2.1.1.1' holds ';' and would be one term; write commas"),
        ("C00-A\t1.1.1.1|2.1.1.1\n", {}, r"holds '\|' and would be one term"),
        ("9XYZ-A\t1.1.1.1\n", {}, "none of 1 labelled chains has a structure"),
        ("C00-A\tGO:0003824\n", {}, "is no EC number"),
        ("C00-A\t1.1.1.1\n", {"training": "x"}, "the parts are train, validation, test"),
        ("C00-A\t1.1.1.1\n", {}, "all 1 chains are alike"),
        ("".join(f"C{n:02d}-A\t{'12'[n % 2]}.1.1.1\n" for n in range(24)), {}, "no validation chain has one of the"),
    ],
)
def test_bad_labels_are_refused(own_folder, tmp_path, labels, lists, message):
    file = tmp_path / "labels.tsv"
    file.write_text(labels)
    with pytest.raises(InputError, match=message):
        ProteinGO.from_folder(own_folder / "structures", file, "ec", lists=lists, cache=False)


def test_chains_of_one_name_in_two_files_are_refused(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder / "1ABC.pdb", alpha_lines())
    with pytest.raises(InputError, match="another file holds a chain 1ABC-A"):
        read_structures([tmp_path / "a", tmp_path / "b"], cache=False)
    (tmp_path / "empty.pdb").write_text("")
    with pytest.raises(InputError, match="none of 1 structure files"):
        read_structures([tmp_path / "empty.pdb"], cache=False)


def test_like_chains_stay_together():
    rng = np.random.default_rng(0)
    families = ["".join(rng.choice(list("ACDEFGHIKLMNPQRSTVWY"), 80)) for _ in range(12)]
    sequences = {}
    for number, family in enumerate(families):
        for copy in range(3):
            changed = list(family)
            for place in rng.choice(80, 8 * copy, replace=False):
                changed[place] = "A"
            sequences[f"F{number:02d}{copy}"] = "".join(changed)
    split = split_by_identity(sequences, validation=0.2, test=0.2)
    assert sorted(name for names in split.values() for name in names) == sorted(sequences)
    assert split["train"]
    assert split["validation"]
    where = {name: part for part, names in split.items() for name in names}
    assert all(len({where[f"F{n:02d}{c}"] for c in range(3)}) == 1 for n in range(12))
    with pytest.raises(InputError, match="shares"):
        split_by_identity(sequences, validation=0.9, test=0.2)


def test_files_of_the_pdb_go_by_their_code(tmp_path):
    write(tmp_path / "pdb1abc.ent", alpha_lines())
    write(tmp_path / "model.v2.pdb", alpha_lines())
    assert read_structures([tmp_path], cache=False).files == {"1ABC": ("1ABC-A",), "MODEL.V2": ("MODEL.V2-A",)}
