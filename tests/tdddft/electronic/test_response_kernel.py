"""The first-order kernel against finite differences of the whole response, and against integrals written out."""

import numpy as np
import pytest
import torch
from pyscf import ao2mo

from tdddft import Hamiltonian, InputError, Method, ground_state
from tdddft.analysis.linear_response import linear_response_roots
from tdddft.electronic.method_names import KERNEL_LEVELS
from tdddft.electronic.minimal_fitting import RADII_ANGSTROM, THETA, minimal_fitting
from tdddft.electronic.response_kernel import ResponseKernel
from tdddft.units import BOHR_ANGSTROM, HARTREE_EV

CPU = torch.device("cpu")


def _change(hamiltonian, generator):
    """Central difference of the change of the Fock matrix for orbitals turned by a small generator [V, S]."""
    ground = hamiltonian.ground_orbitals()
    m, s = ground.shape[1:]
    turned = []
    for sign in (1, -1):
        full = np.zeros((m, m), dtype=complex)
        full[s:, :s] = sign * generator
        unitary = torch.matrix_exp(torch.from_numpy(full - full.conj().T))
        turned.append(hamiltonian.response(unitary @ ground)[0][0])
    return ((turned[0] - turned[1]) / 2).numpy()[:, :s]


@pytest.mark.parametrize("functional", ["PBE", "PBE0", "TPSS", "LDA,VWN", "HF", "CAMB3LYP", "HSE06"])
def test_the_grid_kernel_is_the_derivative_of_the_response(functional):
    grid = {} if functional == "HF" else {"response_grid": 0}
    g = ground_state("g2:H2O", Method(functional=functional, response_precision="float64", **grid))
    hamiltonian = Hamiltonian(g)
    s, v = g.num_occupied, len(g.energies_hartree) - g.num_occupied
    random = np.random.default_rng(0)
    x = 1e-5 * (random.normal(size=(v, s)) + 1j * random.normal(size=(v, s)))
    expected = _change(hamiltonian, x)
    kernel = ResponseKernel(g, "grid", torch.float64, CPU)
    even = kernel.even(torch.from_numpy(x.real.copy()).flatten()).reshape(-1, s).numpy()
    assert np.abs(even - expected.real).max() < 1e-5 * np.abs(expected.real).max()
    odd = kernel.odd(torch.from_numpy(x.imag.copy()).flatten())
    if np.iscomplexobj(expected):
        assert np.abs(odd.reshape(-1, s).numpy() - expected.imag).max() < 1e-5 * np.abs(expected.imag).max()
    else:
        assert odd is None


@pytest.mark.parametrize(
    "functional", ["PBE", "PBE0", "CAMB3LYP", "HSE06", "LC_wPBE", "wB97X", "M06-2X", "TPSSh", "SCAN0", "HF"]
)
@pytest.mark.parametrize("fit", [True, False])
def test_eigenvalues_are_the_roots_of_pyscf(functional, fit):
    """Casida's equation with the kernel, diagonalised whole, against PySCF's solver."""
    grid = {} if functional == "HF" else {"grid_level": 1, "response_grid": 1}
    g = ground_state("g2:H2O", Method(functional=functional, density_fitting=fit, response_precision="float64", **grid))
    kernel, s = ResponseKernel(g, "grid", torch.float64, CPU), g.num_occupied
    gaps = (g.energies_hartree[s:, None] - g.energies_hartree[:s]).ravel()

    def matrix(part):
        columns = [part(row) for row in torch.eye(len(gaps), dtype=torch.float64)]
        whole = np.diag(gaps)
        return whole if columns[0] is None else whole + np.stack([c.view(-1, s)[s:].flatten().numpy() for c in columns])

    squares = np.linalg.eigvals(matrix(kernel.even) @ matrix(kernel.odd))
    energies = np.sqrt(np.sort(squares.real))[:3] * HARTREE_EV
    assert np.abs(energies - linear_response_roots(g, 3).energies_ev).max() < (0.002 if fit else 0.01)


def test_hartree_and_exchange_are_the_integrals_written_out():
    method = Method(functional="HF", response_precision="float64", density_fitting=False)
    g = ground_state("g2:H2O", method)
    s, m = g.num_occupied, len(g.energies_hartree)
    integrals = ao2mo.restore(1, ao2mo.kernel(g.mol, g.orbitals), m)
    q, p = np.random.default_rng(1).normal(size=(2, m - s, s))
    coulomb = 4 * np.einsum("mnbj,bj->mn", integrals[:, :s, s:, :s], q)
    direct, crossed = integrals[:, s:, :s, :s], integrals[:, :s, s:, :s]  # (mb|jn), (mj|bn)

    def exchange(sign, x):
        return np.einsum("mbjn,bj->mn", direct, x) + sign * np.einsum("mjbn,bj->mn", crossed, x)

    hartree = ResponseKernel(g, "hartree", torch.float64, CPU)
    whole = ResponseKernel(g, "fitted", torch.float64, CPU)
    flat = torch.from_numpy(q).flatten()
    scale = np.abs(coulomb).max()
    assert np.abs(hartree.even(flat).reshape(m, s).numpy() - coulomb).max() < 2e-3 * scale  # density fitting
    assert hartree.odd(flat) is None
    expected = coulomb - exchange(1, q)
    assert np.abs(whole.even(flat).reshape(m, s).numpy() - expected).max() < 2e-3 * scale
    odd = whole.odd(torch.from_numpy(p).flatten()).reshape(m, s).numpy()
    assert np.abs(odd + exchange(-1, p)).max() < 2e-3 * scale


@pytest.mark.parametrize("level", [level for level in KERNEL_LEVELS if level != "none"])
def test_the_kernel_between_pairs_is_symmetric(level):
    g = ground_state("g2:H2O", Method(functional="PBE0", response_precision="float64"))
    s, v = g.num_occupied, len(g.energies_hartree) - g.num_occupied
    kernel = ResponseKernel(g, level, torch.float64, CPU)
    for part in (kernel.even, kernel.odd):
        columns = [part(row) for row in torch.eye(v * s, dtype=torch.float64)]
        if columns[0] is not None:
            matrix = torch.stack([c.view(-1, s)[s:].flatten() for c in columns])
            assert float((matrix - matrix.T).abs().max()) < 1e-9


def test_levels_come_closer_to_the_truth(water):
    hamiltonian = Hamiltonian(water)
    s, v = water.num_occupied, len(water.energies_hartree) - water.num_occupied
    x = 1e-5 * np.random.default_rng(2).normal(size=(v, s))
    expected = _change(hamiltonian, x)[s:]
    errors = {}
    for level in ("hartree", "fitted", "grid"):
        got = hamiltonian.response_kernel(level).even(torch.from_numpy(x).flatten()).reshape(-1, s).numpy()[s:]
        errors[level] = np.linalg.norm(got - expected) / np.linalg.norm(expected)
    assert errors["grid"] < 1e-4 < errors["fitted"] < 0.03 < errors["hartree"]
    assert hamiltonian.response_kernel("none").even(torch.zeros(v * s)) is None


def test_the_minimal_fitting_has_one_s_function_per_atom_of_the_published_width(water):
    auxiliary = minimal_fitting(water.mol).auxmol
    assert auxiliary.nao == water.mol.natm
    exponents = {auxiliary.atom_symbol(auxiliary.bas_atom(i)): auxiliary.bas_exp(i)[0] for i in range(auxiliary.nbas)}
    assert exponents["O"] == pytest.approx(THETA / (RADII_ANGSTROM["O"] / BOHR_ANGSTROM) ** 2)


def test_an_unknown_level_and_a_batch_are_refused(water):
    with pytest.raises(InputError, match="none, hartree, ris, fitted, grid"):
        ResponseKernel(water, "exact", torch.float64, CPU)
    with pytest.raises(InputError, match="one molecule"):
        Hamiltonian([water, water]).response_kernel("fitted")
