"""The error of the dipole keeps to ``dipole_tolerance``; benchmarks/dipole_tolerance.py has more cases."""

import numpy as np
import pytest

from tdddft import GaussianPulses, Hamiltonian, Kick, Laser, Method, ground_state, propagate
from tdddft.analysis.observables import orbital_motion

COARSE = {"pseudopotential": None, "grid_level": 1, "response_grid": 0, "response_precision": "float64"}
CASES = {
    "diffuse functions": ("g2:H2", Method(basis="aug-cc-pvdz", **COARSE), Kick(1e-3), 400),
    "core levels": ("g2:LiH", Method(basis="sto-3g", **COARSE), Laser(3.1, (0.3, 0.0, 0.3), duration_fs=0.5), 100),
}


@pytest.mark.parametrize("name", CASES)
def test_the_error_of_the_dipole_is_at_most_the_tolerance(name):
    molecule, method, field, steps = CASES[name]
    hamiltonian = Hamiltonian(ground_state(molecule, method))
    state = hamiltonian.ground_states[0]

    def dipole(tolerance):
        run = propagate(state, field, steps, 0.005, dipole_tolerance=tolerance, hamiltonian=hamiltonian)
        return run.dipole_au - state.nuclear_dipole_au - hamiltonian.ground_dipole_au.numpy()[0]

    reference = dipole(1e-6)
    span = np.linalg.norm(reference, axis=1).max()
    for tolerance in (1e-3, 1e-4):
        assert np.linalg.norm(dipole(tolerance) - reference, axis=1).max() / span < tolerance


def test_the_orbitals_are_about_as_good_as_the_dipole():
    """Also their turns among the occupied ones, which no dipole sees but a learning target holds."""
    state = ground_state("g2:H2O", Method(grid_level=1, response_grid=0))
    hamiltonian = Hamiltonian(state)

    def motion(tolerance):
        run = propagate(
            state, GaussianPulses(), 400, 0.005, dipole_tolerance=tolerance, hamiltonian=hamiltonian,
            precision="complex128",
        )  # fmt: skip
        return orbital_motion(run)

    reference = motion(1e-5)
    assert np.linalg.norm(motion(1e-3) - reference) / np.linalg.norm(reference) < 5e-4
