"""Cards and model folders of every version; code of one's own that a folder names is not run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from torch_geometric.data import Data

from graphlearn.base.errors import ContractError, InputError
from graphlearn.models import HistographGNN, OrbEvo, OrbitalModel
from graphlearn.models.orbevo.mode_basis import ModeBasis
from graphlearn.orbitals.model_folder import OrbitalCard, load_orbital_model
from graphlearn.training.card import CARD_VERSION, ModelCard, read_card, upgrade_card
from graphlearn.training.checkpoint import load_model, load_orbevo, save_model

STORED = Path(__file__).parents[2] / "data/version_1/models"
NAMES = ("OrbEvo", "ResponseOrbEvo", "ProteinRPN", "HistographGNN")


class OwnOrbEvo(OrbEvo):
    """A class that no installed package offers."""


def predict(model, inputs):
    if isinstance(model, OrbitalModel):
        plain = {key: value for key, value in inputs.items() if "." not in key}
        modes = ModeBasis(**{key[6:]: value for key, value in inputs.items() if key.startswith("modes.")})
        return model(SimpleNamespace(**plain, states=None, modes=(modes,), frame_fs=0.05, windows_per_trajectory=1))
    return model(**inputs) if isinstance(model, HistographGNN) else model(Data(**inputs)).logits


@pytest.mark.parametrize("name", NAMES)
def test_a_model_of_version_1_predicts_what_it_predicted(name):
    stored = load_file(STORED / name / "example.safetensors")
    expected = stored.pop("output")
    model, card = load_model(STORED / name)
    with torch.no_grad():
        found = predict(model, {key.removeprefix("inputs."): value for key, value in stored.items()})
    assert torch.allclose(found, expected, rtol=1e-6, atol=1e-7)
    assert float(expected.abs().max()) > 1e-3
    assert (type(model).__name__, card.model_class, card.schema_version) == (name, name, CARD_VERSION)
    assert "torch" in card.package_versions


@pytest.mark.parametrize("name", NAMES)
def test_a_model_folder_is_written_in_the_present_version_and_read_again(name, tmp_path):
    model, card = load_model(STORED / name)
    save_model(tmp_path, model, card)
    written = json.loads((tmp_path / "model.json").read_text())
    assert (written["schema_version"], written["class"]) == (CARD_VERSION, name)
    assert not written.keys() & {"versions", "validations"}
    again, same = load_model(tmp_path)
    assert same.content == card.content
    assert all(torch.equal(w, again.state_dict()[key]) for key, w in model.state_dict().items())


def test_scores_of_version_1_become_a_course_with_a_metric_and_its_direction():
    orbital = read_card(STORED / "OrbEvo", ModelCard).training
    assert (orbital.metric, orbital.higher_is_better) == ("rollout_error", False)
    assert (orbital.best_step, orbital.best) == (20, 0.25)
    assert orbital.validations == ((10, 0.5), (20, 0.25), (30, None))
    protein = read_card(STORED / "ProteinRPN", ModelCard).training
    assert (protein.metric, protein.higher_is_better, protein.best_step, protein.best) == ("micro_aupr", True, 8, 0.75)
    assert protein.validations == ((4, 0.25), (8, 0.75))
    assert read_card(STORED / "HistographGNN", ModelCard).training is None


def test_the_task_of_a_card_of_any_version():
    tasks = [read_card(STORED / name, ModelCard).task for name in NAMES]
    assert tasks == ["orbitals", "orbitals", "proteins", "graphs"]


def test_an_upgrade_leaves_what_it_was_given():
    given = {"schema_version": 1, "versions": {"torch": "2"}, "validations": [[1, 0.5]]}
    assert upgrade_card(given)["package_versions"] == {"torch": "2"}
    assert given == {"schema_version": 1, "versions": {"torch": "2"}, "validations": [[1, 0.5]]}
    assert upgrade_card({"schema_version": 2, "versions": 1}) == {"schema_version": 2, "versions": 1}


def test_damaged_validations_are_named(tmp_path):
    shutil.copytree(STORED / "OrbEvo", tmp_path, dirs_exist_ok=True)
    card = json.loads((tmp_path / "model.json").read_text())
    (tmp_path / "model.json").write_text(json.dumps({**card, "validations": [[1]]}))
    with pytest.raises(ContractError, match="damaged validations"):
        load_model(tmp_path)


def test_the_card_of_orbitals_is_typed():
    model, normalizer, card = load_orbital_model(STORED / "OrbEvo")
    assert isinstance(card, OrbitalCard)
    assert (card.normalizer, normalizer.frame_fs) == (normalizer, 0.05)
    assert (card.trained_on, card.validated_on) == (("a_d0", "b_d0"), ("c_d0",))
    assert (card.settings.dt_fs, card.settings.steps, card.settings.elements) == (0.005, 100, (1, 8))
    former, units, _ = load_orbevo(STORED / "OrbEvo")
    assert (type(former), units) == (type(model), normalizer)


def test_a_card_without_simulations_says_so(tmp_path):
    shutil.copytree(STORED / "OrbEvo", tmp_path, dirs_exist_ok=True)
    card = json.loads((tmp_path / "model.json").read_text())
    del card["simulation"]
    (tmp_path / "model.json").write_text(json.dumps(card))
    with pytest.raises(ContractError, match="does not say what simulations"):
        _ = load_orbital_model(tmp_path)[2].settings


def test_a_folder_that_names_code_of_ones_own_is_refused_unless_the_class_is_named_again(tmp_path):
    model, card = load_model(STORED / "OrbEvo", card=OrbitalCard)
    own = OwnOrbEvo(**model.config)
    own.load_state_dict(model.state_dict())
    save_model(tmp_path, own, {"normalizer": card.normalizer.to_dict(), "recipe": card.recipe})
    name = f"{__name__}:OwnOrbEvo"
    assert read_card(tmp_path, ModelCard).model_class == name
    for read in (load_model, load_orbital_model):
        with pytest.raises(InputError, match=f"class '{name}', which is code of your own; name it again"):
            read(tmp_path)
    with pytest.raises(InputError, match="code of your own"):
        load_model(tmp_path, OrbitalModel)
    with pytest.raises(InputError, match="code of your own"):
        load_orbital_model(tmp_path, "graphlearn.models.orbevo.model:OrbEvo")
    assert type(load_model(tmp_path, OwnOrbEvo)[0]) is OwnOrbEvo
    assert type(load_orbital_model(tmp_path, name)[0]) is OwnOrbEvo


def test_a_model_of_another_kind_is_refused_by_name():
    with pytest.raises(InputError, match="holds a model of class HistographGNN; this needs OrbitalModel"):
        load_model(STORED / "HistographGNN", OrbitalModel)
    assert isinstance(load_model(STORED / "HistographGNN", nn.Module)[0], HistographGNN)
