"""Rollouts: repair of orbitals, memory, length, borders of bundles."""

import numpy as np
import pytest
import torch
from helpers import SMALL
from other_device import other_device

from graphlearn.base.errors import InputError
from graphlearn.datasets import Normalizer, OrbitalTrajectory
from graphlearn.models import OrbEvo, ResponseOrbEvo
from graphlearn.orbitals.chunking import state_chunk_size
from graphlearn.orbitals.data.target import DELTA_SCALE
from graphlearn.orbitals.rollout import Rollout, bundle_disagreement
from tdddft import GaussianPulses, free_evolution

NORMALIZER = Normalizer(0.2, 0.5)


@pytest.fixture
def item(water_trajectory):
    return OrbitalTrajectory.from_trajectory(water_trajectory)


def deviation(delta, item, t):
    """Largest error of a norm, and of any element of C S C^dagger."""
    c = (t.coefficients + DELTA_SCALE * item.layout.delta_from_slots(delta))[1:]
    gram = c.conj() @ t.overlap @ c.swapaxes(1, 2) - np.eye(len(t.coefficients))
    return np.abs(np.diagonal(gram, axis1=1, axis2=2)).max(), np.abs(gram).max()


def test_repaired_orbitals_are_orthonormal(small_model, item, water_trajectory):
    (plain,) = Rollout(small_model, NORMALIZER)([item])
    norms, all_elements = deviation(plain, item, water_trajectory)
    assert norms > 1e-5
    for repair in ("norm", "loewdin"):
        (mended,) = Rollout(small_model, NORMALIZER, repair=repair)([item], ground_states=[water_trajectory])
        mended_norms, mended_elements = deviation(mended, item, water_trajectory)
        assert mended_norms < 1e-8
        assert (mended_elements < 1e-3 * all_elements) == (repair == "loewdin")


def test_repair_needs_the_ground_state(small_model, item):
    with pytest.raises(ValueError, match="needs the ground state"):
        Rollout(small_model, NORMALIZER, repair="norm")([item])
    with pytest.raises(ValueError, match="choose 'none', 'norm' or 'loewdin'"):
        Rollout(small_model, NORMALIZER, repair="gram-schmidt")


@pytest.mark.parametrize("variant", ["dm", "wf", "linear"])
def test_states_in_parts_equal_all_at_once(batch, variant):
    torch.manual_seed(0)
    changes = {
        "dm": {},
        "wf": {"num_density_blocks": 0, "num_blocks": 2, "pool_states": True},
        "linear": {"linear_response": True},
    }[variant]
    model = OrbEvo(**{**SMALL, **changes}).eval()
    with torch.no_grad():
        assert torch.allclose(model(batch), model(batch, state_chunk_size=1), atol=1e-5)


def test_a_small_budget_gives_the_same_rollout_in_parts(small_model, item, batch):
    (whole,) = Rollout(small_model, NORMALIZER)([item])
    one = small_model.forward_bytes(batch, 1)
    assert state_chunk_size(small_model, batch, 10**12) is None
    assert state_chunk_size(small_model, batch, one) == 1
    (parts,) = Rollout(small_model, NORMALIZER, memory_bytes=one)([item])
    assert torch.allclose(whole, parts, atol=1e-4)
    with pytest.raises(InputError, match="roll out fewer molecules together"):
        state_chunk_size(small_model, batch, 1000)


def test_a_rollout_may_be_longer_than_the_trajectory(small_model, item):
    (usual,) = Rollout(small_model, NORMALIZER)([item])
    (long,) = Rollout(small_model, NORMALIZER)([item], frames=2 * item.num_frames - 1)
    assert long.shape[-2] == 2 * item.num_frames - 1
    assert torch.equal(long[..., : item.num_frames, :], usual)


def test_bundles_that_begin_elsewhere_agree_on_the_first_frames(small_model, item):
    (usual,) = Rollout(small_model, NORMALIZER)([item])
    (shifted,) = Rollout(small_model, NORMALIZER)([item], first_bundle=4)
    difference = bundle_disagreement(usual, shifted)
    assert difference.shape == (usual.shape[1], usual.shape[-2])
    assert float(difference[:, :5].max()) == 0.0
    assert float(difference[:, 5:].min()) > 0.0


def test_a_rollout_from_the_ground_state_needs_no_simulation(small_model, water, water_trajectory, item):
    still = free_evolution(water, GaussianPulses((0.3, 0.5, 0.8)), 400, 0.005, save_every=10)
    again = OrbitalTrajectory.from_trajectory(still)
    assert float(again.delta.abs().max()) < 1e-3  # rounding of complex64 over 1e-3
    assert np.allclose(still.field_au, water_trajectory.field_au)
    assert torch.equal(again.c0, item.c0)  # one ground state: the same orbitals with the same signs
    (expected,), (found,) = (Rollout(small_model, NORMALIZER)([x]) for x in (item, again))
    assert torch.allclose(found, expected, atol=1e-4)


MODELS = {
    "dm": (OrbEvo, SMALL),
    "wf": (OrbEvo, {**SMALL, "num_density_blocks": 0, "num_blocks": 2, "pool_states": True}),
    "modes": (OrbEvo, {**SMALL, "independent_particles": True}),
    "response": (ResponseOrbEvo, {"channels": 8, "heads": 2, "num_radial": 8, "auxiliary": (2, 1)}),
}


@pytest.mark.parametrize(
    ("variant", "repair", "teacher"),
    [
        ("dm", "none", False),
        ("wf", "none", True),
        ("modes", "none", False),
        ("response", "none", False),
        ("response", "loewdin", False),
    ],
)
def test_every_tensor_of_a_rollout_follows_the_device_of_the_model(variant, repair, teacher, water_trajectory):
    """On a device that computes as the CPU does, predictions are the same and come back to the CPU."""
    torch.manual_seed(0)
    kind, settings = MODELS[variant]
    model = kind(**settings)
    item = OrbitalTrajectory.from_trajectory(water_trajectory, **model.geometry)
    options = {"teacher": teacher, "frames": 18, "ground_states": [water_trajectory]}
    (expected,) = Rollout(model, NORMALIZER, repair=repair, memory_bytes=10**12)([item], **options)
    with other_device() as device:
        (found,) = Rollout(model.to(device), NORMALIZER, repair=repair, memory_bytes=10**12)([item], **options)
    assert next(model.parameters()).device == device
    assert found.device.type == "cpu"
    assert torch.equal(found, expected)
