"""The ground-state Hamiltonian as prior: against the frozen-Hamiltonian baseline, by symmetry, and in training."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers import SMALL, mean_loss, rotate_with_modes
from scipy.spatial.transform import Rotation

from graphlearn.datasets import Normalizer, OrbitalTrajectory, collate
from graphlearn.models import OrbEvo
from graphlearn.models.orbevo.uncoupled import past_sources, propagate
from graphlearn.orbitals.baselines import frozen_hamiltonian
from graphlearn.orbitals.data.layout import OrbitalLayout
from graphlearn.orbitals.data.mode_basis import mode_basis
from graphlearn.orbitals.rollout import Rollout
from graphlearn.orbitals.sampling import flip_signs, sample_states
from graphlearn.training.randomness import StepDraws

NORMALIZER = Normalizer(0.2, 0.5)
ROTATION = torch.as_tensor(Rotation.from_euler("xyz", [0.3, 1.2, -2.0]).as_matrix())


@pytest.fixture
def items(water_trajectory, ammonia_trajectory):
    return [OrbitalTrajectory.from_trajectory(t, modes=True) for t in (water_trajectory, ammonia_trajectory)]


@pytest.fixture
def windows(items):
    return collate([(items[0], 16), (items[1], 20)], NORMALIZER, 8)


@pytest.fixture
def model():
    torch.manual_seed(0)
    return OrbEvo(**SMALL, independent_particles=True).eval()


def test_without_sources_it_is_the_frozen_hamiltonian(items, water_trajectory, monkeypatch, model):
    monkeypatch.setattr(OrbEvo, "head", lambda self, x, *_: x.new_zeros(*x.shape[:-1], 32), raising=False)
    del model._modules["head"]
    (delta,) = Rollout(model, NORMALIZER)([items[0]])
    found = items[0].layout.delta_from_slots(delta)[1:]
    expected = frozen_hamiltonian(water_trajectory)
    error = abs(found - expected).max() / abs(expected).max()
    assert error < 3e-3  # the field to first order, sampled at its stored times


def test_sources_of_a_history_give_it_back(windows):
    sources = past_sources(windows.delta, windows.field_strength, windows)
    assert sources[..., 0, :].abs().max() == 0.0
    first = windows.delta[..., 0, :]
    again = propagate(first, torch.roll(sources, -1, dims=4), _later(windows), windows)
    assert (again[..., :7, :] - windows.delta[..., 1:, :]).abs().max() < 2e-5 * windows.delta.abs().max()


def _later(windows):
    """The field seen from the first frame of the history rather than its last."""
    missing = windows.field_strength.new_zeros(len(windows.field_strength), 70)
    return torch.cat([missing, windows.field_strength[:, :90]], dim=1)


def test_output_turns_with_molecule_and_field(model, windows, items):
    model, batch = model.double(), windows.to(torch.float64)
    turned, orbitals = rotate_with_modes(batch, items, ROTATION)
    with torch.no_grad():
        expected, found = orbitals(model(batch)), model(turned)
    assert (expected - found).abs().max() < 1e-10 * expected.abs().max()


def test_modes_and_slots_are_inverse(water_trajectory):
    t = water_trajectory
    layout = OrbitalLayout.of(t)
    p = mode_basis(t, layout, np.array([0.3, 0.5, 0.8]))
    identity = p.to_modes @ p.from_modes
    assert torch.allclose(identity, torch.eye(len(identity)), atol=1e-5)
    states = len(t.coefficients)
    assert p.frequencies_per_fs[:states].diagonal().abs().max() < 1e-3
    assert p.coupling[:states].diagonal().abs().max() < 1e-5


def test_a_batch_equals_singles_and_sampling_and_signs_commute(model, windows, items):
    with torch.no_grad():
        whole = model(windows)
        for i, (item, frame) in enumerate(zip(items, (16, 20), strict=True)):
            alone = model(collate([(item, frame)], NORMALIZER, 8))
            assert (whole[windows.batch == i] - alone).abs().max() < 1e-4
        few = sample_states(windows, 2, StepDraws(0, 0))
        index = few.states[few.batch][:, :, None, None, None, None]
        assert torch.allclose(model(few), torch.take_along_dim(whole, index, dim=1), atol=1e-5)
        flipped = flip_signs(windows, StepDraws(0, 0))
        no_network = [propagate(b.delta[..., -1, :], 0 * b.delta, b.field_strength, b) for b in (windows, flipped)]
        assert torch.allclose(no_network[0].abs(), no_network[1].abs(), atol=1e-5)


def test_it_learns_and_has_gradients(model, windows):
    loss = mean_loss(model(windows), windows, torch.ones(2))
    plain = mean_loss(0 * windows.target, windows, torch.ones(2))
    assert float(loss.detach()) < 0.8 * float(plain)  # before any training
    loss.backward()
    assert all(p.grad is not None for p in model.parameters())


def test_linear_response_with_particles_is_linear(windows):
    torch.manual_seed(0)
    model = OrbEvo(**SMALL, independent_particles=True, linear_response=True).eval().double()
    batch = windows.to(torch.float64)
    double = replace(batch, delta=2 * batch.delta, field_strength=2 * batch.field_strength)
    with torch.no_grad():
        assert (model(double) - 2 * model(batch)).abs().max() < 1e-10 * model(batch).abs().max()


def test_half_precision_leaves_the_propagation_exact(model, windows):
    with torch.autocast("cpu", torch.bfloat16):
        half = model(windows)
    assert half.dtype == torch.float32
    assert (half - model(windows)).abs().max() < 0.2 * half.abs().max()


def test_a_batch_without_modes_is_refused(model, batch):
    with pytest.raises(ValueError, match="modes=True"):
        model(batch)
