import numpy as np
import pytest
import torch
from scipy.linalg import expm

from tdddft import (
    ETRS,
    ExtrapolatedMidpoint,
    GaussianPulses,
    Hamiltonian,
    InputError,
    Kick,
    Laser,
    Magnus4,
    Method,
    Midpoint,
    Molecule,
    Multirate,
    SampledField,
    ground_state,
    propagate,
    propagate_batch,
)
from tdddft.analysis.linear_response import linear_response_roots
from tdddft.propagation.schemes import State, initial_state
from tdddft.propagation.schemes.exponential import exponential_action
from tdddft.trajectory import electronic_dipole_au
from tdddft.units import AU_TIME_FS

SCHEMES = {
    "midpoint": Midpoint(),
    "self-consistent": Midpoint(tolerance=1e-11),
    "extrapolated": ExtrapolatedMidpoint(),
    "magnus4": Magnus4(corrections=2),
    "etrs": ETRS(),
    "multirate": Multirate(substep_au=0.05),
}


@pytest.mark.parametrize("complex_", [False, True])
def test_exponential_action_equals_expm(complex_):
    random = np.random.default_rng(0)
    matrix = random.normal(size=(2, 12, 12)) * 3 + (1j * random.normal(size=(2, 12, 12)) if complex_ else 0)
    matrix = matrix + matrix.conj().swapaxes(1, 2)
    vectors = random.normal(size=(2, 12, 4)) + 1j * random.normal(size=(2, 12, 4))
    action = exponential_action(torch.from_numpy(matrix), torch.from_numpy(vectors), 0.7).numpy()
    for got, m, v in zip(action, matrix, vectors, strict=True):
        assert np.abs(got - expm(-0.7j * m) @ v).max() < 1e-12


@pytest.mark.parametrize("scheme", [None, *SCHEMES.values()], ids=["adaptive", *SCHEMES])
def test_without_a_field_nothing_moves(water, scheme):
    still = propagate(
        water, GaussianPulses(amplitude_v_per_angstrom=0.0), steps=20, save_every=10, precision="complex128",
        propagator=scheme,
    )  # fmt: skip
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


@pytest.fixture(scope="module")
def precise_water():
    """Water with float64 products, so that errors of the time step are seen down to 1e-9."""
    return ground_state("g2:H2O", Method(grid_level=1, response_grid=0, response_precision="float64"))


@pytest.fixture(scope="module")
def reference(precise_water):
    """1.2 fs of the oblique pulse, converged in the time step."""
    return propagate(precise_water, GaussianPulses((0.3, 0.5, 0.8)), 240, 0.005, dipole_tolerance=1e-8)


@pytest.mark.parametrize(
    ("name", "order"),
    [("midpoint", 2), ("self-consistent", 2), ("extrapolated", 2), ("etrs", 2), ("magnus4", 3), ("multirate", 3)],
)
def test_order_in_the_time_step(precise_water, reference, name, order):
    """The error of the dipole falls by 2^order when the step is halved; histories cost Magnus its fourth order."""
    hamiltonian = Hamiltonian(precise_water)
    errors = []
    for steps in (120, 240) if order == 2 else (24, 48):
        run = propagate(
            precise_water, GaussianPulses((0.3, 0.5, 0.8)), steps, 1.2 / steps, save_every=steps,
            hamiltonian=hamiltonian, propagator=SCHEMES[name],
        )  # fmt: skip
        errors.append(np.abs(run.dipole_au[-1] - reference.dipole_au[-1]).max())
    assert errors[1] < 0.05 * np.ptp(reference.dipole_au, axis=0).max()
    assert np.log2(errors[0] / errors[1]) > order - 0.35, errors


@pytest.mark.parametrize("tolerance", [1e-3, 1e-5])
def test_adaptive_steps_keep_to_the_tolerance(precise_water, reference, tolerance):
    run = propagate(precise_water, GaussianPulses((0.3, 0.5, 0.8)), 240, 0.005, dipole_tolerance=tolerance)
    error = np.abs(run.dipole_au - reference.dipole_au).max() / np.ptp(reference.dipole_au, axis=0).max()
    assert error < tolerance
    assert np.array_equal(run.times_fs, reference.times_fs)


def test_a_looser_tolerance_takes_fewer_builds(precise_water, reference):
    loose = propagate(precise_water, GaussianPulses((0.3, 0.5, 0.8)), 240, 0.005, dipole_tolerance=1e-2)
    assert 3 * loose.provenance.fock_builds < reference.provenance.fock_builds


@pytest.mark.parametrize("functional", ["PBE", "PBE0", "HF", "TPSS"])
def test_adaptive_agrees_with_the_extrapolated_midpoint(functional):
    """1.2 fs of the pulse: the self-consistent midpoint, extrapolated to no step from two steps, is the reference."""
    grids = {} if functional == "HF" else {"grid_level": 0, "response_grid": 0}
    method = Method(functional=functional, basis="6-31g", pseudopotential=None, response_precision="float64", **grids)
    state = ground_state("g2:H2O", method)
    hamiltonian, pulse = Hamiltonian(state), GaussianPulses((0.2, 1, 1))
    ours = propagate(state, pulse, 240, 0.005, save_every=20, hamiltonian=hamiltonian)
    coarse, fine = (
        propagate(
            state, pulse, 240 * n, 0.005 / n, save_every=20 * n, hamiltonian=hamiltonian,
            propagator=Midpoint(tolerance=1e-10),
        )
        for n in (1, 2)
    )  # fmt: skip
    dipole, energy = ((4 * getattr(fine, n) - getattr(coarse, n)) / 3 for n in ("dipole_au", "energy_hartree"))
    assert np.abs(ours.dipole_au - dipole).max() < 2e-4 * np.ptp(dipole, axis=0).max()
    assert np.abs(ours.energy_hartree - energy).max() < 1e-8
    assert ours.norm_error.max() < 1e-12


@pytest.mark.parametrize("scheme", [Midpoint(tolerance=1e-13), Multirate(0.05)], ids=["midpoint", "multirate"])
def test_forward_then_backward_returns(precise_water, scheme):
    hamiltonian = Hamiltonian(precise_water)

    def no_field(times):
        return torch.zeros((len(times), 1, 3), dtype=torch.float64)

    state = initial_state(hamiltonian, scheme, Kick(1e-3, (1, 1, 0)).impulse_au[None])
    start = state.occupied
    for step in range(1, 41):
        state = scheme.advance(hamiltonian, no_field, state, 0.2 * step)
    away = float((state.occupied - start).abs().max())
    newest = state.past[:1] if isinstance(scheme, Multirate) else ()
    state = State(state.time_au, state.occupied, state.response, state.energy, newest)
    for step in range(39, -1, -1):
        state = scheme.advance(hamiltonian, no_field, state, 0.2 * step)
    assert away > 0.1
    assert float((state.occupied - start).abs().max()) < (1e-9 if isinstance(scheme, Midpoint) else 2e-6)


def test_phase_kick_is_the_limit_of_a_short_pulse(water):
    hamiltonian = Hamiltonian(water)
    exact = propagate(water, Kick(1e-3, (0, 0, 1)), 100, 0.002, save_every=100, hamiltonian=hamiltonian)
    gaps = []
    for width in (0.008, 0.004):
        pulse = propagate(
            water, Kick(1e-3, (0, 0, 1), width_fs=width), 100, 0.002, save_every=100, hamiltonian=hamiltonian,
            propagator=Midpoint(),
        )  # fmt: skip
        gaps.append(np.abs(pulse.dipole_au[-1] - exact.dipole_au[-1]).max())
    assert gaps[1] < 0.6 * gaps[0]


@pytest.mark.parametrize("molecule", ["g2:H2O", "g2:NH3", "g2:CO"])
@pytest.mark.parametrize("field", [Kick(1e-3, (1, 1, 1)), GaussianPulses((1, 1, 1))], ids=["kick", "pulse"])
def test_two_thousand_steps_stay_bounded_at_default_settings(fast_method, molecule, field):
    """10 fs: orthonormality to 1e-10, energy after the field to 1e-7 hartree, and 1 % of what the field gave."""
    t = propagate(ground_state(molecule, fast_method), field, steps=2000, save_every=20)
    after = t.energy_hartree[t.times_fs > 2.5]
    given = after[0] - t.ground_state.energy_hartree
    assert given > 1e-7
    assert np.ptp(after) < 1e-7
    assert np.ptp(after) < 0.01 * given
    assert t.norm_error.max() < 1e-10


def test_turning_and_moving_molecule_and_field_turns_the_dipole(water, fast_method):
    rotation, _ = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))
    rotation *= np.sign(np.linalg.det(rotation))
    positions = water.molecule.positions_angstrom @ rotation.T + np.array([1.0, -2.0, 0.5])
    turned = ground_state(Molecule("turned", water.molecule.numbers, positions), fast_method)
    direction = np.array([0.3, 0.5, 0.8])
    a, b = (
        propagate(g, Kick(1e-3, tuple(d)), steps=100, dipole_tolerance=1e-6)
        for g, d in ((water, direction), (turned, rotation @ direction))
    )
    difference = (b.dipole_au - b.dipole_au[0]) - (a.dipole_au - a.dipole_au[0]) @ rotation.T
    assert np.abs(difference).max() < 5e-3 * np.ptp(a.dipole_au, axis=0).max()  # the coarse grid is not invariant


@pytest.mark.parametrize("functional", ["PBE", "PBE0"])
def test_a_batch_equals_its_members(functional):
    """Molecules of different size, padded: the code path of a GPU on the CPU."""
    method = Method(functional=functional, grid_level=0, response_grid=0, response_precision="float64")
    states = [ground_state(f"g2:{name}", method) for name in ("H2O", "CH4", "NH3")]
    fields = [Kick(1e-3, (0, 0, 1)), GaussianPulses((1, 0, 0)), Kick(2e-3, (1, 1, 0))]
    together = propagate_batch(states, fields, steps=60, propagator=Multirate())
    for state, field, member in zip(states, fields, together, strict=True):
        alone = propagate(state, field, steps=60, propagator=Multirate(), precision="complex64")
        assert member.frame_coefficients.shape == alone.frame_coefficients.shape
        assert np.abs(member.dipole_au - alone.dipole_au).max() < 1e-10
        assert np.abs(member.energy_hartree - alone.energy_hartree).max() < 1e-11
        assert np.abs(member.frame_coefficients - alone.frame_coefficients).max() < 1e-6


def test_a_misspelt_keyword_is_refused_and_the_known_ones_are_named(water):
    with pytest.raises(TypeError, match=r"chekpoint; known: precision, .*checkpoint"):
        propagate(water, Kick(1e-3), steps=10, chekpoint="x.h5")


def test_bad_requests_are_named(water):
    with pytest.raises(InputError, match="multiple of save_every"):
        propagate(water, Kick(1e-3), steps=15, save_every=10)
    with pytest.raises(InputError, match="tolerance lies between"):
        propagate(water, Kick(1e-3), steps=10, dipole_tolerance=1e-12)
    with pytest.raises(InputError, match="Hamiltonian must be of the same ground states"):
        propagate(ground_state("g2:H2", water.method), Kick(1e-3), steps=10, hamiltonian=Hamiltonian(water))
    with pytest.raises(InputError, match="dt_fs"):
        propagate(water, Kick(1e-3), steps=10, dt_fs=0.0)
    with pytest.raises(InputError, match="precision 'float64'"):
        propagate(water, Kick(1e-3), steps=10, precision="float64")
    with pytest.raises(InputError, match="one field per ground state"):
        propagate_batch([], [])
    with pytest.raises(InputError, match="share their level of theory"):
        Hamiltonian([water, ground_state("g2:H2", Method(grid_level=0))])
    exact = ground_state("g2:H2", Method(density_fitting=False, grid_level=0, response_grid=0))
    with pytest.raises(InputError, match="one molecule at a time"):
        Hamiltonian([exact, exact])


STRONG = Laser(3.0, (0.0, 0.3, 1.0), envelope="sin2", duration_fs=1.0)
TRAPEZOID = Laser(5.0, (0.1, 0, 0), (0, 0.1, 0), envelope="trapezoid", start_fs=0.1, duration_fs=0.6, ramp_fs=0.3)
SAMPLES = SampledField((0.0, 0.103, 0.5), ((0.0, 0.0, 0.1), (0.2, 0.0, 0.0), (0.1, 0.1, 0.0)))


@pytest.mark.parametrize(
    ("field", "tolerance"), [(STRONG, 2e-4), (TRAPEZOID, 2e-4), (SAMPLES, 1e-3)], ids=["strong", "trapezoid", "samples"]
)
def test_strong_turning_and_jumping_fields_against_small_steps(field, tolerance):
    """LiH; the trapezoid is circular and names the same time twice, 1e-16 fs apart; the samples have kinks."""
    molecule = Molecule("LiH", [3, 1], [[0, 0, 0], [0, 0, 1.6]])
    state = ground_state(molecule, Method(grid_level=1, response_grid=0, response_precision="float64"))
    hamiltonian = Hamiltonian(state)
    ours = propagate(state, field, 100, 0.01, hamiltonian=hamiltonian)
    small = propagate(state, field, 2000, 0.0005, save_every=200, hamiltonian=hamiltonian, propagator=Midpoint())
    span = np.ptp(small.dipole_au, axis=0).max()
    assert np.abs(ours.dipole_au - small.dipole_au).max() < tolerance * span
    assert ours.norm_error.max() < 1e-12


@pytest.mark.parametrize("scheme", [*SCHEMES.values(), Magnus4()], ids=[*SCHEMES, "magnus4 of one correction"])
def test_a_kick_of_one_step_gives_the_impulse(precise_water, scheme):
    """A rectangle of one step, half a step late on average, against the delta kick; half an impulse is 50 % off."""
    if isinstance(scheme, Multirate):
        scheme = Multirate(0.1)
    hamiltonian, dt = Hamiltonian(precise_water), 0.0025
    induced = []
    for field in (Kick(1e-3, (0, 0, 1), width_fs=dt), Kick(1e-3, (0, 0, 1))):
        t = propagate(precise_water, field, 40, dt, save_every=40, hamiltonian=hamiltonian, propagator=scheme)
        induced.append((t.dipole_au[-1] - t.dipole_au[0])[2])
    assert induced[0] == pytest.approx(induced[1], rel=0.12)


@pytest.mark.parametrize("functional", ["B3LYP", "TPSS"])
def test_a_batch_with_steps_chosen_together_keeps_to_the_tolerance(functional):
    method = Method(functional=functional, grid_level=0, response_grid=0, response_precision="float64")
    ion = Molecule("OH-", [8, 1], [[0, 0, 0], [0, 0, 0.96]], charge=-1)
    states = [ground_state(m, method) for m in ("g2:H2", "g2:H2O", ion)]
    fields = [Kick(1e-3, (0, 0, 1)), GaussianPulses((1, 0, 0)), Kick(2e-3, (1, 1, 0))]
    together = propagate_batch(states, fields, steps=40)
    for state, field, member in zip(states, fields, together, strict=True):
        alone = propagate(state, field, steps=40)
        span = np.ptp(alone.dipole_au, axis=0).max()
        assert np.abs(member.dipole_au - alone.dipole_au).max() < 2e-4 * span


def test_a_molecule_without_virtual_orbitals_stands_still():
    helium = ground_state(Molecule("He", [2], [[0, 0, 0]]), Method(basis="sto-3g", pseudopotential=None))
    t = propagate(helium, Kick(1e-3, (0, 0, 1)), steps=20)
    assert np.ptp(t.dipole_au) < 1e-12
    with pytest.raises(InputError, match="no virtual orbitals"):
        linear_response_roots(helium)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("functional", ["PBE", "PBE0", "TPSS"])
def test_a_cuda_device_gives_the_numbers_of_the_cpu(functional):
    method = Method(functional=functional, grid_level=0, response_grid=0, response_precision="float64")
    states = [ground_state(f"g2:{name}", method) for name in ("H2O", "NH3")]
    fields = [Kick(1e-3, (0, 0, 1)), GaussianPulses((1, 0, 0))]
    runs = [propagate_batch(states, fields, steps=40, device=d, propagator=Multirate()) for d in ("cpu", "cuda")]
    for a, b in zip(*runs, strict=True):
        assert np.abs(a.dipole_au - b.dipole_au).max() < 1e-9


def test_two_threads_give_the_same_numbers(water):
    before = torch.get_num_threads()
    runs = []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            runs.append(propagate(water, GaussianPulses((0.3, 0.5, 0.8)), steps=100))
    finally:
        torch.set_num_threads(before)
    span = np.ptp(runs[0].dipole_au, axis=0).max()
    assert np.abs(runs[0].dipole_au - runs[1].dipole_au).max() < 1e-5 * span  # float32 sums in another order


def test_a_nearly_dependent_basis_is_cut_and_the_cut_is_recorded():
    """Four hydrogen atoms closer than chemistry allows, with diffuse functions on each."""
    chain = Molecule("H4", [1, 1, 1, 1], [[0, 0, 0.41 * i] for i in range(4)])
    method = Method(basis="aug-cc-pvdz", pseudopotential=None, grid_level=1, response_grid=0)
    state = ground_state(chain, method)
    facts = state.summary()
    assert facts["dropped_by_linear_dependence"] > 0
    assert facts["linear_dependence_threshold"] > 0
    t = propagate(state, Kick(1e-4, (0, 0, 1)), steps=40)
    assert t.frame_coefficients.shape[2] == len(state.overlap) > state.orbitals.shape[1]
    assert t.norm_error.max() < 1e-9
