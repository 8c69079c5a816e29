"""In every recipe a key without effect is an error; recipes that models and runs stored before that rule still load."""

from __future__ import annotations

import json

import pytest
import yaml

from graphlearn.base.errors import InputError
from graphlearn.base.recipes.reading import load_recipe, parse_recipe, parse_stored
from graphlearn.graphs.recipe import GraphRecipe
from graphlearn.models import HistographGNN
from graphlearn.orbitals.assignment import test_sets as sets_of
from graphlearn.orbitals.model_folder import OrbitalCard
from graphlearn.orbitals.recipe import OrbitalRecipe, Split
from graphlearn.proteins.recipe import ProteinRecipe
from graphlearn.training.packaged import model_folder, model_recipe

GRAPHS = {"name": "x", "data": {"kind": "tu", "name": "MUTAG"}}
SITES = "sites.sources=[catalytic]"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["model.source_scale=0.2"], "model.source_scale has no effect: independent_particles is off"),
        (
            ["model={num_density_blocks: 0, density_lmax: 4}"],
            "model.density_lmax has no effect: there is no block with density",
        ),
        (["model={num_density_blocks: 0, num_blocks: 0, path_dropout: 0.1}"], "model.path_dropout has no effect"),
        (["model={num_blocks: 1, pool_states: true}"], "model.pool_states has no effect"),
        (
            ["architecture=ResponseOrbEvo", "model={num_blocks: 0, heads: 8}"],
            "model.heads has no effect: there is no block",
        ),
        (
            ["architecture=ResponseOrbEvo", "optimisation.flip_signs=true"],
            "optimisation.flip_signs has no effect: ResponseOrbEvo does not depend on the signs",
        ),
        (
            ["optimisation={push_forward: 0, push_forward_bundles: 2}"],
            "optimisation.push_forward_bundles has no effect: push_forward is 0",
        ),
        (["split.seed=3"], "split.seed has no effect: nothing is drawn without held_out or validation"),
        (["split.by_molecule=true"], "split.by_molecule has no effect"),
    ],
)
def test_a_key_without_effect_in_a_recipe_of_orbitals_is_an_error(given, message):
    with pytest.raises(InputError) as error:
        parse_recipe({"name": "x"}, OrbitalRecipe, given)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["data={kind: citations, name: Cora, folds: 1}"], "data.folds has no effect: citations has one split"),
        (["data={kind: moleculenet, name: hiv, folds: stored}"], "data.folds has no effect"),
        (["data={kind: moleculenet, name: hiv}", "test_folds=[0]"], "test_folds has no effect"),
        (["data={kind: citations, name: Cora}", "budget.batch_size=8"], "optimisation.batch_size has no effect"),
        (["readout_options={gmt: {k: 4}}"], "readout_options.gmt has no effect: gmt is not among the readouts"),
    ],
)
def test_a_key_without_effect_in_a_recipe_of_graphs_is_an_error(given, message):
    with pytest.raises(InputError) as error:
        parse_recipe(GRAPHS, GraphRecipe, given)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["data={kind: folder, ontology: ec, root: x}"], "data.root has no effect"),
        (["data={kind: folder, ontology: ec, options: {ontology_file: x}}"], "data.options.ontology_file has no"),
        (["data={kind: folder, options: {lists: {train: x}, shares: [0.1, 0.1]}}"], "data.options.shares has no"),
        (["data={ontology: ec, options: {evaluate_source: GOA}}"], "data.options.evaluate_source has no effect"),
        (["data.options.cutoff_angstrom=8"], "options.cutoff_angstrom is not a further argument: write data.cutoff"),
        (["data.kind=folder", SITES], "sites.sources are known for data.kind tables alone"),
        (["data.kind=folder", "sites.test=0.5"], "sites.test has no effect"),
        (["sites.coverage=0.5"], "sites.coverage has no effect"),
        ([SITES, "model.proposal=false"], "sites.sources has no effect: it needs sites.sources and model.proposal"),
        (["pre_training.epochs=3"], "pre_training has no effect: it needs sites.sources and model.proposal"),
        ([SITES, "pre_training.batch_size=3"], "pre_training.batch_size has no effect: pre_training.epochs is 0"),
        (["losses.objectness=0.2"], "losses.objectness has no effect"),
        (["losses.largest_balance=3"], "losses.largest_balance has no effect: losses.balance is 0"),
        (["losses={supervised_contrastive: 0, info_nce: 0, temperature: 1}"], "losses.temperature has no effect"),
        (["losses.info_nce=0", "perturbation.mask=0.3"], "perturbation has no effect: losses.info_nce is 0"),
        (["comparison.seeds=[1]"], "comparison.seeds has no effect: there is no variant"),
        (["comparison.variants={a: [optimisation.seed=1]}"], "optimisation.seed has no effect there"),
        (["model={node_drop: false, keep_ratio: 0.3}"], "model.keep_ratio has no effect: node_drop is off"),
        (["model={proposal: false, hops: 3}"], "model.hops has no effect: proposal is off"),
        (["model={proposal: false, node_drop: false, hidden: 8}"], "model.hidden has no effect"),
        (["model={functional_attention: false, readout: mean, heads: 2}"], "model.heads has no effect"),
        (["model={sequence_layers: 0, kernel_size: 3}"], "model.kernel_size has no effect: sequence_layers is 0"),
        (["model={functional_attention: false, node_drop: false, cone: true}"], "model.cone has no effect"),
    ],
)
def test_a_key_without_effect_in_a_recipe_of_proteins_is_an_error(given, message):
    with pytest.raises(InputError) as error:
        parse_recipe({"name": "x"}, ProteinRecipe, given)
    assert message in str(error.value)


def test_what_switches_a_part_off_is_never_an_error():
    changes = ["sites.sources=[]", "pre_training.epochs=0", "losses.objectness=0", "model.proposal=false"]
    assert parse_recipe({"name": "x"}, ProteinRecipe, changes).pre_training.epochs == 0
    assert parse_recipe({"name": "x"}, OrbitalRecipe, ["optimisation.push_forward=0"]).optimisation.push_forward == 0


@pytest.mark.parametrize(
    "name",
    ["demo", "demo_dm", "malonaldehyde", "malonaldehyde_dm", "published_dm", "published_wf", "qm9", "qm9_dm"],
)
def test_packed_recipes_of_orbitals_are_valid(name):
    recipe = load_recipe(model_recipe(f"orbevo/{name}"), OrbitalRecipe)
    assert parse_recipe(recipe.model_dump(mode="json"), OrbitalRecipe) == recipe
    recipe.build_model()


@pytest.mark.parametrize(
    "name",
    [
        "bbbp", "citeseer", "cora", "enzymes", "hiv", "imdb-b", "imdb-m", "mutag", "nci1", "proteins", "ptc", "tox21",
    ],
)  # fmt: skip
def test_packed_recipes_of_graphs_are_valid(name):
    recipe = load_recipe(model_recipe(f"histograph/{name}"), GraphRecipe)
    assert parse_recipe(recipe.model_dump(mode="json"), GraphRecipe) == recipe


@pytest.mark.parametrize("name", ["ec", "mf"])
def test_packed_recipes_of_proteins_are_valid_in_every_variant(name):
    recipe = load_recipe(model_recipe(f"protein_rpn/{name}"), ProteinRecipe)
    assert parse_recipe(recipe.model_dump(mode="json"), ProteinRecipe).fingerprint == recipe.fingerprint
    for variant in recipe.comparison.variants:
        recipe.variant(variant, 0).build_model(52, 7)


@pytest.mark.parametrize("name", ["qm9", "malonaldehyde"])
def test_the_recipe_in_the_card_of_a_shipped_model_loads(name):
    facts = json.loads((model_folder(f"orbevo/{name}") / "model.json").read_text())
    recipe = parse_stored(facts["recipe"], OrbitalRecipe)
    assert recipe.name == facts["recipe"]["name"]
    assert recipe.optimisation.steps == facts["recipe"]["optimisation"]["steps"]
    assert parse_recipe(recipe.model_dump(mode="json"), OrbitalRecipe) == recipe


@pytest.mark.parametrize("name", ["ec", "mf"])
def test_the_recipe_in_the_card_of_a_shipped_predictor_loads_without_its_sites(name):
    facts = json.loads((model_folder(f"protein_rpn/{name}") / "model.json").read_text())
    assert parse_stored(facts["recipe"], ProteinRecipe).pre_training.epochs == 20
    assert parse_stored(facts["recipe"], ProteinRecipe, ["sites.sources=[]"]).sites.sources == ()


def test_a_stored_recipe_loses_the_keys_that_had_no_effect_and_no_others():
    split = {
        "test": {"a": ["m0"]}, "largest_in_training": None, "held_out": 0.0, "validation": 0.0, "train": ["*"],
        "by_molecule": False, "seed": 34,
    }  # fmt: skip
    stored = {"name": "x", "split": split, "model": {"source_scale": 0.3, "channels": 16}}
    recipe = parse_stored(stored, OrbitalRecipe)
    assert recipe.model == {"channels": 16}
    assert recipe.split == Split(test={"a": ("m0",)})
    with pytest.raises(InputError, match=r"model.source_scale has no effect"):
        parse_recipe({**stored, "split": {}}, OrbitalRecipe)
    known = {"class": "OrbEvo", "arguments": {}, "normalizer": {"c0_rms": 1.0, "delta_rms": 0.1}}
    card = OrbitalCard.model_validate({**known, "recipe": stored, "trained_on": ["m1"]})
    assert sets_of(["m0", "m1", "m2"], card, "nowhere") == {"a": ["m0"]}


def test_readouts_named_on_the_command_line_bring_their_options_and_leave_the_others():
    recipe = parse_recipe({**GRAPHS, "readouts": ["gmt", "mean"], "readout_options": {"gmt": {"k": 4}}}, GraphRecipe)
    assert recipe.only(["gmt"]).readout_options == {"gmt": {"k": 4}}
    assert recipe.only(["mean"]).readout_options == {}
    with pytest.raises(InputError, match="unknown readout 'men'"):
        recipe.only(["men"])


def test_dropout_of_integer_features_is_refused():
    with pytest.raises(ValueError, match=r"input_dropout=0\.5 has no effect on integer features"):
        HistographGNN((3, 4), 2, input_dropout=0.5)


def test_recipes_are_yaml_that_reads_back_equal():
    for name in ("protein_rpn/ec", "protein_rpn/mf"):
        recipe = load_recipe(model_recipe(name), ProteinRecipe)
        again = yaml.safe_load(yaml.safe_dump(recipe.model_dump(mode="json")))
        assert parse_recipe(again, ProteinRecipe) == recipe
