"""Options of training: validation, moving average, unrolling, state sampling, signs, precision, processes, stopping."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from helpers import SMALL, mean_loss, train_orbitals as train
from safetensors.torch import load_file

from graphlearn.base.errors import InputError, StoppedError
from graphlearn.base.recipes.reading import parse_recipe
from graphlearn.datasets import Normalizer, TDDFTTrajectories, TDDFTWindows, collate
from graphlearn.models import OrbEvo
from graphlearn.orbitals.assignment import assign, test_sets as sets_of
from graphlearn.orbitals.loss import unrolled_loss
from graphlearn.orbitals.model_folder import OrbitalCard, load_orbital_model
from graphlearn.orbitals.recipe import OrbitalOptimisation, OrbitalRecipe, Split, Validation
from graphlearn.orbitals.rollout import Rollout
from graphlearn.orbitals.sampling import StepSampler, flip_signs, sample_states
from graphlearn.orbitals.validation import validation_score
from graphlearn.training.randomness import Share, StepDraws, step_generator
from tdddft.trajectory import write_trajectory


@pytest.fixture
def data(tmp_path, water_trajectory, ammonia_trajectory):
    return TDDFTTrajectories(
        {t.name: write_trajectory(tmp_path / f"{t.name}.h5", t) for t in (water_trajectory, ammonia_trajectory)}
    )


def recipe(every=3, **optimisation):
    settings = {"steps": 6, "batch_size": 3, "checkpoint_every": 2, "learning_rate": 2e-3, **optimisation}
    return OrbitalRecipe(
        name="test", model=SMALL, optimisation=OrbitalOptimisation(**settings), validation=Validation(every=every)
    )


def test_the_best_validation_is_kept(data, tmp_path):
    seen = []
    result = train(
        recipe(1, learning_rate=0.05), data, tmp_path / "run", validation=data,
        on_validation=lambda step, score: seen.append((step, score)),
    )  # fmt: skip
    assert [(step, figures["wavefunction_nrmse"]) for step, figures in result.validations] == seen
    assert [step for step, _ in seen] == [1, 2, 3, 4, 5, 6]
    kept, normalizer, facts = load_orbital_model(tmp_path / "run")
    assert validation_score(kept, normalizer, data, 8) == min(score for _, score in seen)
    assert facts["training"]["validations"] == [list(v) for v in seen]
    assert facts["training"]["best"] == min(score for _, score in seen)
    assert facts["training"]["higher_is_better"] is False


def test_validation_changes_nothing_but_what_is_kept(data, tmp_path):
    with_it = train(recipe(2), data, tmp_path / "a", validation=data).losses
    assert with_it == train(recipe(2), data, tmp_path / "b").losses


def test_validation_score_is_zero_for_the_truth_and_one_for_nothing(data, small_model, monkeypatch):
    for factor, expected in ((1.0, 0.0), (0.0, 1.0)):
        monkeypatch.setattr(Rollout, "__call__", lambda self, items, f=factor: [items[0].delta * f])
        assert validation_score(small_model, Normalizer(0.2, 0.5), data, 2) == pytest.approx(expected, abs=1e-6)


def test_stopped_with_moving_average_and_validation_equals_uninterrupted(data, tmp_path):
    settings = recipe(ema_decay=0.9, flip_signs=True, states=2)
    whole = train(settings, data, tmp_path / "whole", validation=data)
    asked = iter([False] * 3 + [True] * 9)
    with pytest.raises(StoppedError, match="after step 4 of 6"):
        train(settings, data, tmp_path / "parts", validation=data, stop=lambda: next(asked))
    parts = train(settings, data, tmp_path / "parts", validation=data)
    assert parts.losses == whole.losses
    assert parts.validations == whole.validations
    for a, b in zip(whole.model.state_dict().values(), parts.model.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_moving_average_is_the_average_of_the_weights(data, tmp_path):
    steps = [train(recipe(steps=n, ema_decay=0.0), data, tmp_path / str(n)).model.state_dict() for n in (1, 2)]
    averaged = train(recipe(steps=2, ema_decay=0.75), data, tmp_path / "average").model.state_dict()
    # the schedule depends on the number of steps, so the first weights are read from the run itself
    state = load_file(tmp_path / "average/training_state.safetensors")
    assert torch.equal(state["model.head.first.bias"], steps[1]["head.first.bias"])
    assert not torch.equal(averaged["head.first.bias"], steps[1]["head.first.bias"])
    assert int(state["average.n_averaged"]) == 2


def test_readers_ahead_change_nothing(data, tmp_path):
    assert train(recipe(workers=1), data, tmp_path / "a").losses == train(recipe(), data, tmp_path / "b").losses


def test_every_process_takes_its_share_of_a_step():
    alone = list(StepSampler([100], 5, 3, 2, 6))
    shares = [list(StepSampler([100], 5, 3, 2, 6, share=Share(rank, 2))) for rank in (0, 1)]
    assert len(alone) == 4
    for step, first, second in zip(alone, *shares, strict=True):
        assert sorted(first + second) == sorted(step)
        assert first == step[::2]
    assert list(StepSampler([100], 5, 3, 4, 6)) == alone[2:]


def test_windows_drawn_together_are_of_one_trajectory():
    ends = [10, 60, 61, 200]
    steps = list(StepSampler(ends, 12, 0, 0, 50, windows_per_trajectory=4))
    owners = np.searchsorted(ends, np.array(steps), side="right").reshape(50, 3, 4)
    assert (owners == owners[..., :1]).all()
    share = np.bincount(owners[..., 0].ravel(), minlength=4) / 150
    assert np.abs(share - np.array([0.05, 0.25, 0.005, 0.695])).max() < 0.12
    first, second = (
        list(StepSampler(ends, 12, 0, 0, 50, windows_per_trajectory=4, share=Share(rank, 2))) for rank in (0, 1)
    )
    for step, mine, other in zip(steps, first, second, strict=True):
        assert mine == step[:4] + step[8:]
        assert other == step[4:8]


def test_draws_of_a_window_do_not_depend_on_the_processes():
    alone = [StepDraws(3, 5).item(i, 7, group=2).initial_seed() for i in range(6)]
    first, second = (
        [StepDraws(3, 5, Share(rank, 2)).item(i, 7, group=2).initial_seed() for i in range(4)] for rank in (0, 1)
    )
    assert first[:2] + second[:2] + first[2:] == alone
    assert len(set(alone)) == 6


def test_unrolled_loss_is_the_mean_of_what_a_rollout_gives(data, small_model):
    normalizer = Normalizer.fit(data)
    windows = TDDFTWindows(data, num_frames=16, history=8)
    batch = collate([windows.window(0, 9), windows.window(1, 3)], normalizer, 8, bundles=2)
    weight = torch.tensor([1.0, 2.0])
    total, count = unrolled_loss(small_model, batch, weight, 2).unbind()
    first = collate([(data[0], 9), (data[1], 3)], normalizer, 8)
    second = collate([(data[0], 17), (data[1], 11)], normalizer, 8)
    predicted = small_model(first)
    second.delta = predicted
    by_hand = 0.5 * (mean_loss(predicted, first, weight) + mean_loss(small_model(second), second, weight))
    assert torch.isclose(total / count, by_hand, rtol=1e-5)
    total.backward()
    assert all(p.grad is not None for p in small_model.parameters())


def test_unrolled_training_runs_and_needs_all_states(data, tmp_path):
    assert len(train(recipe(unroll_bundles=2, push_forward_bundles=2), data, tmp_path / "run").losses) == 6
    with pytest.raises(InputError, match="unroll_bundles"):
        parse_recipe({"name": "x", "optimisation": {"states": 2, "unroll_bundles": 2}}, OrbitalRecipe)


def test_too_long_an_unrolling_is_refused(data, tmp_path):
    with pytest.raises(InputError, match="41 frames are too few for 6 bundles of 8"):
        train(recipe(unroll_bundles=6), data, tmp_path / "run")


@pytest.mark.parametrize("variant", ["dm", "wf"])
def test_sampled_states_are_predicted_as_among_all(batch, variant):
    torch.manual_seed(1)
    interaction = {"dm": {}, "wf": {"num_density_blocks": 0, "num_blocks": 2, "pool_states": True}}[variant]
    model = OrbEvo(**{**SMALL, **interaction}).eval()
    few = sample_states(batch, 2, StepDraws(0, 0))
    with torch.no_grad():
        every, chosen = model(batch), model(few)
    assert chosen.shape[1] == few.target.shape[1] == 2
    index = few.states[few.batch][:, :, None, None, None, None]
    assert torch.equal(few.target, torch.take_along_dim(batch.target, index, dim=1))
    same = torch.allclose(chosen, torch.take_along_dim(every, index, dim=1), atol=1e-5)
    assert same == (variant == "dm")  # in WF the mean over states is that of the sampled ones


def test_padding_is_sampled_last(batch):
    batch.occupations = batch.occupations.clone()
    batch.occupations[0, 2:] = 0.0
    for seed in range(10):
        few = sample_states(batch, 2, StepDraws(0, seed))
        assert few.states[0].tolist() == [0, 1]
        assert bool(few.state_mask.all())


def test_flipped_signs_leave_density_and_sizes(batch):
    turned = flip_signs(batch, StepDraws(0, 0))
    assert not torch.equal(turned.c0, batch.c0)
    assert torch.equal(turned.c0.abs(), batch.c0.abs())
    one = batch.batch == 0
    density = [torch.einsum("nsar,msbq->nmarbq", b.c0[one], b.delta[one][..., 0, 0]) for b in (batch, turned)]
    assert torch.allclose(*density, atol=1e-5)
    ratio = turned.c0[batch.c0 != 0] / batch.c0[batch.c0 != 0]
    assert set(ratio.unique().tolist()) == {-1.0, 1.0}


def test_random_numbers_of_steps_and_purposes_differ():
    drawn = {
        int(torch.randint(2**40, (1,), generator=step_generator(seed, step, purpose)))
        for seed in (0, 1)
        for step in range(5)
        for purpose in range(3)
    }
    assert len(drawn) == 30


def test_bf16_learns_about_the_same(data, tmp_path):
    exact, half = (train(recipe(precision=p), data, tmp_path / p) for p in ("float32", "bf16"))
    assert half.losses != exact.losses
    assert half.losses[0] == pytest.approx(exact.losses[0], rel=0.05)
    assert all(p.dtype == torch.float32 for p in half.model.parameters())


SHARED = """
import sys
from pathlib import Path
from graphlearn.datasets import TDDFTTrajectories
from graphlearn.orbitals.recipe import OrbitalRecipe
from graphlearn.orbitals.task import OrbitalTask
from graphlearn.training.trainer import Trainer
from graphlearn.base.recipes.reading import load_recipe

folder = Path(sys.argv[1])
files = {p.stem: p for p in sorted(folder.glob("*.h5"))}
task = OrbitalTask.create(load_recipe(folder / "recipe.yaml", OrbitalRecipe), TDDFTTrajectories(files))
Trainer("cpu").fit(task, folder / sys.argv[2])
"""


def test_two_processes_equal_one(data, tmp_path):
    settings = recipe(push_forward=0.5, batch_size=4, flip_signs=True, states=2)
    (tmp_path / "recipe.yaml").write_text(json.dumps(settings.model_dump(mode="json")))
    (tmp_path / "run.py").write_text(SHARED)
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node=2", "--master_port=29713"]
    subprocess.run([*launch, "run.py", str(tmp_path), "two"], cwd=tmp_path, check=True, timeout=300)
    subprocess.run([sys.executable, "run.py", str(tmp_path), "one"], cwd=tmp_path, check=True, timeout=300)
    one, two = (load_file(tmp_path / name / "model.safetensors") for name in ("one", "two"))
    torch.manual_seed(settings.optimisation.seed)
    start = settings.build_model().state_dict()
    assert _distance(one, two) < 1e-2 * _distance(one, start)


def _distance(one, other):
    """Root of the sum of squares over all weights: AdamW turns rounding into whole steps where a gradient is zero."""
    return sum(float((one[k] - other[k]).double().square().sum()) for k in one) ** 0.5


def test_drawn_sets_are_disjoint_and_repeat():
    names = [f"{kind}{i}" for kind in ("a", "b") for i in range(20)]
    split = Split(test={"all a below 2": ("a0", "a1")}, held_out=5, validation=0.1, train=("a*", "b*"))
    parts = assign(names, split)
    assert {s: len(ids) for s, ids in parts.items()} == {
        "all a below 2": 2, "held out": 5, "validation": 4, "train": 29,
    }  # fmt: skip
    assert sorted(n for ids in parts.values() for n in ids) == sorted(names)
    assert parts == assign(names, split)
    assert parts["train"] == sorted(parts["train"], key=names.index)
    with pytest.raises(InputError, match="no trajectory is left for validation"):
        assign(names[:4], Split(validation=0.01))
    with pytest.raises(InputError, match="'held out', which is drawn"):
        parse_recipe({"name": "x", "split": {"test": {"held out": ["a*"]}, "held_out": 2}}, OrbitalRecipe)
    with pytest.raises(InputError, match="need a data-set folder"):
        assign(names, Split(by_molecule=True, held_out=1))


def test_test_sets_of_a_model_are_those_of_its_recipe(tmp_path):
    names = [f"m{i}" for i in range(10)]
    split = Split(test={"first": ("m0",)}, validation=2)
    parts = assign(names, split)
    facts = {
        "trained_on": parts["train"], "validated_on": parts["validation"],
        "recipe": {"split": split.model_dump(mode="json")}, "class": "OrbEvo", "arguments": {},
        "normalizer": Normalizer(1.0, 0.1),
    }  # fmt: skip
    card = OrbitalCard.model_validate(facts)
    assert sets_of(names, card, tmp_path) == {"first": ["m0"]}
    changes = {"trained_on": ["m0", "m1"], "validated_on": ["m2"]}  # elsewhere, the recipe's test set was trained on
    card = OrbitalCard.model_validate({**facts, **changes})
    assert sets_of(names, card, tmp_path) == {"not seen in training": names[3:]}
    assert sets_of(["m0", "m2"], card, tmp_path) == {}
