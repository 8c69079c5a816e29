"""Small OrbEvo models, batches made of real trajectories, and commands that get a signal while they work."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import contextmanager
from importlib import import_module

import pytest
import torch
from helpers import SMALL

from graphlearn.__main__ import main
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


@pytest.fixture
def terminated(monkeypatch):
    """Run a command that gets SIGTERM when it first says how far it is; its exit code."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def call(stage, *arguments):
        sent = []

        @contextmanager
        def progress(description, total):
            def update(*_, **__):
                if description == stage and not sent:
                    sent.append(stage)
                    os.kill(os.getpid(), signal.SIGTERM)

            yield update

        for module in ("graphlearn.training.session", "graphlearn.cli.compare",
                       "graphlearn.proteins.system"):  # fmt: skip
            monkeypatch.setattr(import_module(module), "progress", progress)
        monkeypatch.setattr(sys, "argv", ["graphlearn", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
        return stop.value.code if sent else "not sent"

    yield call
    for number, handler in before.items():
        signal.signal(number, handler)
