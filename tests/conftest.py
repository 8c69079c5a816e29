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


@pytest.fixture(scope="session")
def small_trajectory():
    """A trajectory of two orbitals that is true to the contract, made without quantum chemistry."""
    import numpy as np

    from tdddft import Trajectory
    from tdddft.trajectory import GroundStateInfo, MethodInfo, MoleculeInfo, Provenance, electronic_dipole_au

    times, dipole = np.arange(5) * 0.1, np.zeros((3, 2, 2))
    dipole[2] = [[0.0, 0.7], [0.7, 0.1]]
    angle = 0.01 * times
    mixed = np.stack([np.cos(angle), 1j * np.sin(angle)], axis=-1) * np.exp(0.5j * times)[:, None]
    fine = np.arange(41) * 0.01
    trajectory = Trajectory(
        numbers=np.array([1, 1]), positions_angstrom=np.array([[0.0, 0, 0], [0, 0, 0.74]]),
        ao_table=np.array([[0, 0, 0, 0], [1, 0, 0, 0]]), overlap=np.eye(2), dipole_ao_au=dipole,
        origin_au=np.zeros(3), fock_hartree=np.diag([-0.5, 0.3]), coefficients=np.array([[1.0, 0.0]]),
        energies_hartree=np.array([-0.5]), occupations=np.array([2.0]), field_times_fs=fine,
        field_au=np.exp(-((fine - 0.1) ** 2) / 2e-4)[:, None] * [0.0, 0.0, 1e-3], field_impulse_au=np.zeros(3),
        times_fs=times, frame_coefficients=mixed[:, None, :], dipole_au=np.zeros((5, 3)),
        energy_hartree=np.full(5, -1.1), norm_error=np.zeros(5),
        ground_state=GroundStateInfo(converged=True, nuclear_dipole_au=(0.0, 0.0, 1.4), ion_charges=(1, 1)),
        molecule=MoleculeInfo(name="H2", charge=0, source="made by hand", smiles=None),
        method=MethodInfo(basis="gth-dzvp", functional="PBE", pseudopotential="gth-pbe"),
        provenance=Provenance(id="H2_d0"),
    )  # fmt: skip
    stored = electronic_dipole_au(trajectory.frame_coefficients, trajectory) + trajectory.nuclear_dipole_au
    return trajectory.replace(dipole_au=stored)
