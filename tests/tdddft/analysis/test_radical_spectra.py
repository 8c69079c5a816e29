"""Spectra of radicals: roots of a propagation are those of PySCF's unrestricted linear response."""

import numpy as np
import pytest
from pyscf import dft, gto, tdscf

from graphlearn.base.errors import OpenShellError
from tdddft import Kick, Method, ground_state, propagate
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


def test_linear_kernels_refuse_a_radical_by_name():
    state = ground_state("g2:OH", Method(functional="HF", basis="sto-3g"))
    with pytest.raises(OpenShellError, match="OH: linear kernels are for closed shells; take propagator adaptive"):
        isotropic_absorption(state, "linear")
