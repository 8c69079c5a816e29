"""Learning rates are those of the formula, from whatever step a training goes on."""

from __future__ import annotations

import math

import pytest
import torch

from graphlearn.training.schedule import make_optimizer, make_schedule


def rates(first, name="cosine", steps=40, warmup=7, rate=3e-3):
    optimizer = make_optimizer("adamw", torch.nn.Linear(1, 1), rate, 0.0)
    schedule = make_schedule(name, optimizer, rate, steps, warmup, first=first)
    found = []
    for _ in range(first, steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return found


def test_a_linear_warm_up_then_half_a_cosine_to_zero():
    warm = [3e-3 * (s + 1) / 7 for s in range(7)]
    down = [3e-3 * 0.5 * (1 + math.cos(math.pi * ((s - 7) / 33))) for s in range(7, 40)]
    assert rates(0) == warm + down
    assert max(rates(0)) == 3e-3 == rates(0)[7]
    assert rates(0)[-1] < 1e-4


def test_a_constant_rate_after_the_warm_up():
    assert rates(0, "constant")[6:] == [3e-3] * 34
    assert rates(0, warmup=0)[0] == 3e-3


@pytest.mark.parametrize("first", [1, 6, 7, 39])
def test_a_continued_schedule_has_the_same_rates(first):
    assert rates(first) == rates(0)[first:]


@pytest.mark.parametrize(("name", "kind"), [("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW)])
def test_optimisers_by_name(name, kind):
    assert type(make_optimizer(name, torch.nn.Linear(1, 1), 0.1, 0.2)) is kind
