"""Propagation of open shells: order of the schemes, conservation, batches, checkpoints, degenerate radicals."""

import numpy as np
import pytest
from pyscf import gto, scf

from graphlearn.base.errors import StoppedError
from tdddft import (
    GaussianPulses,
    Hamiltonian,
    Kick,
    Laser,
    Method,
    Molecule,
    ground_state,
    propagate,
    read_molecules,
)
from tdddft.propagation.propagate import propagate_batch
from tdddft.propagation.schemes import ETRS, Magnus4, Midpoint, Multirate

HARTREE_FOCK = Method(functional="HF", basis="sto-3g", response_precision="float64")
PULSES = GaussianPulses((0.3, 0.5, 0.8))
PULSE = Laser(8.0, (0.0, 0.5, 0.5), envelope="sin2", duration_fs=0.3)


def amidogen(height=0.14):
    positions = np.array([[0, 0, height], [0, 0.8, -0.49], [0, -0.8, -0.49]])
    return Molecule("NH2", np.array([7, 1, 1]), positions, multiplicity=2)


@pytest.fixture(scope="module")
def state():
    return ground_state(amidogen(), HARTREE_FOCK)


@pytest.fixture(scope="module")
def hamiltonian(state):
    return Hamiltonian(state)


@pytest.fixture(scope="module")
def reference(state, hamiltonian):
    return propagate(state, PULSES, 240, 0.005, save_every=240, dipole_tolerance=1e-6, hamiltonian=hamiltonian)


@pytest.mark.parametrize(("scheme", "order"), [(Midpoint(), 2), (ETRS(), 2), (Magnus4(), 3), (Multirate(), 3)])
def test_order_of_the_schemes(state, hamiltonian, reference, scheme, order):
    """As for closed shells: the error falls by 2^order when the step is halved."""
    errors = []
    for steps in (120, 240) if order == 2 else (24, 48):
        run = propagate(state, PULSES, steps, 1.2 / steps, save_every=steps, propagator=scheme, hamiltonian=hamiltonian)
        errors.append(np.abs(run.dipole_au[-1] - reference.dipole_au[-1]).max())
    assert np.log2(errors[0] / errors[1]) > order - 0.35, errors


def test_conservation_after_the_field(state, hamiltonian):
    run = propagate(state, PULSE, 60, 0.01, save_every=5, hamiltonian=hamiltonian, precision="complex128")
    after = run.energy_hartree[run.times_fs > 0.31]
    assert np.ptp(after) < 1e-6
    assert run.energy_hartree[-1] > run.energy_hartree[0]
    assert run.norm_error.max() < 1e-10
    for spin, electrons in ((1, 5), (-1, 4)):
        c = run.frame_coefficients[-1][run.spins == spin]
        assert np.trace(c.conj() @ run.overlap @ c.T).real == pytest.approx(electrons, abs=1e-10)


def test_a_batch_equals_singles(state):
    others = [state, ground_state(amidogen(0.2), HARTREE_FOCK)]
    fields = [Kick(1e-3, (0, 0, 1)), Kick(1e-3, (0, 1, 0))]
    together = propagate_batch(others, fields, 12, 0.02, save_every=4, propagator=Midpoint())
    for run, one, field in zip(together, others, fields, strict=True):
        alone = propagate(one, field, 12, 0.02, save_every=4, propagator=Midpoint())
        assert np.abs(run.dipole_au - alone.dipole_au).max() < 1e-10
        assert np.abs(run.energy_hartree - alone.energy_hartree).max() < 1e-10
        assert np.abs(run.frame_coefficients - alone.frame_coefficients).max() < 1e-6


def test_a_stopped_run_ends_with_the_same_numbers(tmp_path, state, hamiltonian):
    def run(**options):
        return propagate(state, Kick(1e-3, (0, 0, 1)), 12, 0.02, save_every=3, hamiltonian=hamiltonian, **options)

    with pytest.raises(StoppedError):
        run(checkpoint=tmp_path / "c.h5", stop=lambda: True)
    again, whole = run(checkpoint=tmp_path / "c.h5"), run()
    assert np.array_equal(again.dipole_au, whole.dipole_au)
    assert np.array_equal(again.frame_coefficients, whole.frame_coefficients)


def test_a_degenerate_radical_stays_still_without_a_field_and_keeps_its_energy():
    state = ground_state("g2:OH", HARTREE_FOCK)
    still = propagate(state, Kick(0.0, (0, 0, 1)), 10, 0.02, save_every=2)
    assert np.ptp(still.dipole_au, axis=0).max() < 1e-9
    kicked = propagate(state, Kick(1e-3, (1, 0, 0)), 20, 0.02, save_every=2, precision="complex128")
    assert np.ptp(kicked.energy_hartree) < 1e-8


def test_one_electron_moves_as_the_matrix_exponential_says():
    """Without another electron nothing responds: H2+ is the exponential of its Fock matrix."""
    ion = Molecule("H2+", np.array([1, 1]), np.array([[0, 0, 0], [0, 0, 1.06]]), 1, multiplicity=2)
    for functional in ("HF", "LDA,VWN"):
        grids = {} if functional == "HF" else {"response_grid": 1, "grid_level": 1}
        state = ground_state(ion, Method(functional=functional, basis="6-31g", response_precision="float64", **grids))
        run = propagate(state, Kick(1e-3, (0, 0, 1)), 10, 0.02, save_every=2, precision="complex128")
        assert run.spins.tolist() == [1]
        assert run.norm_error.max() < 1e-10
        if functional != "HF":
            continue
        alpha = state.channels[0]
        r = alpha.orbitals.T @ state.dipole_ao_au[2] @ alpha.orbitals
        values, vectors = np.linalg.eigh(r)
        start = (vectors * np.exp(-1j * 1e-3 * values)) @ vectors[0]
        hcore = alpha.orbitals.T @ state.mean_field.get_hcore() @ alpha.orbitals
        levels, turn = np.linalg.eigh(hcore)
        time = 0.2 / 0.02418884326585747
        moved = turn @ (np.exp(-1j * levels * time) * (turn.T @ start))
        expected = -(moved.conj() @ r @ moved).real + state.nuclear_dipole_au[2]
        assert run.dipole_au[-1, 2] == pytest.approx(expected, rel=1e-3)


def test_a_triplet_and_a_cation_have_the_energies_of_pyscf():
    for molecule, spin, charge in (("g2:O2", 2, 0), ("H2O", 1, 1)):
        (given,) = read_molecules(molecule)
        ion = Molecule("ion", given.numbers, given.positions_angstrom, charge, multiplicity=spin + 1)
        state = ground_state(ion, HARTREE_FOCK)
        atoms = list(zip(given.symbols, given.positions_angstrom.tolist(), strict=True))
        mol = gto.M(atom=atoms, basis="sto-3g", spin=spin, charge=charge, verbose=0)
        assert state.energy_hartree == pytest.approx(scf.UHF(mol).density_fit().run().e_tot, abs=1e-7)
