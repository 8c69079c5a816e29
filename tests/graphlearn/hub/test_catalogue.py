"""The lists of models and data sets say what cards, recipes and weights say, and nothing is left out."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from graphlearn.base.recipes.packaged import packed_folder
from graphlearn.hub.catalogue.cards import contents, first_table, opening_comment, summary, title
from graphlearn.hub.catalogue.datasets import data_sets
from graphlearn.hub.catalogue.models import systems
from graphlearn.training.packaged import model_folder, model_recipe
from tdddft.dataset.packaged import find_recipe

GRAPHLEARN = Path(sys.executable).parent / "graphlearn"
MODELS, DATASETS = packed_folder("models"), packed_folder("datasets")


def test_every_recipe_and_all_weights_are_listed_by_names_that_commands_take():
    listed = systems()
    recipes = [r for s in listed for r in s.recipes]
    weights = [w for s in listed for w in s.weights]
    assert {model_recipe(r.name) for r in recipes} == set(MODELS.glob("*/*.yaml"))
    assert {model_folder(w.name) for w in weights} == {f.parent for f in MODELS.glob("*/*/model.json")}
    for recipe in recipes:
        assert recipe.summary, recipe.name
        assert recipe.command.startswith(f"graphlearn train {recipe.name} ")
    for w in weights:
        tensors = load_file(model_folder(w.name) / "model.safetensors")
        assert w.numbers == sum(t.size for t in tensors.values())
        assert w.bytes == (model_folder(w.name) / "model.safetensors").stat().st_size
        assert w.result
        assert w.name in w.command
    assert all(s.title and s.summary for s in listed)


def test_every_data_set_is_listed_with_a_way_to_get_it(monkeypatch, tmp_path):
    (tmp_path / "tu").mkdir()
    (tmp_path / "tu/MUTAG.txt").write_bytes(b"12345")
    monkeypatch.setenv("GRAPHLEARN_DATA", str(tmp_path))
    listed = {d.name: d for d in data_sets()}
    assert set(listed) == {card.parent.name for card in DATASETS.glob("*/README.md")}
    for name, data_set in listed.items():
        assert data_set.summary, name
        assert data_set.contents, name
        assert (find_recipe(name) is not None) == data_set.command.startswith(f"tdddft generate {name} ")
        if data_set.command.startswith("from "):
            exec(data_set.command, {})
    assert (listed["tu"].folder, listed["tu"].bytes) == (str(tmp_path / "tu"), 5)
    assert listed["planetoid"].folder is None
    (tmp_path / "protein").mkdir()
    found = {d.name: d.folder for d in data_sets()}
    assert found["protein_ec"] == found["protein_go"] == str(tmp_path / "protein")
    assert "MUTAG 188" in listed["tu"].contents


CARD = """# A set

Ten graphs of [here](there.md), see 2.5; more. Not this.

| set | graphs |
|---|---|
| one | 1 |

| no | more |
"""


def test_what_a_card_says():
    assert title(CARD) == "A set"
    assert summary(CARD) == "Ten graphs of here, see 2.5; more"
    assert first_table(CARD) == [["set", "graphs"], ["one", "1"]]
    assert contents(CARD) == "graphs: one 1"
    assert contents("# T\n\n| | |\n|---|---|\n| field | x |\n| molecules | two |\n") == "two"
    assert (contents("# T\n\nNo table.\n"), title(""), summary("# T")) == ("", "", "")


def test_the_opening_comment_ends_where_the_recipe_begins(tmp_path):
    (tmp_path / "r.yaml").write_text("# one\n# two\nname: x\n# three\n")
    assert opening_comment(tmp_path / "r.yaml") == "one two"


@pytest.mark.parametrize(("command", "expected"), [("models", "orbevo"), ("datasets", "tddft_demo")])
def test_the_commands_print_text_and_json_without_torch(command, expected):
    code = (
        "import sys; from graphlearn.cli import app\n"
        f"app([{command!r}, '--json'], standalone_mode=False)\n"
        "assert not {'torch', 'pyscf'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert expected in {entry["name"] for entry in json.loads(done.stdout)}
    done = subprocess.run([GRAPHLEARN, command], capture_output=True, text=True, check=True)
    assert expected in done.stdout.splitlines()
    assert "\x1b" not in done.stdout
