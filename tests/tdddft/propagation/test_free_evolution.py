import numpy as np

from tdddft import GaussianPulses, Method, free_evolution, ground_state
from tdddft.trajectory.contract import orthonormality_error
from tdddft.units import AU_TIME_FS


def test_only_phases_change_in_a_free_evolution():
    state = ground_state("g2:HF", Method(basis="sto-3g", grid_level=0, response_grid=0))
    pulse = GaussianPulses((0, 0, 1))
    t = free_evolution(state, pulse, 40, 0.05, save_every=4)
    phases = np.exp(-1j * np.outer(t.times_fs / AU_TIME_FS, t.energies_hartree))[..., None]
    assert np.abs(t.frame_coefficients - phases * t.coefficients).max() < 1e-6
    assert np.array_equal(t.times_fs, np.arange(11) * 4 * 0.05)
    assert np.array_equal(t.field_au, pulse.at(np.arange(41) * 0.05))
    density = 2 * t.coefficients.T @ t.coefficients
    dipole = state.nuclear_dipole_au - np.einsum("xab,ab->x", t.dipole_ao_au, density)
    assert np.abs(t.dipole_au - dipole).max() < 1e-6
    assert np.abs(dipole).max() > 0.1
    assert np.isnan(t.energy_hartree).all()
    assert t.kind == "predicted"
    assert orthonormality_error(t.frame_coefficients, t.overlap).max() < 1e-6
