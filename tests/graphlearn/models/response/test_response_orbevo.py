"""ResponseOrbEvo, a learned response of the Hamiltonian: exact mechanics, symmetry, linearity, stability, learning."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers import mean_loss, rotate_with_modes
from scipy.linalg import expm
from scipy.spatial.transform import Rotation

from graphlearn.base.errors import InputError
from graphlearn.datasets import Normalizer, OrbitalTrajectory, collate
from graphlearn.models import ResponseOrbEvo
from graphlearn.models.orbevo.modes import molecules_of
from graphlearn.models.response.dynamics import frames_ahead
from graphlearn.models.response.kernel import Kernel
from graphlearn.orbitals.baselines import frozen_hamiltonian
from graphlearn.orbitals.rollout import Rollout
from graphlearn.orbitals.sampling import flip_signs, sample_states
from graphlearn.training.randomness import StepDraws
from tdddft import GaussianPulses, Method, ground_state, propagate as simulate
from tdddft.units import AU_TIME_FS

NORMALIZER = Normalizer(0.2, 0.5)
SMALL = {"channels": 8, "heads": 2, "num_radial": 8, "num_frames": 4, "field_samples": 80, "auxiliary": (2, 2, 1)}
ROTATION = torch.as_tensor(Rotation.from_euler("xyz", [0.3, 1.2, -2.0]).as_matrix())


@pytest.fixture
def items(water_trajectory, ammonia_trajectory):
    return [OrbitalTrajectory.from_trajectory(t, modes=True) for t in (water_trajectory, ammonia_trajectory)]


@pytest.fixture
def windows(items):
    return collate([(items[0], 16), (items[1], 20)], NORMALIZER, 4)


@pytest.fixture
def model():
    torch.manual_seed(0)
    return ResponseOrbEvo(**SMALL, fit_scale=2.0).eval()


def matrix(kernel):
    return kernel.fit.T @ kernel.weighted


def test_with_the_true_kernel_it_is_real_time_tddft():
    """The response of the Hamiltonian of PySCF in the place of the learned one gives the simulated trajectory."""
    state = ground_state("g2:H2O", Method(functional="LDA", basis="gth-szv", grid_level=2, response_grid=2))
    trajectory = simulate(state, GaussianPulses((0.2, 0.4, 0.9)), steps=400, save_every=10, dipole_tolerance=1e-5)
    item = OrbitalTrajectory.from_trajectory(trajectory, modes=True, shells=(1, 1, 0))
    batch = collate([(item, 0)], NORMALIZER, 40)
    (molecule,) = molecules_of(batch)
    modes = molecule.modes
    occupied = trajectory.coefficients
    respond = state.mean_field.gen_response(hermi=1)
    kernel = np.zeros((*modes.coupling.shape, *modes.coupling.shape))
    orbitals = np.linalg.solve(state.overlap, item.modes.to_modes.numpy()[:, _slots(item, trajectory)].T)
    for m in range(kernel.shape[0]):
        for n in range(kernel.shape[1]):
            half = 2.0 * np.outer(orbitals[:, m], occupied[n])
            kernel[m, n] = orbitals.T @ np.asarray(respond(half + half.T)) @ occupied.T / AU_TIME_FS
    own = modes.own.numpy()
    kernel -= own * np.einsum("mn,abmn->abn", own, kernel)[:, :, None]
    size = own.size
    exact = Kernel(torch.eye(size), torch.as_tensor(kernel.reshape(size, size).T, dtype=torch.float32))
    z = modes.into_modes(batch.delta[..., -1:, :])
    strength = batch.field_strength[0, 400:]
    strength = torch.cat([strength, strength[-1:]]).unsqueeze(1)
    frames = frames_ahead(exact, z, modes, strength, 40, batch.frame_fs)[:, :, 0]
    found = modes.out_of_modes(frames, batch.target)
    assert (found - batch.target).norm() < 0.02 * batch.target.norm()
    without = Kernel(exact.fit, 0 * exact.weighted)
    frozen = modes.out_of_modes(frames_ahead(without, z, modes, strength, 40, batch.frame_fs)[:, :, 0], batch.target)
    assert (frozen - batch.target).norm() > 0.3 * batch.target.norm()


def _slots(item, trajectory):
    """Position of each orbital of the file among the slots of all atoms."""
    slots = item.c0.shape[2:]
    index = torch.arange(item.c0[:, 0].numel()).view(len(item.numbers), 1, *slots, 1, 1).float()
    index = torch.cat([index, 0 * index], dim=-1)
    return item.layout.delta_from_slots(index)[0, 0].real.round().astype(int)


def test_frames_are_those_of_the_matrix_exponential():
    """Free motion under a random kernel, against the exponential of its equations of motion."""
    generator = torch.Generator().manual_seed(1)
    omega = 5.0 + 20.0 * torch.rand(6, 2, generator=generator, dtype=torch.float64)
    fit = torch.randn(3, 12, generator=generator, dtype=torch.float64)
    kernel = Kernel(fit, 2.0 * fit)

    class Particles:
        frequencies_per_fs, coupling = omega, torch.zeros_like(omega)

    z = torch.randn(6, 2, 3, generator=generator, dtype=torch.complex128)
    off = torch.zeros(401, 3, dtype=torch.float64)
    found = frames_ahead(kernel, z, Particles, off, 4, 0.05)
    diagonal, full = np.diag(omega.flatten().numpy()), matrix(kernel).numpy()
    motion = np.block([[np.zeros_like(full), diagonal], [-diagonal - full, np.zeros_like(full)]])
    start = np.concatenate([z.real.flatten(0, 1), z.imag.flatten(0, 1)])
    for k in range(4):
        exact = expm(motion * 0.05 * (k + 1)) @ start
        here = np.concatenate([found[..., k].real.flatten(0, 1), found[..., k].imag.flatten(0, 1)])
        assert np.abs(here - exact).max() < 1e-4 * np.abs(exact).max()


def test_without_a_kernel_it_is_the_frozen_hamiltonian(items, water_trajectory):
    model = ResponseOrbEvo(**SMALL, fit_scale=0.0)
    (delta,) = Rollout(model, NORMALIZER)([items[0]])
    found = items[0].layout.delta_from_slots(delta)[1:]
    expected = frozen_hamiltonian(water_trajectory)
    assert abs(found - expected).max() < 3e-3 * abs(expected).max()


@pytest.mark.parametrize(("dtype", "bound"), [(torch.float32, 1e-4), (torch.float64, 1e-10)])
def test_output_turns_with_molecule_and_field(model, windows, items, dtype, bound):
    model, batch = model.to(dtype), windows.to(dtype)
    turned, orbitals = rotate_with_modes(batch, items, ROTATION)
    with torch.no_grad():
        expected, found = orbitals(model(batch)), model(turned)
        assert (expected - found).abs().max() < bound * expected.abs().max()
        for here, there in zip(model.kernels(batch), model.kernels(turned), strict=True):
            assert (matrix(here) - matrix(there)).abs().max() < 100 * bound * matrix(here).abs().max()


def test_kernel_is_symmetric_and_leaves_the_gauge(model, windows):
    model, batch = model.double(), windows.to(torch.float64)
    with torch.no_grad():
        for kernel, molecule in zip(model.kernels(batch), molecules_of(batch), strict=True):
            full = matrix(kernel)
            assert full.abs().max() > 1e-3
            assert (full - full.T).abs().max() < 1e-12 * full.abs().max()
            assert (full @ molecule.modes.own.flatten()).abs().max() < 1e-8 * full.abs().max()


def test_kernel_does_not_act_within_the_occupied_space(model, windows):
    """A rotation among occupied orbitals leaves the density, and so the Hamiltonian."""
    model, batch = model.double(), windows.to(torch.float64)
    with torch.no_grad():
        for kernel, molecule in zip(model.kernels(batch), molecules_of(batch), strict=True):
            own = molecule.modes.own  # [M, S], with padding
            turn = torch.randn(own.shape[1], own.shape[1], dtype=torch.float64)
            rotation = (own @ (turn - turn.T)).flatten()
            other = torch.randn_like(rotation)
            assert (matrix(kernel) @ rotation).norm() < 1e-5 * (matrix(kernel) @ other).norm()


def test_it_is_linear_and_signs_are_a_convention(model, windows):
    model, batch = model.double(), windows.to(torch.float64)
    double = replace(batch, delta=2 * batch.delta, field_strength=2 * batch.field_strength)
    with torch.no_grad():
        once = model(batch)
        assert (model(double) - 2 * once).abs().max() < 1e-10 * once.abs().max()
        expected = flip_signs(replace(batch, target=once), StepDraws(0, 0)).target
        found = model(flip_signs(batch, StepDraws(0, 0)))
        assert (found - expected).abs().max() < 1e-10 * once.abs().max()


def test_a_batch_equals_singles_and_sampling_commutes(model, windows, items):
    with torch.no_grad():
        whole = model(windows)
        for i, (item, frame) in enumerate(zip(items, (16, 20), strict=True)):
            alone = model(collate([(item, frame)], NORMALIZER, 4))
            assert (whole[windows.batch == i][:, : alone.shape[1]] - alone).abs().max() < 1e-4
        few = sample_states(windows, 2, StepDraws(0, 0))
        index = few.states[few.batch][:, :, None, None, None, None]
        assert torch.allclose(model(few), torch.take_along_dim(whole, index, dim=1), atol=1e-5)


def test_windows_of_one_molecule_share_its_kernel(model, items):
    rows = [(items[0], 8), (items[0], 20), (items[1], 12), (items[1], 16)]
    apart, together = (collate(rows, NORMALIZER, 4, windows_per_trajectory=k) for k in (1, 2))
    with torch.no_grad():
        assert len(model.kernels(together)) == 2
        assert (model(apart) - model(together)).abs().max() < 1e-5


def test_bundles_join_without_a_seam(model, items):
    """Ten bundles of four frames, each from the last frame of the one before, and forty frames in one go."""
    roll = Rollout(model, NORMALIZER)
    whole, pieces = roll([items[0]])[0], roll([items[0]], first_bundle=4)[0]
    assert (whole - pieces).abs().max() < 1e-3 * whole.abs().max()  # the field is extrapolated to each border


def test_oscillations_neither_grow_nor_fade(model, items):
    """Ten times as long as a trajectory, with a kernel of full strength and no field in the end."""
    (delta,) = Rollout(model, NORMALIZER)([items[0]], frames=10 * items[0].num_frames)
    size = delta.square().sum(dim=(0, 1, 2, 3, 5))
    third = len(size) // 3
    late, later = size[third : 2 * third].mean(), size[2 * third :].mean()
    assert 0.8 < later / late < 1.25


def test_all_weights_learn(model, windows):
    model.train()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    losses = []
    for _ in range(12):
        loss = mean_loss(model(windows), windows, torch.ones(2))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.8 * losses[0]
    still = [n for n, p in model.named_parameters() if p.grad is None or not float(p.grad.abs().max()) > 0.0]
    assert not still


def test_kernels_too_large_for_memory_are_refused(model, items):
    with pytest.raises(InputError, match="a prediction for 3 atoms takes about"):
        Rollout(model, NORMALIZER, memory_bytes=10_000)([items[0]])


def test_wrong_sizes_are_refused():
    for wrong, message in (
        ({"channels": 6, "heads": 4}, "divide"),
        ({"field_samples": 81}, "multiple"),
        ({"auxiliary": (0, 1)}, "auxiliary"),
        ({"num_frames": 0}, "num_frames"),
    ):
        with pytest.raises(ValueError, match=message):
            ResponseOrbEvo(**{**SMALL, **wrong})
