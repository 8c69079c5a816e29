"""The linear model of the response against the response."""

import numpy as np
import pytest
import torch

from tdddft import Hamiltonian, Method, ground_state


@pytest.mark.parametrize(
    ("functional", "fit", "error"),
    [("PBE", True, 0.03), ("PBE", False, 0.03), ("LDA,VWN", True, 0.03), ("B3LYP", True, 0.05), ("HF", True, 0.12),
     ("TPSS", True, 0.1)],
)  # fmt: skip
def test_the_model_knows_most_of_the_response(functional, fit, error):
    """Small turn of occupied into virtual orbitals; relative error, also between occupied ones."""
    grids = {} if functional == "HF" else {"grid_level": 1, "response_grid": 1}
    method = Method(functional=functional, density_fitting=fit, **grids)
    hamiltonian = Hamiltonian(ground_state("g2:H2CO", method))
    m, s = hamiltonian.energies.shape[1], hamiltonian.ground_orbitals().shape[2]
    random = np.random.default_rng(0)
    generator = np.zeros((m, m), dtype=complex)
    generator[s : s + 6, :s] = 1e-3 * (random.normal(size=(6, s)) + 1j * random.normal(size=(6, s)))
    unitary = torch.matrix_exp(torch.from_numpy(generator - generator.conj().T))
    occupied = unitary @ hamiltonian.ground_orbitals()
    exact, model = hamiltonian.response(occupied)[0][0], hamiltonian.linear_kernel(occupied)[0]
    for rows, largest in ((slice(s, None), error), (slice(s), 2.5 * error)):
        difference = torch.linalg.norm((exact - model)[rows, :s]) / torch.linalg.norm(exact[rows, :s])
        assert float(difference) < largest
    assert float((model - (model.mH if model.is_complex() else model.mT)).abs().max()) == 0.0


def test_no_response_of_the_ground_state(water):
    hamiltonian = Hamiltonian(water)
    assert float(hamiltonian.linear_kernel(hamiltonian.ground_orbitals()).abs().max()) < 1e-14
