import numpy as np
import pytest
from pyscf import tdscf

from tdddft import ConvergenceError, Hamiltonian, Kick, Method, Molecule, ground_state, propagate
from tdddft.analysis.linear_response import Roots, linear_response_roots
from tdddft.analysis.peak_assignment import assign_peaks
from tdddft.analysis.spectrum import Spectrum
from tdddft.units import AU_TIME_FS, HARTREE_EV


def lorentzians(energies_ev, strengths, hwhm_ev=0.05):
    axis = np.arange(0.01, 20, 0.01)
    w, g = axis / HARTREE_EV, hwhm_ev / HARTREE_EV
    lines = [f / np.pi * g / ((w - e / HARTREE_EV) ** 2 + g**2) for e, f in zip(energies_ev, strengths, strict=True)]
    return Spectrum(axis, axis * 0j, np.sum(lines, axis=0), axis * 0 + 1, hwhm_ev)


def test_strengths_along_a_direction_average_to_the_isotropic_ones():
    random = np.random.default_rng(0)
    roots = Roots(np.array([5.0, 7.0]), random.normal(size=(2, 3)))
    axes = [roots.strengths(axis) for axis in np.eye(3)]
    assert np.allclose(np.mean(axes, axis=0), roots.strengths())


def test_assignment_finds_lines_merges_close_ones_and_reports_missing_ones():
    dipole = np.sqrt(np.array([0.5, 0.25, 0.25, 0.4]) / (2 * np.array([5.0, 8.0, 8.02, 12.0]) / HARTREE_EV))
    roots = Roots(np.array([5.0, 8.0, 8.02, 12.0]), np.outer(dipole, [0, 0, 1]))
    result = assign_peaks(lorentzians([5.003, 8.01], [0.5, 0.5]), roots, np.array([0.0, 0.0, 1.0]))
    assert np.allclose(result.line_energies_ev, [5.0, 8.01, 12.0])
    assert np.allclose(result.gaps_ev[:2], [0.003, 0.0], atol=2e-3)
    assert np.allclose(result.peak_strengths[:2], [0.5, 0.5], rtol=0.03)
    assert result.gaps_ev[2] == pytest.approx(12.0 - 8.01, abs=2e-3)  # the nearest peak there is
    weak = assign_peaks(lorentzians([5.003, 8.01, 12.0], [0.1, 0.5, 0.4]), roots, np.array([0.0, 0.0, 1.0]))
    assert weak.gaps_ev[0] > 1.0  # a peak of a fifth of the strength is not the line


def test_roots_of_water_rise_and_have_strength(water):
    roots = linear_response_roots(water, 8)
    assert (np.diff(roots.energies_ev) >= 0).all()
    assert roots.strengths().max() > 0.01


def test_sum_of_strengths_approaches_the_electrons_with_the_basis():
    """f-sum rule: right after a kick the dipole grows as the impulse times the number of electrons."""
    shares = []
    for basis in ("sto-3g", "6-31g", "6-31g**", "6-311g**"):
        method = Method(basis=basis, pseudopotential=None, grid_level=1, response_grid=0)
        state = ground_state("g2:H2O", method)
        hamiltonian = Hamiltonian(state)
        total = 0.0
        for axis in np.eye(3):
            t = propagate(state, Kick(1e-4, tuple(axis)), 2, 1e-4 * AU_TIME_FS, save_every=1, hamiltonian=hamiltonian)
            total += (t.dipole_au[2] - t.dipole_au[0]) @ axis / (2e-4 * 1e-4)
        shares.append(total / 30)
    assert shares == sorted(shares)
    assert shares[0] < 0.5
    assert 0.95 < shares[-1] < 1.0


@pytest.mark.parametrize("functional", ["PBE", "PBE0"])
def test_pade_spectrum_peaks_at_the_roots(functional):
    """Water, 8 fs after a kick along its axis: bright lines within 10 meV, strengths within 5 %."""
    from tdddft.analysis.spectrum import absorption_spectrum

    method = Method(functional=functional, basis="6-31g", pseudopotential=None, response_grid="coarse")
    state = ground_state("g2:H2O", method)
    t = propagate(state, Kick(1e-3, (0, 0, 1)), 800, 0.01, save_every=2, dipole_tolerance=1e-3)
    spectrum = absorption_spectrum(t, pade=True, max_energy_ev=20.0)
    result = assign_peaks(spectrum, linear_response_roots(state, 12), np.array([0.0, 0.0, 1.0]))
    seen = result.line_energies_ev < 20
    assert seen.sum() >= 2
    assert result.gaps_ev[seen].max() < 0.01
    assert np.allclose(result.peak_strengths[seen], result.line_strengths[seen], rtol=0.05, atol=5e-3)


def far_hydrogen(distance):
    molecule = Molecule("H2", [1, 1], [[0, 0, 0], [0, 0, distance]])
    return ground_state(molecule, Method(basis="cc-pvdz", pseudopotential=None, grid_level=1))


@pytest.mark.parametrize("count", [1, 5])
def test_roots_of_a_degenerate_ground_state_are_refused_by_name(count):
    with pytest.raises(ConvergenceError, match="H2: the ground state is degenerate"):
        linear_response_roots(far_hydrogen(10.0), count)


def test_a_root_below_one_electronvolt_is_not_left_out():
    """The whole matrix is diagonalised as a check."""
    state = far_hydrogen(5.0)
    a, b = (m.reshape(9, 9) for m in tdscf.TDDFT(state.mean_field).get_ab())
    lowest = np.sqrt(np.linalg.eigvals((a - b) @ (a + b)).real.min()) * HARTREE_EV
    assert 0.7 < lowest < 0.8
    for count in (1, 5):
        assert abs(linear_response_roots(state, count).energies_ev[0] - lowest) < 1e-3
