"""Agreement with independent codes and methods."""

import csv

import numpy as np
import pytest
from pyscf import tdscf

from tdddft import Hamiltonian, Kick, Method, Midpoint, Molecule, absorption_spectrum, ground_state, propagate
from tdddft.analysis.spectrum import find_peaks
from tdddft.units import AU_TIME_FS, HARTREE_EV

NWCHEM_WATER = Molecule(
    "water",
    [8, 1, 1],
    [[0, -0.00001441, -0.34824012], [0, 0.76001092, -0.93285191], [0, -0.75999650, -0.93290797]],
)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_water_tdhf_dipoles_equal_nwchem(data_folder, axis):
    """NWChem's RT-TDHF/6-31G: its kick K = 1e-3 acts as K/2 over the first step of 0.2 au; 200 steps to 1e-6 au."""
    with (data_folder / "molecules/nwchem_rt_tddft/water_rttdhf_631g_kick_dipoles.csv").open() as file:
        rows = [r for r in csv.DictReader(file) if r["run"] == f"kick{'xyz'[axis]}"]
    reference = np.array([[float(r[f"mu_{a}_au"]) for a in "xyz"] for r in rows])[:201]
    method = Method(functional="HF", basis="6-31g", pseudopotential=None, density_fitting=False)
    dt = 0.2 * AU_TIME_FS
    kick = Kick(1e-3 * 0.2 / 2, tuple(np.eye(3)[axis]), width_fs=dt)
    t = propagate(ground_state(NWCHEM_WATER, method), kick, 200, dt, save_every=1, propagator=Midpoint(tolerance=1e-12))
    difference = (t.dipole_au - t.dipole_au[0]) - (reference - reference[0])
    assert np.ptp(reference, axis=0).max() > 1e-4
    assert np.abs(difference).max() < 1e-6


def test_kick_spectrum_peaks_at_the_linear_response_roots():
    """Water, PBE/6-31G, three kicks: peaks along each axis at the bright Casida roots within 0.05 eV."""
    state = ground_state("g2:H2O", Method(basis="6-31g", pseudopotential=None, response_grid=0))
    casida = tdscf.TDDFT(state.mean_field)
    casida.nstates = 10
    casida.kernel()
    assert all(casida.converged)
    strength = 2 / 3 * casida.e[:, None] * np.array(casida.transition_dipole()) ** 2
    hamiltonian = Hamiltonian(state)
    for axis in range(3):
        roots = casida.e[strength[:, axis] > 0.01] * HARTREE_EV
        assert len(roots) >= 1
        kick = Kick(1e-3, tuple(np.eye(3)[axis]))
        t = propagate(state, kick, 2500, 0.2 * AU_TIME_FS, save_every=5, hamiltonian=hamiltonian, dipole_tolerance=1e-2)
        spectrum = absorption_spectrum(t, hwhm_ev=0.12, max_energy_ev=roots.max() + 1)
        peaks = np.array([energy for energy, _ in find_peaks(spectrum)])
        for root in roots:
            assert np.abs(peaks - root).min() < 0.05, (root, peaks)
