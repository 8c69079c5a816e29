"""Open shells in the engine: PySCF's own Fock matrices, derivatives of the energy, a closed shell by UKS and by RKS."""

import numpy as np
import pytest
import torch
from pyscf import dft, gto, scf

from graphlearn.base.errors import OpenShellError
from tdddft import Hamiltonian, InputError, Kick, Method, Molecule, ground_state, propagate
from tdddft.propagation.schemes import exponential

AMIDOGEN = Molecule(
    "NH2", np.array([7, 1, 1]), np.array([[0, 0, 0.14], [0, 0.8, -0.49], [0, -0.8, -0.49]]), multiplicity=2
)
FUNCTIONALS = ("LDA,VWN", "PBE", "B3LYP", "CAMB3LYP", "HF", "TPSS")


def level(functional, **more):
    grids = {} if functional == "HF" else {"response_grid": 3}
    return Method(functional=functional, basis="sto-3g", response_precision="float64", **{**grids, **more})


def moved(hamiltonian, seed=0, size=0.05):
    """Orbitals some way from the ground state."""
    generator = torch.Generator().manual_seed(seed)
    matrix = torch.randn(hamiltonian.dipole.shape[0], *hamiltonian.dipole.shape[2:], 2, generator=generator)
    matrix = torch.view_as_complex(matrix.double())
    return exponential.exponential_action(size * (matrix + matrix.mH), hamiltonian.ground_orbitals(), 1.0)


def fock_by_pyscf(state, density):
    """Two-electron part of the Fock matrices [2, A, A] of complex density matrices, on the response's grid."""
    mol, mean_field, functional = state.mol, state.mean_field, state.method.functional
    j, k = (np.asarray(part) for part in mean_field.get_jk(mol, density, hermi=1))
    if functional == "HF":
        return j[0] + j[1] - k
    grids, integrator = dft.Grids(mol).set(level=3), dft.numint.NumInt()
    grids.build()
    omega, long_range, short_range = integrator.rsh_and_hybrid_coeff(functional)
    k = short_range * k
    if omega:
        k = k + (long_range - short_range) * np.asarray(mean_field.get_k(mol, density, hermi=1, omega=omega))
    return j[0] + j[1] - k + integrator.nr_uks(mol, grids, functional, density.real)[2]


@pytest.mark.parametrize("functional", FUNCTIONALS)
@pytest.mark.parametrize("fitted", [True, False])
def test_the_fock_matrices_of_a_radical_are_those_of_pyscf(functional, fitted):
    state = ground_state(AMIDOGEN, level(functional, density_fitting=fitted))
    hamiltonian = Hamiltonian(state)
    occupied = moved(hamiltonian)
    response, energy = hamiltonian.response(occupied)
    coefficients = [c.orbitals @ z.numpy()[:, : c.num_occupied] for c, z in zip(state.channels, occupied, strict=True)]
    density = np.stack([c @ c.conj().T for c in coefficients])
    ground = np.stack([c.density_matrix for c in state.channels])
    expected = fock_by_pyscf(state, density) - fock_by_pyscf(state, ground)
    for channel, matrix, reference in zip(state.channels, response, expected, strict=True):
        assert np.abs(channel.orbitals.T @ reference @ channel.orbitals - matrix.numpy()).max() < 1e-8
    assert energy.shape == (1,)


@pytest.mark.parametrize("functional", FUNCTIONALS)
def test_the_fock_matrix_is_the_derivative_of_the_energy(functional):
    """Along a path of orbitals, dE = sum over spins of tr F dD."""
    hamiltonian = Hamiltonian(ground_state(AMIDOGEN, level(functional)))
    start, step = moved(hamiltonian), 1e-4
    generator = torch.randn(hamiltonian.dipole.shape[0], *hamiltonian.dipole.shape[2:]).double()
    generator = (generator + generator.mT).to(torch.complex128)
    up, down = (exponential.exponential_action(generator, start, sign * step) for sign in (1, -1))
    response, _ = hamiltonian.response(start)
    fock = torch.diag_embed(hamiltonian.energies) + response
    change = hamiltonian.density_change(up) - hamiltonian.density_change(down)
    work = float((fock.conj() * change).real.sum())
    energies = [float(hamiltonian.response(orbitals)[1]) for orbitals in (up, down)]
    assert energies[0] - energies[1] == pytest.approx(work, rel=1e-5)


@pytest.mark.parametrize("functional", ["PBE", "B3LYP", "CAMB3LYP", "HF"])
def test_a_closed_shell_by_orbitals_of_each_spin_moves_as_by_pairs(functional):
    mol = gto.M(atom="O 0 0 0.12; H 0 0.76 -0.48; H 0 -0.76 -0.48", basis="sto-3g", verbose=0)
    level_of = Method(response_precision="float64")
    runs = []
    for kind in ("R", "U"):
        kohn_sham = getattr(dft, f"{kind}KS")(mol, functional)
        mean_field = getattr(scf, f"{kind}HF")(mol) if functional == "HF" else kohn_sham
        mean_field = mean_field.density_fit().set(conv_tol=1e-13, conv_tol_grad=1e-8).run()
        state = ground_state(mean_field, level_of)
        assert state.open_shell == (kind == "U")
        runs.append(propagate(state, Kick(1e-2, (0, 0, 1)), 20, 0.01, save_every=2, precision="complex128"))
    pairs, each = runs
    moves = [t.dipole_au - t.dipole_au[0] for t in runs]
    assert np.abs(moves[0] - moves[1]).max() < 1e-7 * np.abs(moves[0]).max()
    assert np.abs(each.energy_hartree - pairs.energy_hartree).max() < 1e-8
    n = len(pairs.occupations)
    assert each.spins.tolist() == [1] * n + [-1] * n
    assert np.abs(each.frame_coefficients[:, :n] - each.frame_coefficients[:, n:]).max() < 1e-8


@pytest.mark.parametrize(("functional", "error"), [("HF", 3e-3), ("LDA,VWN", 0.03), ("B3LYP", 0.03)])
def test_the_linear_model_gives_most_of_the_response_of_each_spin(functional, error):
    state = ground_state(AMIDOGEN, level(functional))
    hamiltonian = Hamiltonian(state)
    kicked = exponential.exponential_action(
        hamiltonian.coupling(torch.tensor([[0.0, 1e-3, 0.0]]).double()), hamiltonian.ground_orbitals(), 1.0
    )
    energies = torch.diag_embed(hamiltonian.energies)
    turned = torch.exp(1.5j * hamiltonian.energies[:, : kicked.shape[-1]]).unsqueeze(1)
    orbitals = exponential.exponential_action(energies, kicked, 1.5) * turned
    exact, _ = hamiltonian.response(orbitals)
    model = hamiltonian.linear_kernel(orbitals)
    for channel, one, other in zip(state.channels, exact, model, strict=True):
        n = channel.num_occupied
        assert float((one - other)[n:, :n].norm() / one[n:, :n].norm()) < error


def test_what_is_made_for_closed_shells_says_so():
    state = ground_state(AMIDOGEN, level("HF"))
    for name in ("orbitals", "energies_hartree", "num_occupied", "fock_hartree"):
        with pytest.raises(OpenShellError, match="NH2: alpha and beta electrons have orbitals of their own"):
            getattr(state, name)


def test_restricted_open_shells_are_refused_by_name():
    mol = gto.M(atom="O 0 0 0; H 0 0 0.97", basis="sto-3g", spin=1, verbose=0)
    for kind in (scf.ROHF(mol), dft.ROKS(mol, xc="PBE")):
        with pytest.raises(InputError, match=r"RO(HF|KS).* are not propagated; converge UHF or UKS"):
            ground_state(kind.run())


def test_closed_and_open_shells_do_not_share_a_batch():
    water = ground_state("H2O", level("HF"))
    with pytest.raises(InputError, match="closed and open shells are not propagated in one batch"):
        Hamiltonian([water, ground_state(AMIDOGEN, level("HF"))])


@pytest.mark.parametrize("multiplicity", [0, 1.5, 3, 12])
def test_a_multiplicity_that_the_electrons_cannot_have_is_refused(multiplicity):
    with pytest.raises(InputError, match="multiplicity"):
        Molecule("NH2", AMIDOGEN.numbers, AMIDOGEN.positions_angstrom, multiplicity=multiplicity)
