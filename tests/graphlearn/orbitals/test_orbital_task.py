"""Learning trajectories as a task: every tensor of a step and of a validation follows the device of the model."""

from __future__ import annotations

import pytest
import torch
from helpers import SMALL
from other_device import other_device

from graphlearn.base.errors import InputError
from graphlearn.base.recipes.reading import parse_recipe
from graphlearn.datasets import TDDFTTrajectories
from graphlearn.orbitals.recipe import OrbitalRecipe
from graphlearn.orbitals.task import OrbitalTask
from graphlearn.training.randomness import ALONE, Share, StepDraws
from tdddft.trajectory import write_trajectory

VARIANTS = {
    "OrbEvo": {"model": SMALL, "optimisation": {"batch_size": 4, "push_forward": 1.0, "flip_signs": True, "states": 2}},
    "OrbEvo, unrolled": {"model": SMALL, "optimisation": {"batch_size": 2, "unroll_bundles": 2}},
    "ResponseOrbEvo": {
        "architecture": "ResponseOrbEvo",
        "optimisation": {"batch_size": 8, "windows_per_trajectory": 4, "push_forward": 0},
    },
}


@pytest.fixture(params=VARIANTS)
def task(request, tmp_path, water_trajectory, ammonia_trajectory):
    recipe = parse_recipe({"name": "x", **VARIANTS[request.param]}, OrbitalRecipe)
    files = {t.name: write_trajectory(tmp_path / f"{t.name}.h5", t) for t in (water_trajectory, ammonia_trajectory)}
    data = TDDFTTrajectories(files, **recipe.geometry)
    return OrbitalTask.create(recipe, data, data)


def step(task, model):
    """Loss of the first step, norm of its gradient, and validation."""
    batch, draws = next(iter(task.batches(0, ALONE))), StepDraws(0, 0)
    draws.seed_everything()
    sums = task.loss(model, batch, draws)
    (sums[0] / sums[1]).backward()
    norm = torch.nn.utils.get_total_norm([p.grad for p in model.parameters() if p.grad is not None])
    model.zero_grad()
    with torch.no_grad():
        return [sums.detach().cpu().sum().item(), norm.item(), *task.validate(model.eval()).values()]


def test_a_step_and_a_validation_are_the_same_on_another_device(task):
    expected = step(task, task.model.train())
    with other_device() as device:
        model = task.model.train().to(device)
        assert step(task, model) == expected


def test_more_processes_than_trajectories_in_a_step_are_refused(task):
    with pytest.raises(InputError, match="too small for 9 processes"):
        task.batches(0, Share(0, 9))
