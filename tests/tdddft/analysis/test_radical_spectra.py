"""Spectra of radicals: roots of a propagation are those of PySCF's unrestricted linear response."""

import numpy as np
import pytest
from pyscf import dft, gto, tdscf

from tdddft import Kick, Linear, Method, ground_state, propagate
from tdddft.analysis.absorption import isotropic_absorption
from tdddft.analysis.linear_response import linear_response_roots
from tdddft.analysis.spectrum import absorption_spectrum, find_peaks
from tdddft.units import HARTREE_EV

BERYLLIUM_HYDRIDE = "Be 0 0 0; H 0 0 1.34"


@pytest.mark.parametrize("functional", ["LDA,VWN", "CAMB3LYP", "HF"])
def test_peaks_of_a_radical_are_roots_of_unrestricted_linear_response(functional):
    mol = gto.M(atom=BERYLLIUM_HYDRIDE, basis="sto-3g", spin=1, verbose=0)
    mean_field = mol.UHF() if functional == "HF" else dft.UKS(mol, xc=functional)
    mean_field = mean_field.density_fit().set(conv_tol=1e-11).run()
    solver = tdscf.TDDFT(mean_field).set(nstates=30)
    solver.kernel()
    strengths = 2 * solver.e * (solver.transition_dipole()[:, 2] ** 2)  # along the bond
    roots = solver.e[strengths > 0.1 * strengths.max()] * HARTREE_EV
    state = ground_state(mean_field, Method(response_grid="coarse") if functional != "HF" else None)
    trajectory = propagate(state, Kick(1e-3, (0, 0, 1)), 150, 0.06, save_every=1, dipole_tolerance=1e-3)
    peaks = [energy for energy, _ in find_peaks(absorption_spectrum(trajectory, pade=True, max_energy_ev=60), 0.05)]
    strong = roots[roots < 40]
    assert len(strong) >= 1
    for root in strong:
        assert np.abs(np.array(peaks) - root).min() < 0.02


def test_roots_by_casida_are_those_of_pyscf_and_make_a_spectrum():
    state = ground_state("g2:CH3", Method(functional="HF", basis="sto-3g"))
    roots = linear_response_roots(state, 4)
    solver = tdscf.TDHF(state.mean_field).set(nstates=4)
    solver.kernel()
    assert np.abs(roots.energies_ev - np.sort(solver.e) * HARTREE_EV).max() < 1e-3
    spectrum = isotropic_absorption(state, "casida", roots=roots, hwhm_ev=0.2)
    assert spectrum.strength_per_hartree.max() > 0


@pytest.mark.parametrize(("functional", "kernel"), [("PBE", "grid"), ("CAMB3LYP", "grid"), ("HF", "fitted")])
def test_the_exact_linear_kernel_of_a_radical_moves_it_as_its_fock_matrices_do(functional, kernel):
    """To first order in the field; the rest is of second order in orbitals and falls out between opposite fields."""
    state = ground_state("g2:CH3", Method(functional=functional, basis="sto-3g", response_precision="float64"))
    dipoles = []
    for how in ({"propagator": Linear(kernel, 0.3)}, {"dipole_tolerance": 1e-5}):
        options = {"save_every": 5, "precision": "complex128", **how}
        runs = [propagate(state, Kick(k, (1, 0, 1)), 10, 0.01, **options) for k in (1e-4, -1e-4)]
        dipoles.append(0.5 * (runs[0].dipole_au - runs[1].dipole_au))
    assert np.abs(dipoles[0] - dipoles[1]).max() < 2e-4 * np.abs(dipoles[1]).max()


@pytest.mark.parametrize("kernel", ["none", "hartree", "ris", "fitted"])
def test_a_closed_shell_by_orbitals_of_each_spin_has_the_linear_response_of_pairs(kernel):
    mol = gto.M(atom="O 0 0 0.1173; H 0 0.7572 -0.4692; H 0 -0.7572 -0.4692", basis="6-31g", verbose=0)
    states = [ground_state(kind(mol, xc="PBE0").density_fit().run(conv_tol=1e-12)) for kind in (dft.RKS, dft.UKS)]
    pairs, each = (propagate(s, Kick(1e-4, (0, 1, 1)), 40, 0.01, propagator=Linear(kernel)) for s in states)
    move = pairs.dipole_au - pairs.dipole_au[0]
    assert np.abs(each.dipole_au - each.dipole_au[0] - move).max() < 2e-5 * np.abs(move).max()
    assert np.abs(each.energy_hartree - pairs.energy_hartree).max() < 1e-7


def test_one_electron_is_propagated_linearly():
    mol = gto.M(atom="H 0 0 0", basis="6-31g**", spin=1, verbose=0)
    moved = propagate(ground_state(dft.UKS(mol, xc="PBE").run()), Kick(1e-4), 20, 0.01, propagator=Linear("fitted"))
    assert 0 < np.abs(moved.dipole_au - moved.dipole_au[0]).max() < 1e-2
    assert moved.norm_error.max() < 1e-10
