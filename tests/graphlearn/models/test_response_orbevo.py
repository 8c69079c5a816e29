"""OrbEvo with a learned response of the Hamiltonian: exact algebra, symmetry, linearity, learning."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers import rotate_with_modes
from scipy.linalg import eigh
from scipy.spatial.transform import Rotation

from graphlearn.datasets import Normalizer, OrbitalTrajectory, collate
from graphlearn.models import ResponseOrbEvo
from graphlearn.models.hamiltonian_response import legendre_weights, propagate
from graphlearn.nn.equivariant import DensityEncoder, PairBlocks, pack_orbitals, reverse_edges, unpack_orbitals
from graphlearn.training.loss import orbital_loss
from graphlearn.training.rollout import Rollout
from graphlearn.training.sampling import flip_signs, sample_states

NORMALIZER = Normalizer(0.2, 0.5)
SMALL = {"channels": 8, "heads": 2, "num_blocks": 1, "num_radial": 8, "alpha_channels": 4, "num_frames": 4}
ROTATION = torch.as_tensor(Rotation.from_euler("xyz", [0.3, 1.2, -2.0]).as_matrix())


@pytest.fixture
def items(water_trajectory, ammonia_trajectory):
    return [OrbitalTrajectory.from_trajectory(t, particles=True) for t in (water_trajectory, ammonia_trajectory)]


@pytest.fixture
def windows(items):
    return collate([(items[0], 16), (items[1], 20)], NORMALIZER, 4)


@pytest.fixture
def model():
    torch.manual_seed(0)
    return ResponseOrbEvo(**SMALL).eval()


def test_output_turns_with_molecule_and_field(model, windows, items):
    model, batch = model.double(), windows.to(torch.float64)
    turned, orbitals = rotate_with_modes(batch, items, ROTATION)
    with torch.no_grad():
        expected, found = orbitals(model(batch)), model(turned)
    assert (expected - found).abs().max() < 1e-10 * expected.abs().max()


def test_a_constant_operator_acts_as_exact_propagation_says(items, windows, water_trajectory):
    """Frames under F0 + F1, by diagonalisation, to first order in F1."""
    t, batch = water_trajectory, collate([(items[0], 36)], NORMALIZER, 4)
    batch = replace(batch, field_strength=0 * batch.field_strength).to(torch.float64)
    random = np.random.default_rng(0)
    atoms, size = len(t.numbers), 13
    full = random.normal(size=(atoms, size, atoms, size))
    full = full + full.transpose(2, 3, 0, 1)
    within = torch.as_tensor(np.stack([full[i, :, i] for i in range(atoms)]))
    source, target = batch.edge_index.numpy()
    between = torch.as_tensor(np.stack([full[i, :, j] for j, i in zip(source, target, strict=True)]))
    shape = (4, 1)

    def spread(x):
        return x[:, None, None].expand(-1, *shape, -1, -1)

    with torch.no_grad():
        found = propagate((spread(within), spread(between)), batch, (2, 2, 1))
        still = propagate((0 * spread(within), 0 * spread(between)), batch, (2, 2, 1))
    position = _position_of_orbital(t)
    operator = full.reshape(atoms * size, -1)[np.ix_(position, position)]
    orbitals = eigh(t.fock_hartree, t.overlap)[1]
    inner = orbitals.T @ operator @ t.coefficients.T  # [M, S]
    mine = orbitals.T @ t.overlap @ t.coefficients.T
    inner -= mine * (mine * inner).sum(0)
    omega = batch.particles[0].frequencies_per_fs.numpy()
    for k in range(4):
        tau = 0.05 * (k + 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            exact = np.where(np.abs(omega) < 1e-6, -1j * tau, (np.exp(-1j * omega * tau) - 1) / omega)
        expected = (orbitals @ (exact * inner)).T  # [S, A]
        change = (found - still)[..., k, :]
        slots = items[0].delta_from_slots(change.unsqueeze(-2), t)[0]
        assert np.abs(slots - expected).max() < 1e-4 * np.abs(expected).max()


def _position_of_orbital(t):
    """Row of each orbital of the file among atoms x 13 packed orbitals."""
    offset = {0: 0, 1: 2, 2: 8}
    return [a * 13 + offset[l] + r * (2 * l + 1) + l + m for a, l, r, m in t.ao_table]


def test_legendre_weights_against_quadrature():
    omega = torch.tensor([[0.0, 3.0], [-40.0, 120.0]], dtype=torch.float64)
    found = legendre_weights(omega, 0.05, 3)
    u = np.linspace(-1, 1, 20001)
    for q in range(3):
        p = np.polynomial.legendre.Legendre.basis(q)(u)
        kernel = np.exp(-1j * omega.numpy()[..., None] * 0.025 * (1 - u)) * p
        exact = -1j * np.trapezoid(kernel, u) * 0.025
        assert np.abs(found[q].numpy() - exact).max() < 1e-8


def test_response_is_symmetric_linear_and_the_same_for_all_states(model, windows):
    model, batch = model.double(), windows.to(torch.float64)
    double = replace(batch, delta=2 * batch.delta, field_strength=2 * batch.field_strength)
    with torch.no_grad():
        within, between = model.response(batch)
        assert torch.allclose(within, within.transpose(-1, -2))
        assert torch.allclose(between, between[reverse_edges(batch.edge_index)].transpose(-1, -2))
        twice, _ = model.response(double)
        assert (twice - 2 * within).abs().max() < 1e-10 * twice.abs().max()
        flipped = flip_signs(batch, torch.Generator().manual_seed(0))
        assert (model.response(flipped)[1] - between).abs().max() < 1e-10 * between.abs().max()
        expected = flip_signs(replace(batch, target=model(batch)), torch.Generator().manual_seed(0)).target
        assert (model(flipped) - expected).abs().max() < 1e-10 * expected.abs().max()


def test_a_batch_equals_singles_and_sampling_commutes(model, windows, items):
    with torch.no_grad():
        whole = model(windows)
        for i, (item, frame) in enumerate(zip(items, (16, 20), strict=True)):
            alone = model(collate([(item, frame)], NORMALIZER, 4))
            assert (whole[windows.batch == i] - alone).abs().max() < 1e-4
        few = sample_states(windows, 2, torch.Generator().manual_seed(0))
        index = few.states[few.batch][:, :, None, None, None, None]
        assert torch.allclose(model(few), torch.take_along_dim(whole, index, dim=1), atol=1e-5)


def test_all_weights_learn(model, windows):
    model.train()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    losses = []
    for _ in range(12):
        loss = orbital_loss(model(windows), windows, torch.ones(2))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.8 * losses[0]
    touched = [p for p in model.parameters() if p.grad is not None and float(p.grad.abs().max()) > 0.0]
    assert len(touched) > 0.6 * len(list(model.parameters()))  # biases, and l = 4 without two heavy atoms, do not act


def test_it_rolls_out(model, items):
    (delta,) = Rollout(model, NORMALIZER)([items[0]])
    assert delta.shape == items[0].delta.shape


def test_packing_and_pair_blocks_invert_the_density_encoder(windows):
    slots = windows.delta.flatten(4) * windows.slot_mask[:, None, :, :, None]
    assert torch.equal(unpack_orbitals(pack_orbitals(slots, (2, 2, 1)), (2, 2, 1)), slots)
    encoder = DensityEncoder((2, 2, 1), 4, 169, lmax=4)
    blocks = encoder.blocks(windows.c0, windows.delta, windows.occupations[windows.batch], windows.edge_index)
    coupled = encoder.couple(windows.c0, windows.delta, windows.occupations[windows.batch], windows.edge_index)
    features = torch.zeros(len(blocks), 25, 17 * blocks.shape[1])
    decoder = PairBlocks((2, 2, 1), features.shape[-1], blocks.shape[1], lmax=4)
    start, terms = 0, blocks.shape[1]
    for l, count in enumerate(decoder.multiplicities):
        width = count * (2 * l + 1)
        part = coupled[..., start : start + width].unflatten(-1, (count, 2 * l + 1))  # [P, terms, count, 2l + 1]
        features[:, l * l : (l + 1) ** 2, : terms * count] = part.flatten(1, 2).transpose(1, 2)
        with torch.no_grad():
            decoder.weight[l].zero_()
            decoder.weight[l][: terms * count] = torch.eye(terms * count)
        start += width
    with torch.no_grad():
        assert torch.allclose(decoder(features), blocks, atol=1e-4)


def test_reverse_edges():
    edges = torch.tensor([[1, 2, 0, 2, 0, 1], [0, 0, 1, 1, 2, 2]])
    assert torch.equal(edges[:, reverse_edges(edges)], edges.flip(0))
