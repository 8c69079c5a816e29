"""The loop: push-forward, exact continuation, checkpoints, rollout."""

import json

import pytest
import torch
from helpers import SMALL, mean_loss, train_orbitals as train

from graphlearn.base.recipes.reading import parse_recipe
from graphlearn.datasets import Normalizer, TDDFTTrajectories, collate
from graphlearn.models import OrbEvo
from graphlearn.orbitals.assignment import assign
from graphlearn.orbitals.model_folder import load_orbital_model
from graphlearn.orbitals.push_forward import push, training_batch
from graphlearn.orbitals.recipe import OrbitalOptimisation, OrbitalRecipe, Split
from graphlearn.orbitals.rollout import Rollout
from graphlearn.training.checkpoint import save_model
from graphlearn.training.randomness import StepDraws
from tdddft import ContractError, InputError
from tdddft.trajectory import write_trajectory


@pytest.fixture
def data(tmp_path, water_trajectory, ammonia_trajectory):
    return TDDFTTrajectories(
        {t.name: write_trajectory(tmp_path / f"{t.name}.h5", t) for t in (water_trajectory, ammonia_trajectory)}
    )


def recipe(**optimisation):
    settings = {"steps": 6, "batch_size": 3, "checkpoint_every": 2, "learning_rate": 2e-3, **optimisation}
    model = {**SMALL, "alpha_dropout": 0.1, "path_dropout": 0.1}
    return OrbitalRecipe(name="test", model=model, optimisation=OrbitalOptimisation(**settings))


class StopError(Exception):
    """Stands for a kill."""


def test_stopped_and_continued_equals_uninterrupted(data, tmp_path):
    whole = train(recipe(), data, tmp_path / "whole")

    def stop(step, *_):
        if step == 5:
            raise StopError

    with pytest.raises(StopError):
        train(recipe(), data, tmp_path / "parts", on_step=stop)
    parts = train(recipe(), data, tmp_path / "parts")
    assert parts.losses == whole.losses
    for (name, a), b in zip(whole.model.state_dict().items(), parts.model.state_dict().values(), strict=True):
        assert torch.equal(a, b), name


def test_training_on_two_threads_repeats_bit_for_bit(data, tmp_path):
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        settings = recipe(steps=12, batch_size=8)
        settings = settings.model_copy(update={"model": {**settings.model, "channels": 32}})
        runs = [train(settings, data, tmp_path / str(i)).losses for i in range(3)]
    finally:
        torch.set_num_threads(threads)
    assert runs[0] == runs[1] == runs[2]


def test_same_seed_same_loss_other_seed_other_loss(data, tmp_path):
    runs = [train(recipe(seed=s), data, tmp_path / str(i)).losses for i, s in enumerate((1, 1, 2))]
    assert runs[0] == runs[1] != runs[2]


def test_another_recipe_in_the_same_folder_is_refused(data, tmp_path):
    train(recipe(), data, tmp_path / "run")
    with pytest.raises(InputError, match="another recipe or data set"):
        train(recipe(learning_rate=1e-3), data, tmp_path / "run")


def test_push_forward_replaces_history_by_the_models_own_output(data, small_model):
    normalizer = Normalizer.fit(data)
    windows = [(data[i % 2], frame) for i, frame in enumerate((3, 12, 7, 25))]
    draws = [
        training_batch(windows, normalizer, small_model, OrbitalOptimisation(push_forward=share), StepDraws(0, 5))
        for share in (0.0, 1.0)
    ]
    (clean, weight), (pushed, same_weight) = draws
    assert torch.equal(weight, same_weight)
    assert torch.equal(clean.target, pushed.target)
    for i in range(4):
        atoms = clean.batch == i
        changed = not torch.equal(clean.delta[atoms], pushed.delta[atoms])
        assert changed == (float(weight[i]) == 1.0)  # windows of the first bundle cannot be pushed and weigh double


def test_push_forward_over_several_bundles_equals_a_rollout_from_there(data, small_model):
    normalizer = Normalizer(0.2, 0.5)
    own = push([(data[0], 16)], 2, normalizer, small_model)
    (rolled,) = Rollout(small_model, normalizer)([data[0]])
    assert torch.allclose(own * 0.5, rolled[..., 9:17, :], atol=1e-6)  # both start at t = 0


def test_loss_is_zero_for_the_target_and_ignores_padding(batch):
    assert float(mean_loss(batch.target, batch, torch.ones(2))) < 2e-6
    off = mean_loss(torch.zeros_like(batch.target), batch, torch.ones(2))
    by_hand = batch.target.square().sum(dim=(2, 3, 5)).sqrt().mean()
    assert torch.isclose(off, by_hand, rtol=1e-5)


def test_rollout_of_a_batch_equals_singles(data, small_model):
    normalizer = Normalizer(0.2, 0.5)
    items = [data[0], data[1]]
    together = Rollout(small_model, normalizer)(items)
    for i, item in enumerate(items):
        (alone,) = Rollout(small_model, normalizer)([item])
        assert alone.shape == item.delta.shape
        assert (together[i] - alone).abs().max() < 1e-4
        assert alone[..., 0, :].abs().max() == 0


def test_one_step_rollout_uses_the_true_history(data, small_model):
    normalizer = Normalizer(0.2, 0.5)
    (taught,) = Rollout(small_model, normalizer)([data[0]], teacher=True)
    with torch.no_grad():
        direct = small_model(collate([(data[0], 8)], normalizer, 8)) * 0.5
    assert torch.allclose(taught[..., 9:17, :], direct, atol=1e-6)


def test_model_round_trip_and_damage(small_model, tmp_path):
    save_model(tmp_path / "m", small_model, {"normalizer": Normalizer(0.2, 0.5).to_dict(), "trained_on": []})
    again, normalizer, facts = load_orbital_model(tmp_path / "m")
    assert normalizer == Normalizer(0.2, 0.5)
    assert facts["class"] == "OrbEvo"
    for a, b in zip(small_model.state_dict().values(), again.state_dict().values(), strict=True):
        assert torch.equal(a, b)
    weights = tmp_path / "m/model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(ContractError, match="damaged model"):
        load_orbital_model(tmp_path / "m")
    description = json.loads((tmp_path / "m/model.json").read_text())
    (tmp_path / "m/model.json").write_text(json.dumps({**description, "schema_version": 99}))
    with pytest.raises(ContractError, match="schema version 99"):
        load_orbital_model(tmp_path / "m")
    with pytest.raises(InputError, match="holds no model"):
        load_orbital_model(tmp_path)


def test_split_gives_every_id_once():
    split = Split(test={"held out": ("a*",)})
    assert assign(["a1", "b1", "b2"], split) == {"held out": ["a1"], "train": ["b1", "b2"]}
    with pytest.raises(InputError, match="no trajectory is left for training"):
        assign(["a1"], split)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_frames": 4}, "set model.field_samples=80"),
        ({"num_frames": 64, "field_samples": 1280}, "41 frames are too few for bundles of 64"),
        ({"heads": 3}, "heads .3. must divide channels"),
        ({"channels": "many"}, "channels must be a positive whole number"),
        ({"num_radial": 1}, "num_radial - 1 must be"),
        ({"cutoff_angstrom": 3.0}, "the model's own cutoff"),
    ],
)
def test_models_that_do_not_fit_the_data_are_named(data, tmp_path, changes, message):
    settings = recipe()
    settings = settings.model_copy(update={"model": {**settings.model, **changes}})
    with pytest.raises(InputError, match=message):
        train(settings, data, tmp_path / "run")


def test_the_cutoff_of_the_model_reaches_the_data(data, tmp_path):
    settings = recipe(steps=1).model_copy(update={"model": {**SMALL, "cutoff_angstrom": 1.2}})
    near = TDDFTTrajectories(data.files, **settings.geometry)
    assert near[0].edge_index.shape[1] < data[0].edge_index.shape[1]
    assert train(settings, near, tmp_path / "run").model.cutoff_angstrom == 1.2


def test_a_trajectory_of_other_frame_spacing_is_refused(data, small_model):
    with pytest.raises(InputError, match=r"0.05 fs apart, the model learned 0.1 fs"):
        Rollout(small_model, Normalizer(0.2, 0.5, frame_fs=0.1))([data[0]])


def test_unknown_model_arguments_are_named():
    with pytest.raises(InputError, match="did you mean 'channels'"):
        parse_recipe({"name": "x", "model": {"chanels": 8}}, OrbitalRecipe)


def test_training_lowers_the_loss(data, tmp_path):
    settings = recipe(steps=80, batch_size=6, learning_rate=5e-3)
    result = train(settings, data, tmp_path / "run")
    batch = collate([(data[i], frame) for i in (0, 1) for frame in range(0, 32, 4)], Normalizer.fit(data), 8)
    torch.manual_seed(0)
    untrained = OrbEvo(**settings.model).eval()
    with torch.no_grad():
        before, after = (float(mean_loss(m(batch), batch, torch.ones(16))) for m in (untrained, result.model))
    assert after < 0.9 * before
    assert not result.model.training
