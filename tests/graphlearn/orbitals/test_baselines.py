"""The strong baselines against cases whose answer is known."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from graphlearn.datasets import TDDFTTrajectories
from graphlearn.orbitals.baselines import (
    LinearPropagation,
    LinearResponse,
    NearestGeometry,
    dynamic_modes,
    frozen_hamiltonian,
)
from graphlearn.orbitals.baselines.nearest import align, rotate_orbitals
from graphlearn.orbitals.data.target import to_delta
from graphlearn.orbitals.metrics import dipole_nrmse, induced_dipole_au, wavefunction_nrmse
from tdddft import GaussianPulses, Method, Molecule, ground_state, propagate
from tdddft.trajectory import write_trajectory


def test_dynamic_modes_continue_damped_oscillations():
    t = np.arange(100.0)
    signal = np.stack([np.exp(-0.01 * t) * np.sin(0.3 * t) + 0.5 * np.cos(1.1 * t), 0.2 * np.sin(0.3 * t + 1)], axis=1)
    found = dynamic_modes(signal, 30, tolerance=1e-9)
    assert np.array_equal(found[:30], signal[:30])
    assert np.abs(found - signal).max() < 1e-6
    assert np.abs(dynamic_modes(0 * signal, 30)).max() == 0.0
    with pytest.raises(ValueError, match="at least 4"):
        dynamic_modes(signal, 3)


def test_dynamic_modes_do_not_grow():
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(30, 1))
    assert np.abs(dynamic_modes(np.concatenate([noise, np.zeros((5000, 1))]), 30)).max() < 100


ROTATION = Rotation.from_euler("xyz", [0.3, 1.2, -2.0]).as_matrix()


@pytest.fixture(scope="module")
def turned(water_trajectory, fast_method):
    """Water and its field turned together, propagated on their own."""
    t = water_trajectory
    molecule = Molecule("turned", t.numbers, t.positions_angstrom @ ROTATION.T)
    direction = ROTATION @ np.array((0.3, 0.5, 0.8))
    return propagate(ground_state(molecule, fast_method), GaussianPulses(tuple(direction)), steps=400, save_every=10)


def test_align_finds_the_rotation():
    points = np.random.default_rng(1).normal(size=(5, 3))
    rotation, distance = align(points, points @ ROTATION.T + 2.0)
    assert np.allclose(rotation, ROTATION)
    assert distance < 1e-12


@pytest.mark.parametrize("points", [np.zeros((1, 3)), np.array([[0.0, 0.0, 0.5], [0.0, 0.0, -0.7]])])
def test_align_turns_atoms_and_linear_molecules_without_a_word(points):
    rotation, distance = align(points, points @ ROTATION.T)
    assert np.allclose(points @ rotation.T, points @ ROTATION.T)
    assert np.allclose(rotation @ rotation.T, np.eye(3))
    assert distance < 1e-12


def test_align_leaves_the_distance_of_the_best_rotation_and_reflects_nothing():
    """The singular values of the covariance say how near two geometries come (Kabsch)."""
    random = np.random.default_rng(2)
    for _ in range(20):
        a, b = random.normal(size=(2, 6, 3))
        a, b = a - a.mean(0), b - b.mean(0)
        u, values, vt = np.linalg.svd(b.T @ a)
        left = (a**2).sum() + (b**2).sum() - 2 * (values * [1, 1, np.linalg.det(u @ vt)]).sum()
        rotation, distance = align(a, b)
        assert distance == pytest.approx(np.sqrt(left / 6), abs=1e-10)
        assert np.linalg.det(rotation) == pytest.approx(1.0)


def test_orbitals_turn_with_the_molecule(water_trajectory, turned):
    moved = rotate_orbitals(water_trajectory.coefficients, water_trajectory, ROTATION)
    overlap = np.abs(moved @ turned.overlap @ turned.coefficients.T)
    assert np.allclose(overlap, np.eye(len(overlap)), atol=1e-3)


def test_the_nearest_geometry_is_turned_into_place(water_trajectory, ammonia_trajectory, turned, tmp_path):
    data = TDDFTTrajectories(
        {t.name: write_trajectory(tmp_path / f"{t.name}.h5", t) for t in (water_trajectory, ammonia_trajectory)}
    )
    found = NearestGeometry(data)(turned)
    target = to_delta(turned)[1:]
    assert np.linalg.norm(found - target) < 0.02 * np.linalg.norm(target)
    only = TDDFTTrajectories({"ammonia": data.files[ammonia_trajectory.name]})
    assert NearestGeometry(only)(turned) is None


def test_all_states_of_linear_response_give_orbitals_and_dipole_of_the_propagation():
    method = Method(functional="LDA", basis="gth-szv", grid_level=2, response_grid=2)
    state = ground_state("g2:H2O", method)
    field = GaussianPulses((0.2, 0.4, 0.9))
    trajectory = propagate(state, field, steps=400, save_every=10, dipole_tolerance=1e-5)
    delta = LinearResponse(states=100)(trajectory)
    true = trajectory.dipole_au[1:] - trajectory.dipole_au[0]
    assert dipole_nrmse(induced_dipole_au(delta, trajectory), true) < 0.005
    assert wavefunction_nrmse(delta, to_delta(trajectory)[1:]) < 0.01
    few = LinearResponse(states=1)(trajectory)
    assert dipole_nrmse(induced_dipole_au(few, trajectory), true) > 0.05


def test_the_linear_kernel_gives_the_orbitals_whatever_their_signs(water_trajectory):
    t = water_trajectory
    signs = np.array([1.0, -1.0, -1.0, 1.0])[:, None]
    turned = t.replace(coefficients=signs * t.coefficients, frame_coefficients=signs * t.frame_coefficients)
    for trajectory in (t, turned):
        error = wavefunction_nrmse(LinearPropagation()(trajectory), to_delta(trajectory)[1:])
        assert error < 0.05
    independent = LinearPropagation("none")(t)
    assert wavefunction_nrmse(independent, to_delta(t)[1:]) > 0.5
    assert wavefunction_nrmse(independent, frozen_hamiltonian(t)) < 0.05


def test_the_linear_kernel_follows_orbitals_that_are_turned_inside_a_level(ammonia_trajectory):
    t = ammonia_trajectory
    gaps = np.diff(t.energies_hartree)
    first = int(gaps.argmin())
    assert gaps[first] < 1e-5  # the level e
    turn = np.eye(len(gaps) + 1)
    turn[first : first + 2, first : first + 2] = [[0.6, 0.8], [-0.8, 0.6]]
    turned = t.replace(coefficients=turn @ t.coefficients, frame_coefficients=turn @ t.frame_coefficients)
    assert wavefunction_nrmse(LinearPropagation()(turned), to_delta(turned)[1:]) < 0.05
