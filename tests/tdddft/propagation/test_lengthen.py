import dataclasses

import h5py
import numpy as np
import pytest

from tdddft import (
    ETRS,
    ContractError,
    ExtrapolatedMidpoint,
    GaussianPulses,
    Hamiltonian,
    InputError,
    Kick,
    Linear,
    Magnus4,
    Midpoint,
    Molecule,
    Multirate,
    free_evolution,
    ground_state,
    lengthen,
    propagate,
    read_trajectory,
    write_trajectory,
)
from tdddft.trajectory.validation import failures

PULSE = GaussianPulses((0.3, 0.5, 0.8))
SCHEMES = [Midpoint(), Midpoint(tolerance=1e-9), ExtrapolatedMidpoint(), Magnus4(2), ETRS(), Multirate(), Linear()]
NAMES = ["midpoint", "self-consistent", "extrapolated", "magnus4", "etrs", "multirate", "linear"]


@pytest.fixture(scope="module")
def hamiltonian(water):
    return Hamiltonian([water])


@pytest.mark.parametrize("scheme", SCHEMES, ids=NAMES)
def test_lengthened_equals_the_long_run(tmp_path, water, hamiltonian, scheme):
    arguments = {"propagator": scheme, "hamiltonian": hamiltonian}
    whole = propagate(water, PULSE, 60, 0.01, **arguments)
    path = write_trajectory(tmp_path / "t.h5", propagate(water, PULSE, 40, 0.01, **arguments))
    longer = lengthen(path, 60, hamiltonian=hamiltonian)
    for name in ("times_fs", "field_au", "frame_coefficients", "dipole_au", "energy_hartree", "norm_error"):
        assert np.array_equal(getattr(longer, name), getattr(whole, name)), name
    assert longer.provenance.lengthened_at == (40,)
    assert longer.provenance.fock_builds == whole.provenance.fock_builds
    assert failures(longer) == failures(whole)


@pytest.mark.parametrize("scheme", [Midpoint(), Magnus4(2), Multirate()], ids=["midpoint", "magnus4", "multirate"])
def test_radicals_are_lengthened(tmp_path, fast_method, scheme):
    positions = [[0, 0, 0.14], [0, 0.8, -0.49], [0, -0.8, -0.49]]
    state = ground_state(Molecule("NH2", [7, 1, 1], positions, multiplicity=2), fast_method)
    arguments = {"propagator": scheme, "hamiltonian": Hamiltonian(state)}
    whole = propagate(state, PULSE, 30, 0.01, **arguments)
    path = write_trajectory(tmp_path / "t.h5", propagate(state, PULSE, 20, 0.01, **arguments))
    longer = lengthen(path, 30, hamiltonian=arguments["hamiltonian"])
    for name in ("frame_coefficients", "dipole_au", "energy_hartree"):
        assert np.array_equal(getattr(longer, name), getattr(whole, name)), name
    assert longer.spins is not None


def test_twice_lengthened_and_stored_again(tmp_path, water, hamiltonian):
    arguments = {"propagator": Multirate(), "hamiltonian": hamiltonian, "precision": "complex128"}
    whole = propagate(water, PULSE, 60, 0.01, **arguments)
    path = write_trajectory(tmp_path / "t.h5", propagate(water, PULSE, 20, 0.01, **arguments))
    for steps in (40, 60):
        write_trajectory(path, lengthen(path, steps, hamiltonian=hamiltonian))
    longer = read_trajectory(path)
    assert longer.frame_coefficients.dtype == np.complex128
    assert np.array_equal(longer.frame_coefficients, whole.frame_coefficients)
    assert longer.provenance.lengthened_at == (20, 40)


def test_with_the_ground_state_solved_again(tmp_path, water):
    whole = propagate(water, PULSE, 60, propagator=Midpoint())
    longer = lengthen(propagate(water, PULSE, 40, propagator=Midpoint()), 60)
    assert np.abs(longer.dipole_au - whole.dipole_au).max() < 1e-9


@pytest.mark.parametrize("field", [PULSE, Kick(1e-3, (1, 1, 0))], ids=["pulses", "kick"])
def test_own_steps_keep_the_tolerance(water, hamiltonian, field):
    tolerance, arguments = 1e-3, {"hamiltonian": hamiltonian}
    reference = propagate(water, field, 400, dipole_tolerance=1e-6, **arguments)
    short = propagate(water, field, 200, dipole_tolerance=tolerance, **arguments)
    longer = lengthen(short, 400, **arguments)
    span = np.linalg.norm(reference.dipole_au - reference.dipole_au[0], axis=1).max()
    assert np.array_equal(longer.dipole_au[:21], short.dipole_au)
    assert np.linalg.norm(longer.dipole_au - reference.dipole_au, axis=1).max() < 2 * tolerance * span


def test_interrupted_lengthening_goes_on(tmp_path, water, hamiltonian):
    arguments, file = {"propagator": Multirate(), "hamiltonian": hamiltonian}, tmp_path / "part.h5"
    whole, short = (propagate(water, PULSE, steps, 0.01, **arguments) for steps in (80, 40))
    seen: list[int] = []

    def stop():
        return len(seen) == 2

    with pytest.raises(Exception, match="stopped after frame 6 of 8"):
        lengthen(short, 80, hamiltonian=hamiltonian, checkpoint=file, stop=stop, progress=lambda n, _: seen.append(n))
    again = lengthen(short, 80, hamiltonian=hamiltonian, checkpoint=file, progress=lambda n, _: seen.append(n))
    assert seen == [50, 60, 70, 80]
    assert np.array_equal(again.frame_coefficients, whole.frame_coefficients)


def test_a_checkpoint_of_a_shorter_run_is_gone_on_with(tmp_path, water, hamiltonian):
    arguments, file = {"propagator": Multirate(), "hamiltonian": hamiltonian}, tmp_path / "part.h5"
    whole = propagate(water, PULSE, 80, 0.01, **arguments)
    propagate(water, PULSE, 40, 0.01, **arguments, checkpoint=file)
    again = propagate(water, PULSE, 80, 0.01, **arguments, checkpoint=file)
    assert np.array_equal(again.frame_coefficients, whole.frame_coefficients)
    with pytest.raises(InputError, match="holds 9 frames, more than the 3"):
        propagate(water, PULSE, 20, 0.01, **arguments, checkpoint=file)


def test_turned_orbitals(water, hamiltonian):
    whole = propagate(water, PULSE, 60, propagator=Multirate(), hamiltonian=hamiltonian)
    short = propagate(water, PULSE, 40, propagator=Multirate(), hamiltonian=hamiltonian)
    signs = np.where(np.arange(water.orbitals.shape[1]) % 2, 1.0, -1.0)
    channel = dataclasses.replace(water.channels[0], orbitals=water.orbitals * signs)
    other = dataclasses.replace(water, channels=(channel,))
    longer = lengthen(short, 60, hamiltonian=Hamiltonian([other]))
    assert np.abs(longer.dipole_au - whole.dipole_au).max() < 1e-9
    assert np.abs(longer.frame_coefficients - whole.frame_coefficients).max() < 1e-6


@pytest.fixture(scope="module")
def short(water, hamiltonian):
    return propagate(water, PULSE, 20, propagator=Multirate(), hamiltonian=hamiltonian)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"steps": 20}, "it has 20 steps, and 20 are not more"),
        ({"steps": 10}, "it has 20 steps, and 10 are not more"),
        ({"steps": 40, "save_every": 20}, "its frames are not 20 steps apart"),
        ({"steps": 40, "dt_fs": 0.01}, "its steps are not of 0.01 fs"),
        ({"steps": 40, "propagator": Midpoint()}, "another scheme"),
        ({"steps": 40, "field": Kick(1e-3)}, "another field acts on it"),
    ],
)
def test_what_is_no_continuation_is_named(water, short, hamiltonian, arguments, reason):
    given = {"field": PULSE, "propagator": Multirate(), "hamiltonian": hamiltonian, **arguments}
    with pytest.raises(InputError, match=reason):
        propagate(water, before=short, **given)


def test_another_ground_state_is_named(short, fast_method):
    other = ground_state("g2:H2O", fast_method.model_copy(update={"functional": "BLYP"}))
    with pytest.raises(InputError, match="is another than that to go on with"):
        lengthen(short, 40, hamiltonian=Hamiltonian([other]))


def test_without_a_last_state(tmp_path, water, hamiltonian):
    none = propagate(water, PULSE, 20, hamiltonian=hamiltonian, keep_state=False)
    predicted = free_evolution(water, PULSE, 20, 0.005)
    for trajectory in (none, predicted):
        path = write_trajectory(tmp_path / "t.h5", trajectory)
        with pytest.raises(InputError, match="holds no state to go on from"):
            lengthen(path, 40)
    with pytest.raises(InputError, match="holds no state"):
        lengthen(none, 40)


def test_own_fields_and_schemes_are_asked_for(water, hamiltonian):
    class Own(Multirate):
        pass

    def field(times):
        return np.outer(np.cos(times), (1e-4, 0, 0))

    arguments = {"hamiltonian": hamiltonian}
    short, whole = (propagate(water, field, steps, propagator=Own(), **arguments) for steps in (20, 40))
    with pytest.raises(InputError, match="pass field="):
        lengthen(short, 40, **arguments)
    with pytest.raises(InputError, match="pass propagator="):
        lengthen(short, 40, field=field, **arguments)
    longer = lengthen(short, 40, field=field, propagator=Own(), **arguments)
    assert np.array_equal(longer.dipole_au, whole.dipole_au)


def test_one_at_a_time(water, short):
    from tdddft import propagate_batch

    with pytest.raises(InputError, match="one trajectory is lengthened at a time"):
        propagate_batch([water, water], [PULSE, PULSE], 40, before=short)


def test_a_molecule_of_a_batch_is_lengthened_alone(water, hamiltonian, fast_method):
    from tdddft import propagate_batch

    states = [water, ground_state("g2:CH4", fast_method)]
    short = propagate_batch(states, [PULSE, PULSE], 20, propagator=Midpoint())[0]
    whole = propagate(water, PULSE, 40, propagator=Midpoint(), hamiltonian=hamiltonian)
    longer = lengthen(short, 40, hamiltonian=hamiltonian)
    assert np.abs(longer.dipole_au - whole.dipole_au).max() < 1e-9


@pytest.mark.parametrize("damage", ["missing", "shape", "NaN", "scheme", "no numbers"])
def test_a_damaged_last_state_is_named(tmp_path, short, damage):
    path = write_trajectory(tmp_path / "t.h5", short)
    with h5py.File(path, "r+") as file:
        group = file["last_state"]
        values = group["occupied"][()]
        if damage in ("missing", "shape", "NaN"):
            del group["occupied"]
        if damage == "shape":
            group["occupied"] = values[:, :-1].T
        elif damage == "NaN":
            group["occupied"] = values * np.nan
        elif damage == "scheme":
            group.attrs["info"] = group.attrs["info"].replace("substep_au", "else")
        elif damage == "no numbers":
            group.attrs["info"] = "{}"
    with pytest.raises((ContractError, InputError)):
        lengthen(path, 40)
    assert len(read_trajectory(path).times_fs) == 3


def test_the_scheme_of_the_file_is_taken(short):
    assert short.last_state.scheme == {"name": "Multirate", "substep_au": 0.5}
