"""The response part of the Fock matrix against PySCF's own, and against derivatives of the energy."""

import numpy as np
import pytest
import torch

from tdddft import Hamiltonian, Method, ground_state


def displaced(hamiltonian, size, seed=0, complex_=True):
    """Occupied orbitals turned away from the ground state by a random unitary of the given size."""
    random = np.random.default_rng(seed)
    n = hamiltonian.energies.shape[1]
    generator = random.normal(size=(n, n)) + (1j * random.normal(size=(n, n)) if complex_ else 0)
    generator = size * (generator - generator.conj().T)
    values, vectors = np.linalg.eigh(1j * generator)
    unitary = (vectors * np.exp(-1j * values)) @ vectors.conj().T
    return torch.from_numpy(unitary) @ hamiltonian.ground_orbitals()


@pytest.mark.parametrize(
    ("functional", "fit"),
    [("LDA,VWN", True), ("PBE", True), ("PBE", False), ("B3LYP", True), ("HF", False), ("TPSS", True)],
)
@pytest.mark.parametrize(("precision", "tolerance"), [("float64", 1e-8), ("float32", 1e-6)])
def test_response_equals_pyscf_on_the_same_grid(functional, fit, precision, tolerance):
    grids = {} if functional == "HF" else {"grid_level": 1, "response_grid": 1}
    method = Method(
        functional=functional,
        basis="6-31g",
        pseudopotential=None,
        density_fitting=fit,
        response_precision=precision,
        **grids,
    )
    state = ground_state("g2:H2O", method)
    hamiltonian = Hamiltonian(state)
    occupied = displaced(hamiltonian, 0.05, complex_=False)
    c = state.orbitals @ occupied[0].real.numpy()
    mean_field = state.mean_field
    before = mean_field.get_veff(dm=mean_field.make_rdm1())
    after = mean_field.get_veff(dm=2 * c @ c.T)
    expected = state.orbitals.T @ (np.asarray(after) - np.asarray(before)) @ state.orbitals
    assert np.abs(hamiltonian.response(occupied)[0][0].numpy() - expected).max() < tolerance


@pytest.mark.parametrize("functional", ["PBE", "PBE0", "HF", "TPSS"])
def test_fock_matrix_is_the_derivative_of_the_energy(functional):
    grids = {} if functional == "HF" else {"grid_level": 0, "response_grid": 0}
    method = Method(functional=functional, basis="sto-3g", pseudopotential=None, response_precision="float64", **grids)
    hamiltonian = Hamiltonian(ground_state("g2:H2O", method))
    base, step = displaced(hamiltonian, 0.1, seed=1), 1e-4
    fock = hamiltonian.response(base)[0][0] + torch.diag(hamiltonian.energies[0])
    random = np.random.default_rng(2)
    direction = torch.from_numpy(random.normal(size=base.shape) + 1j * random.normal(size=base.shape))
    slope = 4.0 * float(torch.sum(direction.conj() * (fock.to(base.dtype) @ base)).real)
    plus, minus = (float(hamiltonian.response(base + s * step * direction)[1]) for s in (1, -1))
    assert np.isclose((plus - minus) / (2 * step), slope, rtol=2e-6)


def test_energy_near_an_evaluated_state_is_right_to_second_order(water):
    hamiltonian = Hamiltonian(water)
    evaluated = displaced(hamiltonian, 0.05)
    response, energy = hamiltonian.response(evaluated)
    errors = []
    for size in (1e-3, 5e-4):
        random = np.random.default_rng(5)
        n = evaluated.shape[1]
        turn = size * (random.normal(size=(n, n)) + 1j * random.normal(size=(n, n)))
        moved = torch.linalg.matrix_exp(torch.from_numpy(turn - turn.conj().T)) @ evaluated
        guess = hamiltonian.energy_near(moved, evaluated, response, energy)
        errors.append(abs(float(guess - hamiltonian.response(moved)[1])))
    assert np.log2(errors[0] / errors[1]) > 1.8


def test_ground_state_has_no_response_and_no_energy(water):
    hamiltonian = Hamiltonian(water)
    fock, energy = hamiltonian.response(hamiltonian.ground_orbitals())
    assert float(fock.abs().max()) < 1e-12
    assert abs(float(energy)) < 1e-12
