"""A key that another choice leaves without effect is an error; what a program stored before that rule still loads."""

import hashlib
import json

import pytest
import yaml

from graphlearn.base.recipes.reading import load_stored, parse_recipe, parse_stored
from graphlearn.base.workers.cluster import Cluster
from tdddft import GaussianPulses, GenerateRecipe, InputError, Kick, generate, read_trajectory
from tdddft.dataset.store import DatasetFolder

MINIMAL = {"name": "x", "molecules": ["H2O"]}
FLAT_FIELD = {  # as version 0.1 resolved it
    "kind": "gaussian_pulses", "directions": [[0.0, 0.0, 1.0]], "direction_seed": 0, "amplitude_v_per_angstrom": 0.01,
    "frequencies_per_fs": [3.66, 1.22], "sigma_fs": 0.2, "center_fs": 0.75, "kick_strength_au": 0.001, "terms": [],
    "file": None,
}  # fmt: skip
FLAT = {
    "schema_version": 1, "name": "x", "molecules": ["H2"],
    "selection": {
        "elements": None, "min_atoms": 1, "max_atoms": None, "min_heavy_atoms": 0, "max_heavy_atoms": None,
        "indices": None, "count": None, "seed": 0,
    },
    "distortions": {"count": 0, "only": None, "sigma_angstrom": 0.05, "seed": 0},
    "method": {
        "functional": "PBE", "basis": "gth-dzvp", "pseudopotential": "gth-pbe", "grid_level": 0, "response_grid": 0,
        "response_precision": "float32", "density_fitting": True, "scf_tolerance_hartree": 1e-11, "scf_max_cycles": 100,
    },
    "field": FLAT_FIELD,
    "propagation": {
        "dt_fs": 0.005, "steps": 10, "save_every": 10, "precision": "complex64", "propagator": "adaptive",
        "dipole_tolerance": 0.0001,
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            ["field.kind=orbevo", "field.amplitude_v_per_angstrom=0.5"],
            "field.amplitude_v_per_angstrom has no effect: it belongs to field.kind gaussian_pulses",
        ),
        (["field.kind=orbevo", "field.sigma_fs=0.3"], "field.sigma_fs has no effect"),
        (["field.kind=kick", "field.center_fs=0.75"], "field.center_fs has no effect"),
        (["field.kick_strength_au=1e-2"], "field.kick_strength_au has no effect: it belongs to field.kind kick"),
        (["field={kind: file, file: x.csv, directions: random}"], "field.directions has no effect"),
        (["field={kind: sum, terms: [{kind: kick, strength_au: 1}], file: x.csv}"], "belongs to field.kind file"),
        (["field.direction_seed=1"], "field.direction_seed has no effect: directions are given, not random"),
        (
            ["field={kind: sum, terms: [{kind: laser, photon_energy_ev: 3, envelope: cw, duration_fs: 2.0}]}"],
            "duration_fs has no effect: a cw laser stays on",
        ),
        (["field={kind: sum, terms: [{kind: laser, photon_energy_ev: 3, ramp_fs: 1}]}"], "sin2 has no ramps"),
        (
            ["field={kind: sum, terms: [{kind: sum, fields: [{kind: kick, strength_au: 1}], width_fs: 1}]}"],
            "unexpected keyword argument 'width_fs'",
        ),
        (["selection.seed=3"], "selection.seed has no effect: nothing is drawn without selection.count"),
        (["distortions.sigma_angstrom=0.1"], "distortions.sigma_angstrom has no effect: distortions.count is 0"),
        (["distortions.only=[H2O]"], "distortions.only has no effect"),
        (["distortions.seed=0"], "distortions.seed has no effect"),
        (
            ["propagation.propagator=etrs", "propagation.dipole_tolerance=1e-4"],
            "propagation.dipole_tolerance has no effect: propagation.propagator etrs takes steps of dt_fs",
        ),
        (["method.functional=HF", "method.grid_level=3"], "method.grid_level has no effect"),
        (["method.functional=hf", "method.response_grid=fine"], "method.response_grid has no effect"),
    ],
)  # fmt: skip
def test_a_key_without_effect_is_an_error(given, message):
    with pytest.raises(InputError) as error:
        parse_recipe(MINIMAL, GenerateRecipe, given)
    assert message in str(error.value)


def test_a_wall_time_without_a_batch_queue_is_an_error():
    with pytest.raises(InputError, match="walltime has no effect: provider local has no batch queue"):
        parse_recipe({"walltime": "01:00:00"}, Cluster)
    assert parse_recipe({"provider": "slurm", "walltime": "01:00:00"}, Cluster).walltime == "01:00:00"


def test_every_key_is_accepted_beside_the_choice_that_uses_it():
    recipe = parse_recipe(
        MINIMAL,
        GenerateRecipe,
        [
            "field={kind: kick, directions: random, direction_seed: 3, kick_strength_au: 0.01}",
            "selection={count: 1, seed: 2}",
            "distortions={count: 1, only: [H2O], sigma_angstrom: 0.1, seed: 4}",
        ],
    )
    (kick,) = recipe.field.fields("H2O")
    assert isinstance(kick, Kick)
    assert kick.strength_au == 0.01
    assert recipe.selection.seed == 2
    assert recipe.distortions.sigma_angstrom == 0.1


def test_a_resolved_recipe_holds_what_has_an_effect_and_nothing_else():
    resolved = parse_recipe(MINIMAL, GenerateRecipe, ["field.kind=orbevo", "propagation.propagator=etrs"]).model_dump(
        mode="json"
    )
    assert resolved["field"] == {"kind": "orbevo", "directions": [[0.0, 0.0, 1.0]]}
    assert "dipole_tolerance" not in resolved["propagation"]
    assert resolved["distortions"] == {"count": 0}
    assert "seed" not in resolved["selection"]
    assert parse_recipe(resolved, GenerateRecipe).model_dump(mode="json") == resolved


@pytest.mark.parametrize(
    "field",
    [
        FLAT_FIELD,
        {**FLAT_FIELD, "kind": "orbevo"},
        {**FLAT_FIELD, "kind": "orbevo", "amplitude_v_per_angstrom": 0.5},
        {**FLAT_FIELD, "kind": "kick"},
        {**FLAT_FIELD, "kind": "terms", "terms": [{"kind": "kick", "strength_au": 0.001}]},
        {**FLAT_FIELD, "kind": "file", "file": "field.csv"},
        {**FLAT_FIELD, "kind": "gaussian_pulses", "directions": "random"},
    ],
)
def test_recipes_that_version_0_1_stored_still_load(field):
    stored = {**FLAT, "field": field}
    recipe = parse_stored(stored, GenerateRecipe)
    assert recipe.field.kind == {"terms": "sum"}.get(field["kind"], field["kind"])
    assert parse_recipe(recipe.model_dump(mode="json"), GenerateRecipe) == recipe
    with pytest.raises(InputError, match="has no effect"):
        parse_recipe(stored, GenerateRecipe)


def test_the_pulses_of_an_old_orbevo_recipe_are_those_of_the_paper_whatever_it_says_beside():
    stored = {**FLAT, "field": {**FLAT_FIELD, "kind": "orbevo", "amplitude_v_per_angstrom": 0.5}}
    assert parse_stored(stored, GenerateRecipe).field.fields("any") == [GaussianPulses()]


def test_a_stored_recipe_with_an_unknown_key_is_an_error():
    with pytest.raises(InputError, match=r"unknown key 'field\.amplitud'"):
        parse_stored({**FLAT, "field": {**FLAT_FIELD, "amplitud": 1}}, GenerateRecipe)


def test_a_folder_of_version_0_1_is_continued_and_its_trajectories_are_taken_up(tmp_path):
    """Its recipe holds keys of other kinds, and its files the hash of that recipe."""
    folder = DatasetFolder(tmp_path / "set")
    recipe = parse_stored(FLAT, GenerateRecipe)
    assert generate(recipe, folder.root, jobs=1).done == 1
    (folder.root / "recipe.yaml").write_text(yaml.safe_dump(FLAT, sort_keys=False))
    old_hash = hashlib.sha256(json.dumps(FLAT, sort_keys=True).encode()).hexdigest()[:16]
    trajectory = read_trajectory(folder.path("H2_d0"))
    provenance = trajectory.provenance.model_copy(update={"recipe_hash": old_hash})
    from tdddft import write_trajectory

    write_trajectory(folder.path("H2_d0"), trajectory.replace(provenance=provenance))
    (folder.root / "index.jsonl").unlink()
    assert load_stored(folder.root / "recipe.yaml", GenerateRecipe) == recipe
    again = generate(recipe, folder.root, jobs=1)
    assert (again.already_done, again.failed) == (1, [])


def test_an_override_without_a_value_takes_the_key_out():
    data = {**MINIMAL, "propagation": {"dipole_tolerance": 1e-3}}
    linear = "propagation.propagator=linear"
    with pytest.raises(InputError, match=r"leave it out \(--set propagation.dipole_tolerance= does\)"):
        parse_recipe(data, GenerateRecipe, [linear])
    recipe = parse_recipe(data, GenerateRecipe, [linear, "propagation.dipole_tolerance="])
    assert recipe.propagation.propagator == "linear"
    default = parse_recipe(data, GenerateRecipe, ["propagation.dipole_tolerance="]).propagation.dipole_tolerance
    assert default == parse_recipe(MINIMAL, GenerateRecipe).propagation.dipole_tolerance
    assert parse_recipe(MINIMAL, GenerateRecipe, ["method.ecp="]).method.ecp is None  # was not there either
