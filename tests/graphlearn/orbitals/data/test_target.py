import numpy as np

from graphlearn.orbitals.data.target import DELTA_SCALE, from_delta, loewdin, predicted_trajectory, to_delta
from graphlearn.orbitals.metrics import induced_dipole_au
from tdddft.trajectory import Provenance, orthonormality_error
from tdddft.trajectory.validation import failures


def test_delta_starts_at_zero_and_keeps_no_phase(water_trajectory):
    t = water_trajectory
    delta = to_delta(t)
    assert np.abs(delta[0]).max() < 1e-3  # rounding of complex64 over beta
    overlap = np.einsum("sa,fsa->fs", t.coefficients @ t.overlap, t.coefficients + DELTA_SCALE * delta)
    assert np.abs(overlap.imag).max() < 1e-9


def test_delta_and_back_gives_the_orbitals_up_to_a_phase(water_trajectory):
    t = water_trajectory
    back = from_delta(to_delta(t), t, t.times_fs)
    phase = np.einsum("fsa,ab,fsb->fs", back.conj(), t.overlap, t.frame_coefficients)
    assert np.abs(np.abs(phase) - 1).max() < 1e-6
    assert np.abs(back * phase[..., None] - t.frame_coefficients).max() < 1e-6


def test_dipole_from_delta_equals_the_simulators(water_trajectory):
    t = water_trajectory
    dipole = induced_dipole_au(to_delta(t)[1:], t)
    assert np.abs(dipole - (t.dipole_au[1:] - t.dipole_au[0])).max() < 1e-4 * np.ptp(t.dipole_au, axis=0).max() + 5e-7


def test_loewdin_gives_the_nearest_orthonormal_orbitals(water_trajectory):
    t = water_trajectory
    random = np.random.default_rng(0)
    c = t.coefficients + 0.05 * random.normal(size=(1, *t.coefficients.shape)) * (1 + 0.5j)
    fixed = loewdin(c, t.overlap)
    assert orthonormality_error(fixed, t.overlap)[0] < 1e-12
    assert np.abs(loewdin(fixed, t.overlap) - fixed).max() < 1e-12


def test_a_predicted_trajectory_obeys_the_contract(water_trajectory):
    t = water_trajectory
    random = np.random.default_rng(0)
    delta = random.normal(size=(len(t.times_fs), *t.coefficients.shape)) * 0.5
    predicted = predicted_trajectory(delta.astype(complex), t, Provenance())
    assert predicted.kind == "predicted"
    assert np.isnan(predicted.energy_hartree).all()
    assert failures(predicted) == []
