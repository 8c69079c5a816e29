"""Commands ask no task: a system of files in one room and one line in the table is trained and compared by them."""

from __future__ import annotations

import json

import pytest
import yaml

from graphlearn.base.errors import InputError
from graphlearn.base.plain_data import read_yaml
from graphlearn.base.recipes.packaged import packed_folder
from graphlearn.cli.compare import compare
from graphlearn.cli.train import train
from graphlearn.training.packaged import model_recipe
from graphlearn.training.recipe import recipe_task, upgrade_recipe
from graphlearn.training.systems import SYSTEMS, EvaluationOptions, find_system, load_training_recipe

RECIPES = sorted(packed_folder("models").glob("*/*.yaml"))


@pytest.fixture
def toy(tmp_path, monkeypatch):
    monkeypatch.setitem(SYSTEMS, "toys", "toy_system")
    comparison = {"seeds": [0, 1], "variants": {"slow": ["optimisation.learning_rate=0.001"], "fast": []}}
    content = {"schema_version": 2, "task": "toys", "name": "toy", "comparison": comparison}
    (tmp_path / "toy.yaml").write_text(yaml.safe_dump(content))
    return str(tmp_path / "toy.yaml")


def test_a_fourth_system_is_trained_by_the_command(toy, tmp_path, capsys):
    train(toy, tmp_path / "run", overrides=["optimisation.steps=4"], device="cpu")
    printed = capsys.readouterr().out
    assert "kept step" in printed
    assert (tmp_path / "run/training_state.safetensors").is_file()
    assert (tmp_path / "run/learning_curve.png").read_bytes().startswith(b"\x89PNG")


def test_a_fourth_system_is_compared_by_the_command(toy, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("graphlearn.training.compare.map_unordered", lambda function, work, _: map(function, work))
    compare(toy, tmp_path / "runs", device="cpu")
    assert "| fast |" in capsys.readouterr().out
    summary = json.loads((tmp_path / "runs/summary.json").read_text())
    assert [row["runs"] for row in summary["rows"]] == [2, 2]
    assert (tmp_path / "runs/comparison.png").is_file()


@pytest.mark.parametrize("file", RECIPES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_every_packed_recipe_names_its_version_its_task_and_itself(file):
    content = read_yaml(file)
    name = f"{file.parent.name}/{file.stem}"
    assert (content["schema_version"], content["name"]) == (2, name)
    system, recipe = load_training_recipe(name)
    assert recipe.task == content["task"]
    assert find_system(content["task"]) is system


def test_recipes_of_version_1_still_load(tmp_path):
    graphs = {"schema_version": 1, "name": "x", "data": {"kind": "tu", "name": "MUTAG"}, "budget": {"epochs": 7}}
    orbitals = {"name": "y", "optimisation": {"steps": 9}}
    proteins = {"task": "proteins", "name": "z", "optimisation": {"epochs": 3}}
    for content, task in ((graphs, "graphs"), (orbitals, "orbitals"), (proteins, "proteins")):
        (tmp_path / "old.yaml").write_text(yaml.safe_dump(content))
        system, recipe = load_training_recipe(str(tmp_path / "old.yaml"))
        assert (recipe.schema_version, recipe.task, recipe_task(content)) == (2, task, task)
        assert system is find_system(task)
    (tmp_path / "old.yaml").write_text(yaml.safe_dump(graphs))
    _, recipe = load_training_recipe(str(tmp_path / "old.yaml"), ["optimisation.patience=4"])
    assert (recipe.optimisation.epochs, recipe.optimisation.patience) == (7, 4)


def test_the_former_name_of_a_section_may_be_set():
    for name in ("histograph/mutag", "histograph/cora"):
        _, recipe = load_training_recipe(name, ["budget.epochs=5"])
        assert recipe.optimisation.epochs == 5
        assert recipe.optimisation.learning_rate == load_training_recipe(name)[1].optimisation.learning_rate


def test_an_upgrade_leaves_what_it_was_given():
    given = {"name": "x", "data": {}, "budget": {"epochs": 7}}
    assert upgrade_recipe(given)["optimisation"] == {"epochs": 7}
    assert given == {"name": "x", "data": {}, "budget": {"epochs": 7}}
    assert upgrade_recipe({"schema_version": 3, "name": "x"}) == {"schema_version": 3, "name": "x"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"task": "toy", "name": "x"}, "task 'toy' is not known; choose one of orbitals, proteins, graphs"),
        ({"schema_version": 3, "task": "orbitals", "name": "x"}, "schema_version"),
        ({"task": "orbitals", "name": "x", "budget": {"epochs": 1}}, "unknown key 'budget'"),
        (["a"], "a recipe is a YAML mapping"),
    ],
)
def test_recipes_that_are_none_are_refused(tmp_path, content, message):
    (tmp_path / "bad.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(InputError, match=message):
        load_training_recipe(str(tmp_path / "bad.yaml"))


def test_options_of_other_systems_are_refused_by_name():
    EvaluationOptions(limit=3, part=None).allow_only("limit")
    with pytest.raises(InputError, match="--id and --part: no effect on this model"):
        EvaluationOptions(ids=["a"], part="test", limit=3).allow_only("limit")


@pytest.mark.parametrize("name", ["histograph/mutag", "protein_rpn/ec", "orbevo/demo"])
def test_a_device_that_is_not_there_is_said_before_anything_is_read(name, tmp_path):
    for command in (train, compare):
        with pytest.raises(InputError, match="device 'cuda:99'"):
            command(name, tmp_path / "run", data=tmp_path / "nowhere", device="cuda:99")


def test_the_recipe_of_an_unknown_name_is_refused():
    with pytest.raises(InputError, match="no recipe 'histograph/mutagg'"):
        model_recipe("histograph/mutagg")
