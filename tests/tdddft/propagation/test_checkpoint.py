import dataclasses
import json
import os
import signal
import subprocess
import sys
import time

import h5py
import numpy as np
import pytest

from tdddft import GaussianPulses, InputError, Kick, Method, Midpoint, ground_state, propagate, read_trajectory
from tdddft.propagation.checkpoint import Checkpoint

SCRIPT = """
import sys
from pathlib import Path
from tdddft import GaussianPulses, Method, ground_state, propagate, write_trajectory
state = ground_state("g2:H2O", Method(grid_level=1, response_grid=0))
done = []
t = propagate(
    state, GaussianPulses((0.3, 0.5, 0.8)), steps=600, checkpoint=Path(sys.argv[1]), checkpoint_seconds=0.0,
    progress=lambda step, steps: done.append(step),
)
write_trajectory(sys.argv[2], t)
print(len(done))
"""


class StopError(Exception):
    pass


def stop_at(step):
    def progress(done, total):
        if done >= step:
            raise StopError

    return progress


@pytest.mark.parametrize("scheme", [None, Midpoint()], ids=["adaptive", "midpoint"])
def test_continued_equals_uninterrupted(tmp_path, water, scheme):
    file = tmp_path / "part.h5"
    arguments = {"steps": 120, "propagator": scheme, "precision": "complex128"}
    whole = propagate(water, GaussianPulses((0.3, 0.5, 0.8)), **arguments)
    for stop in (30, 80):
        with pytest.raises(StopError):
            propagate(
                water, GaussianPulses((0.3, 0.5, 0.8)), **arguments, checkpoint=file, checkpoint_seconds=0.0,
                progress=stop_at(stop),
            )  # fmt: skip
        assert file.is_file()
    steps = []
    again = propagate(
        water, GaussianPulses((0.3, 0.5, 0.8)), **arguments, checkpoint=file, progress=lambda d, _: steps.append(d)
    )
    assert steps[0] == 90
    assert np.array_equal(again.frame_coefficients, whole.frame_coefficients)
    assert np.array_equal(again.dipole_au, whole.dipole_au)
    assert np.array_equal(again.energy_hartree, whole.energy_hartree)
    assert again.provenance.fock_builds == whole.provenance.fock_builds
    assert [p.name for p in tmp_path.iterdir()] == ["part.h5"]  # finished; the caller deletes it


def frames_in(checkpoint):
    if not checkpoint.exists():
        return 0
    with h5py.File(checkpoint, locking=False) as file:  # its writer may hold it for a moment after the rename
        return len(file["frame_energies_hartree"])


def test_killed_with_9_and_run_again(tmp_path, water):
    """A real process, killed in the middle; the finished file equals that of a run in one piece."""
    part, target = tmp_path / "part.h5", tmp_path / "water.h5"
    command = [sys.executable, "-c", SCRIPT, str(part), str(target)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, env=environment) as process:
        deadline = time.monotonic() + 120
        while frames_in(part) < 4:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    assert not target.exists()
    with h5py.File(part) as file:
        assert 4 <= len(file["frame_energies_hartree"]) < 61
        file_builds = int(file.attrs["fock_builds"])
    done = subprocess.run(command, env=environment, check=True, timeout=300, capture_output=True, text=True)
    assert 0 < int(done.stdout) < 60  # frames that were left to do
    continued = read_trajectory(target)
    assert continued.provenance.fock_builds > file_builds
    whole = propagate(water, GaussianPulses((0.3, 0.5, 0.8)), steps=600)
    assert np.abs(continued.dipole_au - whole.dipole_au).max() < 1e-9
    assert np.abs(continued.frame_coefficients - whole.frame_coefficients).max() < 1e-6


def test_damaged_and_foreign_checkpoints(tmp_path, water):
    file = tmp_path / "part.h5"
    with pytest.raises(StopError):
        propagate(water, Kick(1e-3), steps=40, checkpoint=file, checkpoint_seconds=0.0, progress=stop_at(20))
    with pytest.raises(InputError, match="checkpoint of another propagation"):
        propagate(water, Kick(2e-3), steps=40, checkpoint=file)
    file.write_bytes(file.read_bytes()[:2000])
    assert len(propagate(water, Kick(1e-3), steps=40, checkpoint=file).times_fs) == 5


def test_unwritable_checkpoint_is_named(tmp_path, water):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write the checkpoint"):
        propagate(water, Kick(1e-3), steps=20, checkpoint=tmp_path / "file" / "x.h5", checkpoint_seconds=0.0)


@pytest.mark.parametrize("functional", ["PBE", "PBE0"])
def test_orbitals_turned_inside_a_degenerate_level(tmp_path, functional):
    """Another solution of the same ground state: the pi orbitals of N2 turned, one orbital with the other sign."""
    method = Method(functional=functional, grid_level=1, response_grid=0, response_precision="float64")
    state, file = ground_state("g2:N2", method), tmp_path / "part.h5"
    pulse, arguments = GaussianPulses((0.3, 0.5, 0.8)), {"steps": 60, "precision": "complex128"}
    whole = propagate(state, pulse, **arguments)
    with pytest.raises(StopError):
        propagate(state, pulse, **arguments, checkpoint=file, checkpoint_seconds=0.0, progress=stop_at(30))
    levels = state.energies_hartree
    pair = int(np.flatnonzero(np.abs(np.diff(levels[:5])) < 1e-7)[0])
    orbitals = state.orbitals.copy()
    c, s = np.cos(0.7), np.sin(0.7)
    orbitals[:, [pair, pair + 1]] = orbitals[:, [pair, pair + 1]] @ np.array([[c, -s], [s, c]])
    orbitals[:, 0] *= -1
    channel = dataclasses.replace(state.channels[0], orbitals=orbitals)
    other = dataclasses.replace(state, channels=(channel,))
    again = propagate(other, pulse, **arguments, checkpoint=file)
    assert np.abs(again.dipole_au - whole.dipole_au).max() < 1e-9
    density = [np.einsum("fsa,fsb->fab", t.frame_coefficients, t.frame_coefficients.conj()) for t in (again, whole)]
    assert np.abs(density[0] - density[1]).max() < 1e-8


@pytest.mark.parametrize("name", ["frame_occupied", "frame_dipoles_au", "occupied", "response", "energy", "orbitals_0"])
@pytest.mark.parametrize("damage", ["missing", "cut", "texts", "NaN", "a group"])
def test_a_checkpoint_whose_arrays_do_not_fit_starts_again(tmp_path, small_checkpoint, name, damage):
    path, load = small_checkpoint
    assert len(load(path).frames) > 1
    other = tmp_path / "other.h5"
    other.write_bytes(path.read_bytes())
    with h5py.File(other, "r+") as file:
        array = file[name][()]
        del file[name]
        if damage == "a group":
            file.create_group(name)
        elif damage != "missing":
            file[name] = {"cut": array[..., :-1], "texts": np.full(array.shape, b"x"), "NaN": array * np.nan}[damage]
    assert load(other).state is None
    assert len(load(other).frames) == 0


@pytest.mark.parametrize(
    "attribute", ["format", "schema_version", "fock_builds", "wall_seconds", "time_au", "unchecked"]
)
def test_a_checkpoint_whose_facts_are_of_another_type_starts_again(tmp_path, small_checkpoint, attribute):
    path, load = small_checkpoint
    other = tmp_path / "other.h5"
    other.write_bytes(path.read_bytes())
    with h5py.File(other, "r+") as file:
        file.attrs[attribute] = ["x"]
    assert load(other).state is None


@pytest.fixture(scope="module")
def small_checkpoint(tmp_path_factory, water):
    """A checkpoint of water, and a function that reads one like it."""
    import torch

    path = tmp_path_factory.mktemp("checkpoint") / "part.h5"
    arguments = {"steps": 40, "checkpoint": path, "checkpoint_seconds": 0.0}
    with pytest.raises(StopError):
        propagate(water, Kick(1e-3), **arguments, progress=stop_at(20))
    with h5py.File(path) as file:
        identity = json.loads(file.attrs["identity"])
    return path, lambda file: Checkpoint(file, 0.0, identity, [water]).load(torch.device("cpu"))
