import pytest
import yaml
from hypothesis import given, strategies as st

from graphlearn.base.recipes.reading import differing_keys, load_recipe, parse_recipe, recipe_hash
from tdddft import GaussianPulses, GenerateRecipe, InputError
from tdddft.dataset.packaged import find_recipe

MINIMAL = {"name": "x", "molecules": ["H2O"]}


def test_packed_recipes_are_valid():
    for name in ("tddft_g2", "tddft_demo"):
        assert load_recipe(find_recipe(name), GenerateRecipe).name == name
    assert find_recipe("H2O") is None


def test_resolved_recipe_reads_back_equal(tmp_path):
    recipe = parse_recipe(MINIMAL, GenerateRecipe, ["field.directions=[[1,0,0],[0,1,0]]", "method.grid_level=2"])
    (tmp_path / "r.yaml").write_text(yaml.safe_dump(recipe.model_dump(mode="json")))
    again = load_recipe(tmp_path / "r.yaml", GenerateRecipe)
    assert again == recipe
    assert recipe_hash(again) == recipe_hash(recipe)
    assert recipe.method.grid_level == 2


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("method.grid_levl=2", "did you mean 'method.grid_level'"),
        ("propagation.dt_fs=-1", "propagation.dt_fs: Input should be greater than 0"),
        ("propagation", "write it as section.key=value"),
        ("propagation.dt_fs=1.0e+400", "propagation.dt_fs: Input should be a finite number"),
        ("propagation.dt_fs=.inf", "propagation.dt_fs: Input should be a finite number"),
        ("name.x=1", "'name' is a value, not a section"),
        ("schema_version=2", "schema_version"),
        ("field.kind=laser", "field.kind"),
        ("field.directions=[[0,0,0]]", "not all zero"),
        ("field.kind=sum", "field.terms is missing"),
        (
            "field.terms=[{kind: laser, photon_energy_ev: 3}]",
            "field.terms has no effect: it belongs to",
        ),
        ("field.amplitude_v_per_angstrom=.nan", "finite"),
        ("field={kind: sum, terms: [{kind: sum, fields: [1]}]}", "a field is written as"),
        ("field={kind: sum, terms: []}", "field.terms: Tuple should have at least 1 item"),
        ("field.kind=laser", "'laser' is not known; choose one of gaussian_pulses, orbevo, .*, pump_probe$"),
        ("field.sigma=1", "did you mean 'field.sigma_fs'"),
        ("propagation.dipole_tolerance=0", "propagation.dipole_tolerance"),
        ("propagation.propagator=rk4", "propagation.propagator"),
        ("method.response_grid=huge", "method.response_grid"),
        ("field.directions=[]", "at least one direction"),
        ("propagation.steps=15", "must be a multiple of save_every"),
        ("distortions.seed=-1", "greater than or equal to 0"),
        ("method.basis=[1", "method.basis.*not readable as YAML"),
    ],
)
def test_bad_keys_and_values_are_named(override, message):
    with pytest.raises(InputError, match=message):
        parse_recipe(MINIMAL, GenerateRecipe, [override])


def test_unreadable_files_are_named(tmp_path):
    with pytest.raises(InputError, match="no such recipe"):
        load_recipe(tmp_path / "none.yaml", GenerateRecipe)
    (tmp_path / "bad.yaml").write_text("a: [1,")
    with pytest.raises(InputError, match="not readable as YAML"):
        load_recipe(tmp_path / "bad.yaml", GenerateRecipe)
    (tmp_path / "list.yaml").write_text("- 1")
    with pytest.raises(InputError, match="a recipe is a YAML mapping"):
        load_recipe(tmp_path / "list.yaml", GenerateRecipe)


def test_differing_keys():
    assert differing_keys({"a": {"b": 1, "c": 2}, "d": 0}, {"a": {"b": 1, "c": 3}, "e": 0}) == ["a.c", "d", "e"]


@given(key=st.text(min_size=1, max_size=20), value=st.one_of(st.integers(), st.text(max_size=10), st.none()))
def test_no_unknown_key_is_ever_accepted(key, value):
    if key in GenerateRecipe.model_fields:
        return
    with pytest.raises(InputError):
        parse_recipe({**MINIMAL, key: value}, GenerateRecipe)


def test_the_former_word_for_a_sum_of_fields_still_reads():
    terms = "terms: [{kind: kick, strength_au: 0.001}]"
    former, present = (
        parse_recipe(MINIMAL, GenerateRecipe, [f"field={{kind: {k}, {terms}}}"]) for k in ("terms", "sum")
    )
    assert former == present
    assert former.model_dump(mode="json")["field"]["kind"] == "sum"


def test_fields_of_a_recipe():
    terms = "field.terms=[{kind: kick, strength_au: 0.001}, {kind: laser, photon_energy_ev: 3.1, envelope: cw}]"
    recipe = parse_recipe(MINIMAL, GenerateRecipe, ["field.kind=sum", terms])
    (field,) = recipe.field.fields("any")
    assert [f.kind for f in field.fields] == ["kick", "laser"]
    again = parse_recipe(recipe.model_dump(mode="json"), GenerateRecipe)
    assert again.field.fields("any") == [field]
    paper = parse_recipe(MINIMAL, GenerateRecipe, ["field.kind=orbevo"])
    assert paper.field.fields("any") == [GaussianPulses()]
