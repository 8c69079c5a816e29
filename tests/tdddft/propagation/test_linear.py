"""The linear propagation against the full one, which it must equal as the field goes to zero."""

import numpy as np
import pytest
from pyscf import gto

from tdddft import GaussianPulses, Hamiltonian, InputError, Kick, Linear, Method, ground_state, propagate
from tdddft.analysis.linear_response import linear_response_roots
from tdddft.analysis.spectrum import absorption_spectrum
from tdddft.units import AU_TIME_FS

PULSE = {"steps": 240, "save_every": 40, "precision": "complex128"}


@pytest.mark.parametrize(("name", "functional"), [("g2:H2O", "PBE"), ("smiles:[H][H]", "PBE0")])
def test_equals_the_full_propagation_as_the_field_goes_to_zero(name, functional):
    """The error of the orbitals is proportional to the field: to first order nothing is missing."""
    g = ground_state(name, Method(functional=functional, response_precision="float64", response_grid="coarse"))
    hamiltonian, errors = Hamiltonian(g), []
    for amplitude in (0.3, 0.03):
        pulse = GaussianPulses(amplitude_v_per_angstrom=amplitude)
        full = propagate(g, pulse, hamiltonian=hamiltonian, dipole_tolerance=1e-5, **PULSE)
        linear = propagate(g, pulse, hamiltonian=hamiltonian, propagator=Linear("grid", 0.3), **PULSE)
        motion = full.frame_coefficients[-1] - full.frame_coefficients[0] * _phases(full)
        errors.append(
            np.linalg.norm(linear.frame_coefficients[-1] - full.frame_coefficients[-1]) / np.linalg.norm(motion)
        )
    assert errors[1] < 0.1
    assert 8 < errors[0] / errors[1] < 12


def _phases(trajectory):
    return np.exp(-1j * trajectory.energies_hartree * trajectory.times_fs[-1] / AU_TIME_FS)[:, None]


@pytest.mark.parametrize("functional", ["PBE", "PBE0"])
def test_order_four(functional):
    g = ground_state("g2:H2O", Method(functional=functional, response_precision="float64"))
    hamiltonian = Hamiltonian(g)

    def end(substep):
        return propagate(
            g, Kick(1e-4), 16, 0.05, save_every=16, precision="complex128", hamiltonian=hamiltonian,
            propagator=Linear("fitted", substep),
        ).frame_coefficients[-1]  # fmt: skip

    exact = end(0.03)
    coarse, fine = (np.abs(end(substep) - exact).max() for substep in (0.5, 0.25))
    assert 11 < coarse / fine < 23


def test_norm_energy_and_time_reversal(water):
    t = propagate(water, GaussianPulses(), 600, 0.005, save_every=10, precision="complex128", propagator=Linear())
    assert t.norm_error.max() < 1e-12
    after = t.times_fs > 1.6
    gained = t.energy_hartree[-1] - t.energy_hartree[0]
    assert gained > 1e-7
    assert np.ptp(t.energy_hartree[after]) < 1e-3 * gained
    assert t.provenance.fock_builds == 0
    assert "linear, kernel fitted" in t.provenance.propagator


def test_twice_the_field_moves_twice_as_far(water):
    still, one, two = (
        propagate(water, Kick(strength_au=k), 200, 0.005, precision="complex128", propagator=Linear())
        for k in (0.0, 1e-6, 2e-6)
    )
    motion = [t.dipole_au - still.dipole_au for t in (one, two)]
    assert np.abs(motion[1] - 2 * motion[0]).max() < 1e-5 * np.abs(motion[1]).max()


def test_a_kick_spectrum_peaks_at_the_roots_of_linear_response():
    g = ground_state("g2:H2O", Method(functional="PBE0"))
    roots = linear_response_roots(g, 1)
    kick = Kick(1e-4, tuple(roots.transition_dipoles_au[0]))
    spectrum = absorption_spectrum(propagate(g, kick, 4000, 0.005, save_every=8, propagator=Linear("grid")))
    low = spectrum.energy_ev < roots.energies_ev[0] + 1
    peak = spectrum.energy_ev[low][spectrum.strength_per_hartree[low].argmax()]
    assert abs(peak - roots.energies_ev[0]) < 0.05


def test_strong_fields_are_refused_with_what_to_do(water):
    with pytest.raises(InputError, match=r"excites .* of an orbital.*adaptive"):
        propagate(water, GaussianPulses(amplitude_v_per_angstrom=3.0), 400, 0.005, propagator=Linear())


def test_restarted_equals_uninterrupted(water, tmp_path):
    whole = propagate(water, GaussianPulses(), 100, propagator=Linear())
    asked = iter([False, False, True])
    checkpoint = tmp_path / "c.h5"
    with pytest.raises(Exception, match="stopped"):
        propagate(water, GaussianPulses(), 100, propagator=Linear(), checkpoint=checkpoint, stop=lambda: next(asked))
    again = propagate(water, GaussianPulses(), 100, propagator=Linear(), checkpoint=checkpoint)
    assert np.array_equal(again.frame_coefficients, whole.frame_coefficients)


def test_needs_no_exact_integrals(monkeypatch):
    g = ground_state("g2:H2O", Method(density_fitting=False, grid_level=1))
    asked, integrals = [], gto.Mole.intor
    monkeypatch.setattr(
        gto.Mole, "intor", lambda mol, name, *a, **k: asked.append(name) or integrals(mol, name, *a, **k)
    )
    propagate(g, GaussianPulses(), 20, propagator=Linear())
    assert "int2e" not in asked
    Hamiltonian(g).response(Hamiltonian(g).ground_orbitals())
    assert "int2e" in asked
