"""Networks of files that others wrote: arguments and weights are checked before memory is taken."""

from __future__ import annotations

import json
import resource
import time

import pytest
import torch
from safetensors.torch import load_file, save_file

from graphlearn.base.errors import ContractError, InputError
from graphlearn.base.recipes.reading import parse_recipe
from graphlearn.graphs.task import build_model
from graphlearn.models import HistographGNN, OrbEvo, ProteinRPN, ResponseOrbEvo
from graphlearn.orbitals.model_folder import load_orbital_model
from graphlearn.orbitals.recipe import OrbitalRecipe
from graphlearn.training.building import build_network
from graphlearn.training.checkpoint import load_model, save_model
from graphlearn.training.weights import load_weights

UNITS = {"c0_rms": 1.0, "delta_rms": 0.1, "field_v_per_angstrom": 0.02, "frame_fs": 0.05}


@pytest.fixture(scope="module")
def models():
    torch.manual_seed(0)
    return {
        "HistographGNN": HistographGNN(4, 2, channels=8, num_layers=2),
        "ProteinRPN": ProteinRPN(8, 3, channels=8, hidden=4),
        "ResponseOrbEvo": ResponseOrbEvo(8, 2),
        "OrbEvo": OrbEvo(8, 2, num_density_blocks=0, num_blocks=1, num_radial=8),
    }


@pytest.fixture
def changed(models, tmp_path):
    """Write a model folder with changed arguments or facts."""

    def write(name, changes=None, **facts):
        save_model(tmp_path, models[name], {"normalizer": UNITS})
        description = json.loads((tmp_path / "model.json").read_text())
        description["arguments"] = {**description["arguments"], **(changes or {})}
        (tmp_path / "model.json").write_text(json.dumps({**description, **facts}))
        return tmp_path

    return write


BILLION = 10**9


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("HistographGNN", {"channels": BILLION}),
        ("HistographGNN", {"channels": 90_000}),
        ("HistographGNN", {"num_layers": BILLION}),
        ("HistographGNN", {"num_layers": 500}),
        ("HistographGNN", {"in_channels": [BILLION]}),
        ("HistographGNN", {"in_channels": [1] * 10_000}),
        ("HistographGNN", {"readout_options": {"heads": BILLION}}),
        ("HistographGNN", {"channels": -1}),
        ("HistographGNN", {"channels": 8.5}),
        ("HistographGNN", {"channels": "8"}),
        ("HistographGNN", {"channels": [[[[[8]]]]]}),
        ("HistographGNN", {"nonsense": 1}),
        ("ProteinRPN", {"channels": BILLION}),
        ("ProteinRPN", {"hidden": 90_000}),
        ("ProteinRPN", {"num_layers": 500}),
        ("ProteinRPN", {"kernel_size": BILLION}),
        ("ProteinRPN", {"hops": BILLION}),
        ("ResponseOrbEvo", {"channels": BILLION}),
        ("ResponseOrbEvo", {"channels": 90_000, "heads": 1}),
        ("ResponseOrbEvo", {"num_blocks": 500}),
        ("ResponseOrbEvo", {"num_radial": BILLION}),
        ("ResponseOrbEvo", {"lmax": 1000}),
        ("ResponseOrbEvo", {"field_samples": 16 * BILLION}),
        ("OrbEvo", {"channels": BILLION}),
        ("OrbEvo", {"lmax": 1000, "density_lmax": 1000}),
        ("OrbEvo", {"shells": [BILLION, 1, 1]}),
        ("OrbEvo", {"num_frames": BILLION}),
    ],
)
def test_arguments_beyond_bounds_are_refused_before_memory_is_taken(changed, name, arguments):
    folder = changed(name, arguments)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    with pytest.raises(ContractError, match=r"damaged model \(.+\); copy or train it again") as caught:
        load_model(folder)
    assert time.perf_counter() - started < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000  # kB
    assert "\n" not in str(caught.value)


def test_the_argument_that_is_too_large_is_named(changed):
    with pytest.raises(ContractError, match=r"channels=1000000000 is too large for a network; at most 100,000"):
        load_model(changed("HistographGNN", {"channels": BILLION}))
    with pytest.raises(ContractError, match=r"lmax=1000 is too large; the highest degree is 10"):
        load_model(changed("ResponseOrbEvo", {"lmax": 1000}))
    with pytest.raises(ContractError, match=r"more than .* numbers, for which there is no room; lower its channels"):
        load_model(changed("ProteinRPN", {"hidden": 90_000}))


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"arguments": [1]}, "arguments: Input should be a valid dictionary"),
        ({"class": ["OrbEvo"]}, "class: Input should be a valid string"),
        ({"class": "x" * 10_000}, "unknown model class 'x{80}'"),
        ({"schema_version": "1"}, "schema version 1, this graphlearn reads 1 to 2"),
        ({"schema_version": 3}, "schema version 3, this graphlearn reads 1 to 2"),
        ({"schema_version": True}, "schema version True"),
        ({"normalizer": {**UNITS, "c0_rms": "1"}}, "normalizer.c0_rms is 1"),
        ({"normalizer": {**UNITS, "c0_rms": 0}}, "normalizer.c0_rms is 0"),
        ({"normalizer": {**UNITS, "c0_rms": float("nan")}}, "nan is no number"),
        ({"normalizer": {**UNITS, "c0_rms": True}}, "normalizer.c0_rms is True"),
        ({"normalizer": {**UNITS, "more": 1}}, "more"),
        ({"normalizer": None}, "damaged model"),
    ],
)
def test_facts_that_are_no_facts(changed, facts, message):
    with pytest.raises(ContractError, match=message):
        load_orbital_model(changed("OrbEvo", **facts))


def test_weights_are_compared_with_the_network(models, tmp_path):
    model = models["HistographGNN"]
    save_model(tmp_path, model, {})
    file = tmp_path / "model.safetensors"
    whole = load_file(file)
    name = next(iter(sorted(whole)))
    for tensors, message in (
        ({k: v for k, v in whole.items() if k != name}, rf"'{name}' is missing in the file and \["),
        ({**whole, "a.more": torch.ones(2)}, r"'a.more' is \[2\] in the file and missing in the network"),
        ({**whole, name: torch.ones(3, 3, 3)}, rf"'{name}' is \[3, 3, 3\] in the file and \["),
        ({**whole, name: whole[name] * torch.nan}, f"'{name}' holds numbers that are not finite"),
    ):
        save_file(tensors, file)
        with pytest.raises(ContractError, match=message):
            load_weights(model, file)
        with pytest.raises(ContractError, match="damaged model"):
            load_model(tmp_path)
    file.write_bytes(b"\xff" * 7 + b"\x7f" + b"{}")  # a header of 9 EB
    with pytest.raises(ContractError, match="damaged"):
        load_model(tmp_path)
    file.unlink()
    with pytest.raises(ContractError, match="damaged"):
        load_model(tmp_path)


@pytest.mark.parametrize("name", ["HistographGNN", "ProteinRPN", "ResponseOrbEvo", "OrbEvo"])
def test_bounds_let_models_through_and_change_nothing(models, tmp_path, name):
    save_model(tmp_path, models[name], {"score": float("nan")})
    loaded, facts = load_model(tmp_path)
    assert facts["score"] is None
    for key, value in models[name].state_dict().items():
        assert torch.equal(loaded.state_dict()[key], value), key
    torch.manual_seed(3)
    bounded = build_network(type(models[name]), models[name].config)
    torch.manual_seed(3)
    free = type(models[name])(**models[name].config)
    for key, value in free.state_dict().items():
        assert torch.equal(bounded.state_dict()[key], value), key


def test_the_published_sizes_are_within_bounds():
    assert build_network(OrbEvo.published, {}).channels == 128


def test_recipes_are_bounded_likewise():
    recipe = parse_recipe({"name": "large", "model": {"channels": 90_000, "heads": 1}}, OrbitalRecipe)
    with pytest.raises(InputError, match=r"recipe 'large', model: the network would have more than .* numbers"):
        recipe.build_model()


def test_recipes_of_graphs_are_bounded_likewise():
    from graph_files import rings_and_chains

    from graphlearn.graphs.data.prepared import GraphData
    from graphlearn.graphs.recipe import GraphRecipe

    content = {"name": "large", "data": {"kind": "tu", "name": "RINGS"}, "network": {"channels": BILLION}}
    task = GraphData(rings_and_chains(8), None, 1, 2, "graph", "accuracy")
    with pytest.raises(InputError, match=r"recipe 'large', readout 'mean': channels=1000000000 is too large"):
        build_model(parse_recipe(content, GraphRecipe), task, "mean", 2)
