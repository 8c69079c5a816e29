"""The absorption spectrum of a molecule by three methods."""

import numpy as np
import pytest

from tdddft import InputError
from tdddft.analysis.absorption import isotropic_absorption, mean_spectrum
from tdddft.analysis.linear_response import linear_response_roots
from tdddft.analysis.spectrum import find_peaks
from tdddft.units import HARTREE_EV

AXIS = {"hwhm_ev": 0.4, "max_energy_ev": 14.0}


@pytest.fixture(scope="module")
def spectra(water):
    return {name: isotropic_absorption(water, name, **AXIS) for name in ("casida", "linear", "realtime")}


def test_the_three_methods_agree_on_the_lowest_line(spectra, water):
    lowest = linear_response_roots(water, 1).energies_ev[0]
    for spectrum in spectra.values():
        peaks = np.array([energy for energy, _ in find_peaks(spectrum)])
        assert np.abs(peaks - lowest).min() < 0.1


def test_linear_is_the_full_propagation_of_a_weak_kick(spectra):
    linear, full = spectra["linear"].strength_per_hartree, spectra["realtime"].strength_per_hartree
    assert np.linalg.norm(linear - full) < 0.02 * np.linalg.norm(full)


def test_casida_lines_have_the_area_of_their_strengths(water):
    """The integral of a narrow line is its oscillator strength."""
    roots = linear_response_roots(water, 3)
    spectrum = isotropic_absorption(water, "casida", hwhm_ev=0.02, max_energy_ev=roots.energies_ev[0] + 1, roots=3)
    area = spectrum.strength_per_hartree.sum() * 0.01 / HARTREE_EV
    inside = roots.energies_ev < spectrum.energy_ev[-1]
    assert area == pytest.approx(roots.strengths()[inside].sum(), rel=0.05)


def test_a_mean_of_one_is_itself_and_of_two_lies_between(spectra):
    one, two = spectra["linear"], spectra["realtime"]
    assert np.array_equal(mean_spectrum([one]).strength_per_hartree, one.strength_per_hartree)
    mean = mean_spectrum([one, two]).strength_per_hartree
    assert np.allclose(mean, (one.strength_per_hartree + two.strength_per_hartree) / 2)


def test_independent_particles_absorb_elsewhere(water, spectra):
    free = isotropic_absorption(water, "linear", kernel="none", **AXIS)
    assert np.linalg.norm(free.strength_per_hartree - spectra["linear"].strength_per_hartree) > 0.3 * np.linalg.norm(
        spectra["linear"].strength_per_hartree
    )


@pytest.mark.parametrize("bad", [{"method": "fast"}, {"hwhm_ev": 0.0}, {"hwhm_ev": 20.0}])
def test_bad_options_are_named(water, bad):
    with pytest.raises(InputError, match=next(iter(bad))):
        isotropic_absorption(water, **bad)
