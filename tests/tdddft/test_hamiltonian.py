"""The response part of the Fock matrix against PySCF's own, and against derivatives of the energy."""

import numpy as np
import pytest

from tdddft import Hamiltonian, Method, ground_state


def displaced(hamiltonian, size, seed=0, complex_=True):
    """Occupied orbitals turned away from the ground state by a random unitary of the given size."""
    random = np.random.default_rng(seed)
    n = len(hamiltonian.energies)
    generator = random.normal(size=(n, n)) + (1j * random.normal(size=(n, n)) if complex_ else 0)
    generator = size * (generator - generator.conj().T)
    values, vectors = np.linalg.eigh(1j * generator)
    return np.ascontiguousarray((vectors * np.exp(-1j * values)) @ vectors.conj().T @ hamiltonian.ground_orbitals())


@pytest.mark.parametrize(
    ("functional", "fit"), [("LDA,VWN", True), ("PBE", True), ("PBE", False), ("B3LYP", True), ("HF", False)]
)
def test_response_equals_pyscf_on_the_same_grid(functional, fit):
    method = Method(
        functional=functional,
        basis="6-31g",
        pseudopotential=None,
        density_fitting=fit,
        grid_level=1,
        response_grid_level=1,
    )
    state = ground_state("g2:H2O", method)
    hamiltonian = Hamiltonian(state)
    occupied = displaced(hamiltonian, 0.05, complex_=False)
    c = state.orbitals @ occupied.real
    mean_field = state.mean_field
    before = mean_field.get_veff(dm=mean_field.make_rdm1())
    after = mean_field.get_veff(dm=2 * c @ c.T)
    expected = state.orbitals.T @ (np.asarray(after) - np.asarray(before)) @ state.orbitals
    assert np.abs(hamiltonian.response(occupied) - expected).max() < 1e-8


@pytest.mark.parametrize("functional", ["PBE", "PBE0", "HF"])
def test_fock_matrix_is_the_derivative_of_the_energy(functional):
    method = Method(functional=functional, basis="sto-3g", pseudopotential=None, grid_level=0, response_grid_level=0)
    hamiltonian = Hamiltonian(ground_state("g2:H2O", method))
    base, step = displaced(hamiltonian, 0.1, seed=1), 1e-4
    fock = hamiltonian.response(base) + np.diag(hamiltonian.energies)
    random = np.random.default_rng(2)
    direction = random.normal(size=base.shape) + 1j * random.normal(size=base.shape)
    slope = 4.0 * np.vdot(direction, fock @ base).real
    plus, minus = (
        hamiltonian.response_and_energy(np.ascontiguousarray(base + s * step * direction))[1] for s in (1, -1)
    )
    assert np.isclose((plus - minus) / (2 * step), slope, rtol=2e-6)


def test_ground_state_has_no_response_and_no_energy(water):
    hamiltonian = Hamiltonian(water)
    fock, energy = hamiltonian.response_and_energy(hamiltonian.ground_orbitals())
    assert np.abs(fock).max() < 1e-12
    assert abs(energy) < 1e-12
