import numpy as np
import pytest
from scipy.linalg import expm

from tdddft import GaussianPulses, Hamiltonian, Kick, propagate
from tdddft.propagation import State, advance, exponential_action, initial_state
from tdddft.trajectory import electronic_dipole_au
from tdddft.units import AU_TIME_FS


@pytest.mark.parametrize("complex_", [False, True])
def test_exponential_action_equals_expm(complex_):
    random = np.random.default_rng(0)
    matrix = random.normal(size=(12, 12)) * 3 + (1j * random.normal(size=(12, 12)) if complex_ else 0)
    matrix = matrix + matrix.conj().T
    vectors = random.normal(size=(12, 4)) + 1j * random.normal(size=(12, 4))
    assert np.abs(exponential_action(matrix, vectors, 0.7) - expm(-0.7j * matrix) @ vectors).max() < 1e-12


def test_without_a_field_nothing_moves(water):
    still = propagate(
        water, GaussianPulses(amplitude_v_per_angstrom=0.0), steps=50, save_every=10, precision="complex128"
    )
    phase = np.exp(-1j * np.outer(still.times_fs / AU_TIME_FS, still.energies_hartree))[..., None]
    assert np.abs(still.frame_coefficients / phase - still.coefficients).max() < 1e-12
    assert np.ptp(still.dipole_au, axis=0).max() < 1e-12


def test_norm_energy_and_dipole_of_a_pulse(water_trajectory):
    t = water_trajectory
    after = t.times_fs > 1.6
    assert t.norm_error.max() < 1e-12
    assert np.ptp(t.energy_hartree[after]) < 1e-8
    assert t.energy_hartree[-1] - t.energy_hartree[0] > 1e-7  # the pulse did something
    recomputed = electronic_dipole_au(t.frame_coefficients, t) + t.nuclear_dipole_au
    assert np.abs(recomputed - t.dipole_au).max() < 1e-4 * np.ptp(t.dipole_au, axis=0).max()


def test_density_matrix_stays_idempotent(water):
    t = propagate(water, GaussianPulses(), steps=300, save_every=100, precision="complex128")
    d = np.einsum("fsa,fsb->fab", t.frame_coefficients, t.frame_coefficients.conj())
    assert np.abs(d @ t.overlap @ d - d).max() < 1e-11


@pytest.mark.parametrize(("tolerance", "order"), [(None, 2), (1e-11, 2)])
def test_second_order_in_the_time_step(water, tolerance, order):
    hamiltonian = Hamiltonian(water)
    reference = propagate(
        water, GaussianPulses((0, 0, 1)), 960, 0.00125, save_every=960, hamiltonian=hamiltonian, tolerance=1e-11
    )
    errors = []
    for steps in (120, 240):
        run = propagate(
            water,
            GaussianPulses((0, 0, 1)),
            steps,
            1.2 / steps,
            save_every=steps,
            hamiltonian=hamiltonian,
            tolerance=tolerance,
        )
        errors.append(np.abs(run.dipole_au[-1] - reference.dipole_au[-1]).max())
    assert np.log2(errors[0] / errors[1]) > order - 0.35


def test_forward_then_backward_returns(water):
    hamiltonian = Hamiltonian(water)
    state = initial_state(hamiltonian, Kick(1e-3, (1, 1, 0)))
    start = state.occupied
    for _ in range(40):
        state = advance(hamiltonian, state, np.zeros(3), 0.2, tolerance=1e-13)
    away = np.abs(state.occupied - start).max()
    state = State(0, state.occupied, state.response, state.response)
    for _ in range(40):
        state = advance(hamiltonian, state, np.zeros(3), -0.2, tolerance=1e-13)
    assert away > 0.1
    assert np.abs(state.occupied - start).max() < 1e-9


def test_phase_kick_is_the_limit_of_a_short_pulse(water):
    hamiltonian = Hamiltonian(water)
    exact = propagate(water, Kick(1e-3, (0, 0, 1)), 100, 0.002, save_every=100, hamiltonian=hamiltonian)
    gaps = []
    for width in (0.008, 0.004):
        pulse = propagate(
            water, Kick(1e-3, (0, 0, 1), width_fs=width), 100, 0.002, save_every=100, hamiltonian=hamiltonian
        )
        gaps.append(np.abs(pulse.dipole_au[-1] - exact.dipole_au[-1]).max())
    assert gaps[1] < 0.6 * gaps[0]


def test_long_run_stays_bounded(water):
    """2,000 steps after a kick: a fraction of the energy that the kick gave is lost, and nothing grows."""
    t = propagate(water, Kick(1e-3, (1, 1, 1)), steps=2000, dt_fs=0.2 * AU_TIME_FS, save_every=50)
    given = t.energy_hartree[0] - t.info["ground_state"]["energy_hartree"]
    assert given > 1e-6
    assert np.abs(t.energy_hartree - t.energy_hartree[0]).max() < 0.15 * given
    assert t.norm_error.max() < 1e-11
