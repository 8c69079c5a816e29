"""Observables of a radical: spin density, populations, and what refuses it."""

import numpy as np
import pytest

from graphlearn.base.errors import OpenShellError
from graphlearn.orbitals.data.target import to_delta
from graphlearn.orbitals.data.trajectories import OrbitalTrajectory
from tdddft import InputError, Kick, Method, Molecule, ground_state, propagate, read_trajectory, write_trajectory
from tdddft.analysis.cube import density_on_grid, write_cube
from tdddft.analysis.observables import ground_orbital_populations, idempotency_error, mulliken_charges
from tdddft.trajectory import electronic_dipole_au, level_of_theory, orthonormality_error
from tdddft.trajectory.validation import failures

AMIDOGEN = Molecule(
    "NH2", np.array([7, 1, 1]), np.array([[0, 0, 0.14], [0, 0.8, -0.49], [0, -0.8, -0.49]]), multiplicity=2
)


@pytest.fixture(scope="module")
def radical():
    state = ground_state(AMIDOGEN, Method(functional="HF", basis="sto-3g"))
    return propagate(state, Kick(1e-3, (0, 0, 1)), 20, 0.02, save_every=2)


def test_a_file_of_a_radical_round_trips_and_is_valid(tmp_path, radical):
    again = read_trajectory(write_trajectory(tmp_path / "r.h5", radical))
    assert failures(again) == []
    assert again.spins.tolist() == [1] * 5 + [-1] * 4
    assert np.array_equal(again.fock_beta_hartree, radical.fock_beta_hartree)
    assert (again.molecule.multiplicity, level_of_theory(again)[0].multiplicity) == (2, 2)
    assert again.occupations.tolist() == [1.0] * 9
    dipole = electronic_dipole_au(again.frame_coefficients, again) + again.nuclear_dipole_au
    assert np.abs(dipole - again.dipole_au).max() < 1e-6
    assert orthonormality_error(again.frame_coefficients, again.overlap).max() > 0.1  # alpha and beta overlap


def test_a_file_with_half_of_an_open_shell_is_damaged(tmp_path, radical):
    import h5py

    from tdddft import ContractError

    path = write_trajectory(tmp_path / "r.h5", radical)
    with h5py.File(path, "r+") as file:
        del file["ground_state/fock_beta_hartree"]
    with pytest.raises(ContractError, match="fock_beta_hartree"):
        read_trajectory(path)


def test_the_spin_density_holds_one_electron(tmp_path, radical):
    _, spin = density_on_grid(radical, -1, spacing_au=0.25, margin_au=7.0, change=False, spin=True)
    assert spin.sum() * 0.25**3 == pytest.approx(1.0, abs=0.01)
    _, change = density_on_grid(radical, -1, spacing_au=0.25, margin_au=7.0, spin=True)
    assert abs(change.sum() * 0.25**3) < 1e-3
    path = write_cube(tmp_path / "s.cube", radical, -1, spacing_au=1.0, change=False, spin=True)
    assert "spin density" in path.read_text(encoding="utf-8").splitlines()[1] + path.read_text().splitlines()[0]


def test_a_closed_shell_has_no_spin_density(water_trajectory):
    with pytest.raises(InputError, match="a closed shell has no spin density"):
        density_on_grid(water_trajectory, 0, spin=True)


def test_populations_count_the_electrons_of_each_spin(radical):
    energies, populations = ground_orbital_populations(radical)
    assert populations.shape[1] == len(energies) == 14
    assert populations.sum(axis=1) == pytest.approx(9.0, abs=1e-5)
    assert populations[0, :9] == pytest.approx(1.0, abs=1e-3)
    assert idempotency_error(radical).max() < 1e-6
    assert mulliken_charges(radical).sum(axis=1) == pytest.approx(0.0, abs=1e-5)


def test_learning_from_orbitals_refuses_a_radical_by_name(radical):
    for take in (OrbitalTrajectory.from_trajectory, to_delta):
        with pytest.raises(OpenShellError, match="NH2: an open shell, and learning from orbitals is for closed shells"):
            take(radical)
