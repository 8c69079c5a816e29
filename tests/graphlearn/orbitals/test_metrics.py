"""Each error: 0 for a perfect prediction, 1 for none, and a hand-worked case."""

import numpy as np
import pytest
import torch

from graphlearn.orbitals import baselines, metrics
from graphlearn.orbitals.data.target import to_delta
from graphlearn.orbitals.evaluate import COLUMNS, Prediction, prediction_errors
from tdddft import GaussianPulses, Hamiltonian, Midpoint, propagate


@pytest.fixture(scope="module")
def target(water_trajectory):
    return to_delta(water_trajectory)[1:]


def test_perfect_is_zero_and_no_motion_is_one(water_trajectory, target):
    perfect = prediction_errors(water_trajectory, target, Prediction(target, target))
    nothing = prediction_errors(water_trajectory, target, Prediction(0 * target, 0 * target))
    for column in COLUMNS:
        limit = 2e-2 if column == "absorption_nrmse" else 1e-3  # rounding of the stored coefficients
        assert perfect[column] < limit, column
        if column.endswith("nrmse"):
            assert np.isclose(nothing[column], 1.0, atol=1e-6), column
    assert nothing["rollout_l2"] == nothing["one_step_l2"] > 0.1


def test_l2_error_of_a_hand_worked_case():
    target = np.zeros((1, 1, 3), dtype=complex)
    predicted = np.array([[[3.0, 4j, 2.0]]])  # atom 0 holds two orbitals: distance 5; atom 1 one: distance 2
    assert metrics.l2_error(predicted, target, np.array([0, 0, 1])) == pytest.approx(3.5)


def test_wavefunction_nrmse_of_a_hand_worked_case():
    target = np.ones((2, 2, 1), dtype=complex) * np.array([3.0, 4.0])[None, :, None]
    predicted = target.copy()
    predicted[1, 0, 0] += 7j
    # state norms sqrt(2)*3 and sqrt(2)*4; state errors 7 and 0
    assert metrics.wavefunction_nrmse(predicted, target) == pytest.approx(7 / (np.sqrt(2) * 7))
    assert metrics.wavefunction_nrmse(predicted, target, frames=1) == 0.0


def test_error_by_frame_averages_to_the_whole(target):
    by_frame = metrics.wavefunction_nrmse_by_frame(0 * target, target)
    assert np.sqrt((by_frame**2).mean()) == pytest.approx(1.0)


def test_absorption_of_a_single_oscillator(water_trajectory):
    """A dipole that answers a known field as one oscillator of 10 eV peaks there."""
    t = water_trajectory
    times = t.times_fs / 0.024188843265857
    omega = 10 / 27.211386245988
    direction = np.array([0.3, 0.5, 0.8]) / np.linalg.norm([0.3, 0.5, 0.8])
    field = np.interp(t.times_fs, t.field_times_fs, t.field_au @ direction)
    dt = times[1] - times[0]
    answer = np.array([sum(np.sin(omega * (times[i] - times[:i])) * field[:i]) * dt for i in range(len(times))])
    energies, values = metrics.paper_absorption(answer[1:], t)
    assert abs(energies[np.argmax(values)] - 10) < 0.35


def test_persistence_repeats_the_last_true_frame():
    target = np.arange(1, 7, dtype=complex).reshape(6, 1, 1)
    assert baselines.persistence(target, 4).ravel().tolist() == [0, 0, 0, 0, 4, 4]


class Frozen(Hamiltonian):
    """No response."""

    def response(self, occupied):
        batch, orbitals, _ = occupied.shape
        return torch.zeros((batch, orbitals, orbitals), dtype=torch.float64), torch.zeros(batch, dtype=torch.float64)


def test_frozen_hamiltonian_equals_propagation_without_response(water, water_trajectory):
    field = GaussianPulses((0.3, 0.5, 0.8))
    exact = propagate(water, field, steps=400, hamiltonian=Frozen(water), precision="complex128", propagator=Midpoint())
    expected = to_delta(exact)[1:]
    found = baselines.frozen_hamiltonian(water_trajectory)
    assert np.abs(found - expected).max() < 2e-2 * np.abs(expected).max()
    assert metrics.wavefunction_nrmse(found, to_delta(water_trajectory)[1:]) > 0.3  # the response is the physics


def test_frozen_hamiltonian_by_bundle_starts_from_the_truth(water_trajectory, target):
    restarted = baselines.frozen_hamiltonian(water_trajectory, bundle=1)
    whole = baselines.frozen_hamiltonian(water_trajectory)
    assert np.abs(restarted - target).mean() < 0.5 * np.abs(whole - target).mean()


def test_a_dipole_that_follows_the_field_at_once_absorbs_nothing(water_trajectory):
    """Both are damped alike, so that their ratio is real."""
    t = water_trajectory
    direction = np.array([0.3, 0.5, 0.8]) / np.linalg.norm([0.3, 0.5, 0.8])
    field = np.interp(t.times_fs, t.field_times_fs, t.field_au @ direction)
    _, values = metrics.paper_absorption(3.0 * field[1:], t)
    assert values.max() < 0.01 * 3.0
