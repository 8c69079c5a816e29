"""What ``model.json`` says about the simulations that a model learned from."""

import json

import pytest

from graphlearn.base.errors import ContractError, InputError
from graphlearn.orbitals.simulation import SimulationSettings
from graphlearn.training.packaged import model_folder
from tdddft import GaussianPulses, Kick, Laser
from tdddft.fields.serialization import field_to_dict


def card(field):
    times = {"dt_fs": 0.005, "steps": 10, "save_every": 5, "elements": [1, 8]}
    return {"simulation": {"method": {"basis": "gth-dzvp"}, "field": field_to_dict(field), **times}}


def test_the_settings_of_stored_weights_come_back_as_they_are():
    stored = json.loads((model_folder("orbevo/qm9") / "model.json").read_text())
    settings = SimulationSettings.from_model(stored)
    assert json.loads(json.dumps(settings.to_dict())) == stored["simulation"]
    assert settings.method.basis == "gth-dzvp"


def test_the_field_of_the_training_set_is_turned_and_scaled():
    pulses = GaussianPulses((0, 0, 1), amplitude_v_per_angstrom=0.01, sigma_fs=0.3)
    known = SimulationSettings.from_model(card(pulses))
    assert known.field_with(None, 1.0) == pulses
    assert known.field_with((1, 0, 0), 3.0) == GaussianPulses((1, 0, 0), 3.0 * 0.01, sigma_fs=0.3)
    kick = SimulationSettings.from_model(card(Kick(1e-3)))
    assert kick.field_with((0, 1, 0), 2.0) == Kick(2e-3, (0, 1, 0))


@pytest.mark.parametrize(("direction", "strength", "why"), [((1, 0, 0), 1.0, "direction"), (None, 2.0, "amplitude")])
def test_a_field_without_direction_or_amplitude_is_named(direction, strength, why):
    known = SimulationSettings.from_model(card(Laser(6.0)))
    with pytest.raises(InputError, match=f"laser, has no .*{why}"):
        known.field_with(direction, strength)


def test_models_without_simulations_are_named():
    with pytest.raises(ContractError, match="does not say what simulations"):
        SimulationSettings.from_model({})
    broken = card(Kick(1e-3))
    del broken["simulation"]["steps"]
    with pytest.raises(ContractError, match="steps"):
        SimulationSettings.from_model(broken)
