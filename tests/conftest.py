"""Fixtures that many tests share: real molecules, propagated once a session."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """Real reference data; tests that need it are skipped where it is absent."""
    folder = os.environ.get("GRAPHLEARN_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("GRAPHLEARN_DATA does not name a folder of reference data")
    return Path(folder)


@pytest.fixture(scope="session")
def fast_method():
    """PBE / GTH-DZVP / GTH-PBE on coarse grids: real physics, quick."""
    from tdddft import Method

    return Method(grid_level=1, response_grid=0)


@pytest.fixture(scope="session")
def water(fast_method):
    """Ground state of water."""
    from tdddft import ground_state

    return ground_state("g2:H2O", fast_method)


@pytest.fixture(scope="session")
def water_trajectory(water):
    """Two femtoseconds of water in the two-pulse field along an oblique direction."""
    from tdddft import GaussianPulses, propagate

    return propagate(water, GaussianPulses((0.3, 0.5, 0.8)), steps=400, save_every=10)


@pytest.fixture(scope="session")
def ammonia_trajectory(fast_method):
    """Two femtoseconds of ammonia in the two-pulse field along x."""
    from tdddft import GaussianPulses, ground_state, propagate

    return propagate(ground_state("g2:NH3", fast_method), GaussianPulses((1, 0, 0)), steps=400, save_every=10)
