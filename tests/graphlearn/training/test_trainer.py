"""The trainer on a task that learns in milliseconds: exact continuation, what is kept, early stopping, devices."""

from __future__ import annotations

import json
import math

import pytest
import torch
from other_device import DEVICE, other_device
from safetensors.torch import load_file, save_file
from toy_task import ToyTask, equal_weights, same_losses

from graphlearn.base.errors import ContractError, InputError, StoppedError
from graphlearn.training.randomness import ALONE, StepDraws
from graphlearn.training.task import Metric, TrainingResult, Validation
from graphlearn.training.trainer import Trainer

STATE = "training_state.safetensors"
SCORE, LOSS = Metric("score", True, "score"), Metric("loss", False, "loss")


@pytest.fixture(scope="module")
def whole():
    return Trainer("cpu").fit(ToyTask())


@pytest.mark.parametrize("stop", range(1, 8))
def test_stopped_at_any_step_and_continued_equals_uninterrupted(whole, tmp_path, stop):
    done = []
    with pytest.raises(StoppedError, match=f"after step {stop} of 8"):
        Trainer("cpu", on_step=lambda *s: done.append(s), stop=lambda: len(done) == stop - 1).fit(ToyTask(), tmp_path)
    result = Trainer("cpu").fit(ToyTask(), tmp_path)
    assert result.losses == whole.losses
    assert result.validations == whole.validations
    assert equal_weights(result.model, whole.model)


def test_killed_between_checkpoints_and_continued_equals_uninterrupted(whole, tmp_path):
    def kill(step, *_):
        if step == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Trainer("cpu", on_step=kill).fit(ToyTask(), tmp_path)
    result = Trainer("cpu").fit(ToyTask(), tmp_path)
    assert result.losses == whole.losses
    assert equal_weights(result.model, whole.model)


def test_writing_checkpoints_changes_nothing(whole, tmp_path):
    assert Trainer("cpu").fit(ToyTask(), tmp_path).losses == whole.losses


@pytest.mark.parametrize("optimizer", ["adam", "adamw"])
def test_a_moving_average_and_either_optimiser_continue_exactly(tmp_path, optimizer):
    options = {"ema_decay": 0.5, "optimizer": optimizer, "weight_decay": 0.3, "schedule": "constant"}
    whole = Trainer("cpu").fit(ToyTask(options=options))
    asked = iter([False] * 4 + [True] * 9)
    with pytest.raises(StoppedError):
        Trainer("cpu", stop=lambda: next(asked)).fit(ToyTask(options=options), tmp_path)
    assert equal_weights(Trainer("cpu").fit(ToyTask(options=options), tmp_path).model, whole.model)


def figures(*values):
    return [{"score": score, "loss": loss} for score, loss in values]


def test_the_metric_decides_in_its_direction_and_the_next_one_between_equal_values():
    given = figures((0.5, 2.0), (0.9, 3.0), (0.9, 1.0), (0.9, 1.0))
    for metrics, step in (((SCORE, LOSS), 6), ((LOSS, SCORE), 6), ((SCORE,), 4), ((LOSS,), 6)):
        result = Trainer("cpu").fit(ToyTask(metrics=metrics, figures=list(given)))
        assert result.best.step == step


def test_the_weights_of_the_best_validation_are_kept():
    best = Trainer("cpu").fit(ToyTask(metrics=(SCORE,), figures=figures((0.9, 0), (0.1, 0), (0.2, 0), (0.3, 0))))
    seen = []

    class Looking(ToyTask):
        def validate(self, model):
            seen.append({name: value.clone() for name, value in model.state_dict().items()})
            return super().validate(model)

    Trainer("cpu").fit(Looking())
    assert all(torch.equal(value, best.model.state_dict()[name]) for name, value in seen[0].items())


def test_values_that_are_no_number_or_too_bad_are_not_kept():
    result = Trainer("cpu").fit(ToyTask(figures=[{"error": e} for e in (math.nan, 1e3, 5e3, math.nan)]))
    assert result.best is None
    assert equal_weights(result.model, Trainer("cpu").fit(ToyTask(validate_every=None, metrics=())).model)


def test_patience_ends_a_training_and_a_finished_one_stays_ended(tmp_path):
    given = figures((0.1, 0), (0.5, 0), (0.4, 0), (0.3, 0), (0.9, 0))
    task = ToyTask(steps=20, metrics=(SCORE,), patience=2, figures=given)
    result = Trainer("cpu").fit(task, tmp_path)
    assert (len(result.losses), result.best.step) == (8, 4)
    again = Trainer("cpu").fit(ToyTask(steps=20, metrics=(SCORE,), patience=2, figures=[]), tmp_path)
    assert again.losses == result.losses
    assert equal_weights(again.model, result.model)


def test_a_step_that_teaches_nothing_leaves_the_weights():
    task = ToyTask(steps=3, validate_every=None, metrics=(), empty=(0, 1, 2))
    start = {name: value.clone() for name, value in task.model.state_dict().items()}
    result = Trainer("cpu").fit(task)
    assert all(math.isnan(loss) for loss in result.losses)
    assert all(torch.equal(value, start[name]) for name, value in result.model.state_dict().items())
    some = Trainer("cpu").fit(ToyTask(empty=(2,)))
    assert [math.isnan(loss) for loss in some.losses].index(True) == 2
    assert same_losses(some.losses[:2], Trainer("cpu").fit(ToyTask()).losses[:2])


def test_a_loss_that_is_not_finite_says_what_to_change():
    with pytest.raises(RuntimeError, match=r"loss of step \d+ is (nan|inf); lower optimisation\.learning_rate"):
        Trainer("cpu").fit(ToyTask(steps=60, options={"learning_rate": 1e30, "gradient_clip": 1e30}))


def test_half_precision_learns_about_the_same_and_weights_stay_single(whole):
    half = Trainer("cpu").fit(ToyTask(options={"precision": "bf16"}))
    assert half.losses != whole.losses
    assert half.losses[0] == pytest.approx(whole.losses[0], rel=0.05)
    assert all(p.dtype == torch.float32 for p in half.model.parameters())


def test_another_recipe_and_another_version_are_refused_in_one_line(tmp_path):
    Trainer("cpu").fit(ToyTask(), tmp_path)
    with pytest.raises(InputError, match="another recipe or data set; choose another folder"):
        Trainer("cpu").fit(ToyTask(identity="other"), tmp_path)
    facts = {"identity": "toy", "losses": [1.0], "validations": [[1, 0.5]], "scaler": {}}  # as version 1 wrote it
    save_file(load_file(tmp_path / STATE), tmp_path / STATE, {"facts": json.dumps(facts)})
    with pytest.raises(InputError, match=r"state version 1, .*; finish with that version, or remove the file") as error:
        Trainer("cpu").fit(ToyTask(), tmp_path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"half", None])
def test_a_damaged_state_says_what_to_do(tmp_path, content):
    Trainer("cpu").fit(ToyTask(), tmp_path)
    data = (tmp_path / STATE).read_bytes()
    (tmp_path / STATE).write_bytes(content or data[:-20])
    with pytest.raises(ContractError, match=r"damaged .*; remove it to start again"):
        Trainer("cpu").fit(ToyTask(), tmp_path)


def test_a_device_that_is_not_there_is_an_error():
    with pytest.raises(InputError, match="device 'cuda:99'"):
        Trainer("cuda:99").fit(ToyTask())


def test_several_processes_do_not_share_one_device(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    with pytest.raises(InputError, match="several processes take one device each"):
        Trainer("cuda:1").fit(ToyTask())


def test_the_card_says_metric_direction_and_best_value():
    course = [Validation(2, {"score": 0.7}), Validation(4, {"score": 0.6})]
    result = TrainingResult(torch.nn.Linear(1, 1), [1.0] * 4, course, (SCORE,))
    assert result.to_dict() == {
        "steps": 4, "metric": "score", "higher_is_better": True, "best_step": 2, "best": 0.7,
        "validations": [[2, 0.7], [4, 0.6]],
    }  # fmt: skip


@pytest.mark.filterwarnings("ignore:.*copying from a non-meta parameter")  # it is copied: this meta holds numbers
def test_everything_follows_the_device_and_the_numbers_are_the_same(whole, tmp_path, monkeypatch):
    """Training, checkpoint, continuation and result on a second device, where mixing with the CPU is an error."""
    adamw = lambda _, model, rate, decay: torch.optim.AdamW(model.parameters(), rate, weight_decay=decay)  # noqa: E731
    monkeypatch.setattr("graphlearn.training.trainer.make_optimizer", adamw)  # fused kernels are of real devices
    monkeypatch.setattr("graphlearn.training.processes.find_device", lambda _: DEVICE)
    options = {"ema_decay": 0.5}
    asked = iter([False] * 4 + [True] * 9)
    with other_device():
        task = ToyTask(options=options)
        with pytest.raises(StoppedError):
            Trainer("cuda", stop=lambda: next(asked)).fit(task, tmp_path)
        assert {p.device for p in task.model.parameters()} == {DEVICE}
        other = Trainer("cuda").fit(ToyTask(options=options), tmp_path)
    monkeypatch.setattr("graphlearn.training.processes.find_device", lambda _: torch.device("cpu"))
    here = Trainer("cpu").fit(ToyTask(options=options))
    assert other.losses == here.losses
    assert other.validations == here.validations
    assert all(value.held.equal(here.model.state_dict()[name]) for name, value in other.model.state_dict().items())


def test_a_tensor_left_on_the_cpu_is_found():
    class Careless(ToyTask):
        def loss(self, model, batch, draws):
            return super().loss(model, batch, draws) + torch.ones(2)

    task = ToyTask()
    batch = next(iter(task.batches(0, ALONE)))
    with other_device() as device:
        model = task.model.to(device)
        assert task.loss(model, batch, StepDraws(0, 0)).device == device
        with pytest.raises(RuntimeError, match="tensors of the CPU and of another device"):
            Careless().loss(model, batch, StepDraws(0, 0))
