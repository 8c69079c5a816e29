"""Small OrbEvo models and batches made of real trajectories."""

from __future__ import annotations

import pytest
import torch
from helpers import SMALL

from graphlearn.datasets import Normalizer, OrbitalTrajectory, collate
from graphlearn.models import OrbEvo


@pytest.fixture(scope="session")
def orbital_trajectories(water_trajectory, ammonia_trajectory):
    """Water and ammonia as tensors."""
    return [OrbitalTrajectory.from_trajectory(t) for t in (water_trajectory, ammonia_trajectory)]


@pytest.fixture(scope="session")
def normalizer():
    return Normalizer(0.2, 0.5, 0.02)


@pytest.fixture
def batch(orbital_trajectories, normalizer):
    """Two windows of different molecules while the field acts."""
    return collate([(orbital_trajectories[0], 16), (orbital_trajectories[1], 20)], normalizer, 8)


@pytest.fixture
def small_model():
    torch.manual_seed(0)
    return OrbEvo(**SMALL).eval()
