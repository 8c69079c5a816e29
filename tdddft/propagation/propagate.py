"""Real-time propagation: from ground states and fields to trajectories."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from graphlearn.base.errors import InputError, StoppedError
from graphlearn.base.numbers import one_float, whole_number
from graphlearn.base.provenance import package_versions
from tdddft.electronic.ground_state import GroundState, ao_table
from tdddft.electronic.hamiltonian import Hamiltonian
from tdddft.fields.base import Field
from tdddft.fields.custom import CustomField, FieldLike, as_field
from tdddft.fields.serialization import field_to_dict, has_parameters
from tdddft.propagation.checkpoint import SECONDS_BETWEEN, Checkpoint, Frames, PropagationState
from tdddft.propagation.schemes import Adaptive, Drive, Propagator, State, initial_state
from tdddft.trajectory.trajectory import Trajectory, orthonormality_error
from tdddft.units import AU_TIME_FS

Progress = Callable[[int, int], None]
SAME_TIME_AU = 1e-4
PRECISIONS = ("complex64", "complex128")


def propagate(
    ground_state: GroundState,
    field: FieldLike,
    steps: int = 1000,
    dt_fs: float = 0.005,
    *,
    save_every: int = 10,
    dipole_tolerance: float = 1e-4,
    propagator: Propagator | None = None,
    precision: str = "complex64",
    hamiltonian: Hamiltonian | None = None,
    progress: Progress | None = None,
    checkpoint: Path | None = None,
    checkpoint_seconds: float = SECONDS_BETWEEN,
    stop: Callable[[], bool] | None = None,
) -> Trajectory:
    r"""Propagate all occupied orbitals, :math:`i S \dot{C} = F[D(t), t]\, C`, with fixed nuclei.

    Args:
        ground_state: Start of the propagation.
        field: External field: one of this package, an object of your own with the members of
            :class:`tdddft.fields.base.Field`, or a function of times in fs [T] that returns atomic units [T, 3].
        steps: Number of time steps; the field is stored at each.
        dt_fs: Time step, fs.
        save_every: Steps between stored frames. A Fock build is made at every frame at least: frames closer than 1 au
            (0.025 fs) cost time.
        dipole_tolerance: Wanted error of the dipole over the largest induced one, an estimate; the engine chooses its
            own steps between frames (:class:`tdddft.propagation.schemes.Adaptive`).
        propagator: Another scheme, which then takes steps of ``dt_fs``, also across jumps of the field.
        precision: ``complex64`` or ``complex128`` for the stored coefficients.
        hamiltonian: Reuse the integrals of another propagation of the same ground state.
        progress: Called with (step, steps) after every frame.
        checkpoint: File to keep up to date while running; where it exists, the propagation goes on from it and ends
            with the same numbers. Delete it once the trajectory is written.
        checkpoint_seconds: Shortest time between two writes of that file.
        stop: Asked after every frame; once it says true, the checkpoint is written and StoppedError raised.

    Returns:
        The trajectory with ``steps // save_every + 1`` frames, the first at t = 0 (after a delta kick).

    Raises:
        InputError: for a number of steps that is not a multiple of ``save_every``, a Hamiltonian of other molecules, or
            a checkpoint of another propagation.
        StoppedError: when ``stop`` says so.
    """
    return propagate_batch(
        [ground_state], [field], steps, dt_fs, save_every=save_every, dipole_tolerance=dipole_tolerance,
        propagator=propagator, precision=precision, hamiltonian=hamiltonian, progress=progress, checkpoint=checkpoint,
        checkpoint_seconds=checkpoint_seconds, stop=stop,
    )[0]  # fmt: skip


def propagate_batch(
    ground_states: Sequence[GroundState],
    fields: Sequence[FieldLike],
    steps: int = 1000,
    dt_fs: float = 0.005,
    *,
    save_every: int = 10,
    dipole_tolerance: float = 1e-4,
    propagator: Propagator | None = None,
    precision: str = "complex64",
    hamiltonian: Hamiltonian | None = None,
    device: str | torch.device = "cpu",
    progress: Progress | None = None,
    checkpoint: Path | None = None,
    checkpoint_seconds: float = SECONDS_BETWEEN,
    stop: Callable[[], bool] | None = None,
) -> list[Trajectory]:
    """Propagate several molecules, or geometries of one, side by side: the way to fill a GPU.

    Molecules of like size waste the least; all share the level of theory and the times. The arguments are those of
    :func:`propagate`; ``device`` is a torch device such as ``cuda`` and is not used with a given ``hamiltonian``.

    Returns:
        One trajectory a ground state, in their order.
    """
    started = time.perf_counter()
    steps, save_every = whole_number("steps", steps), whole_number("save_every", save_every)
    dt_fs, acting = one_float("dt_fs", dt_fs), [as_field(field) for field in fields]
    dipole_tolerance = one_float("dipole_tolerance", dipole_tolerance)
    _check(ground_states, acting, steps, dt_fs, save_every, precision)
    hamiltonian = hamiltonian or Hamiltonian(ground_states, device)
    if [id(g) for g in hamiltonian.ground_states] != [id(g) for g in ground_states]:
        raise InputError("the Hamiltonian must be of the same ground states")
    frame_times = np.arange(0, steps + 1, save_every) * dt_fs / AU_TIME_FS
    fixed_step = propagator is not None and not isinstance(propagator, Adaptive)
    propagator = propagator or Adaptive(dipole_tolerance, float(frame_times[-1]))
    facts = _facts(acting, steps, dt_fs, save_every, propagator)
    identity = {**facts, "molecules": [_identity(g) for g in ground_states]}
    keeper = Checkpoint(checkpoint, checkpoint_seconds, identity, ground_states)
    drive = _drive(acting, hamiltonian.device)
    now = keeper.load(hamiltonian.device)
    builds_before, started = hamiltonian.builds - now.builds, started - now.seconds
    state, frames = now.state, now.frames
    if state is None:
        state = initial_state(hamiltonian, propagator, np.array([f.impulse_au for f in acting]))
        frames.append(*_observe(hamiltonian, state))
    for number in range(len(frames), len(frame_times)):
        start, end = frame_times[number - 1 : number + 1]
        marks = np.linspace(start, end, save_every + 1)[1:] if fixed_step else _stops(acting, start, end)
        for mark in marks:
            state = propagator.advance(hamiltonian, drive, state, float(mark))
        frames.append(*_observe(hamiltonian, state))
        now = PropagationState(state, frames, hamiltonian.builds - builds_before, time.perf_counter() - started)
        keeper.maybe_save(now)
        if progress is not None:
            progress(number * save_every, steps)
        if stop is not None and stop() and number + 1 < len(frame_times):
            keeper.save(now)
            raise StoppedError(f"stopped after frame {number} of {len(frame_times) - 1}")
    keeper.save(now)
    facts |= {
        "versions": package_versions(),
        "device": str(hamiltonian.device),
        "batch": len(ground_states),
        "fock_builds": hamiltonian.builds - builds_before,
        "wall_seconds": round(time.perf_counter() - started, 3),
    }
    times_fs = np.arange(steps + 1) * dt_fs
    return [
        assemble(g, f, frames.of(i, g), times_fs, save_every, precision, facts)
        for i, (g, f) in enumerate(zip(ground_states, acting, strict=True))
    ]


def _check(
    ground_states: Sequence[GroundState], fields: Sequence[Field], steps: int, dt_fs: float, save_every: int,
    precision: str,
) -> None:  # fmt: skip
    if steps < 1 or save_every < 1 or steps % save_every:
        raise InputError(f"steps ({steps}) must be a positive multiple of save_every ({save_every})")
    if not dt_fs > 0:
        raise InputError(f"dt_fs ({dt_fs}) must be positive")
    if precision not in PRECISIONS:
        raise InputError(f"precision {precision!r}: choose one of {', '.join(PRECISIONS)}")
    if not ground_states or len(fields) != len(ground_states):
        raise InputError(f"{len(ground_states)} ground states and {len(fields)} fields: give one field a ground state")


def _stops(fields: Sequence[Field], start: float, end: float) -> list[float]:
    """The end of an interval, and before it the times inside at which a field jumps, atomic units."""
    stops = [start]
    for mark in sorted(mark / AU_TIME_FS for f in fields for mark in f.breaks_fs):
        if stops[-1] + SAME_TIME_AU < mark < end - SAME_TIME_AU:
            stops.append(mark)
    return [*stops[1:], end]


def _drive(fields: Sequence[Field], device: torch.device) -> Drive:
    def drive(times_au: Sequence[float]) -> Tensor:
        times_fs = np.asarray(times_au) * AU_TIME_FS
        return torch.as_tensor(np.stack([f.at(times_fs) for f in fields], axis=1), device=device)

    return drive


def _observe(hamiltonian: Hamiltonian, state: State) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Orbitals, electronic dipole and energy above the ground state, each with the batch first."""
    dipole = hamiltonian.electronic_dipole_au(state.occupied)
    return state.occupied.cpu().numpy(), dipole.cpu().numpy(), state.energy.cpu().numpy()


def _facts(
    fields: Sequence[Field], steps: int, dt_fs: float, save_every: int, propagator: Propagator
) -> dict[str, object]:
    return {
        "propagator": propagator.describe(),
        "dt_fs": dt_fs,
        "steps": steps,
        "save_every": save_every,
        "fields": [_identified(f, np.arange(steps + 1) * dt_fs) for f in fields],
    }


def _identified(field: Field, times_fs: np.ndarray) -> dict[str, object]:
    """A field as plain data; one without parameters by its values at some times."""
    if has_parameters(field):
        return field_to_dict(field)
    return {"custom": type(field).__name__, "fingerprint": CustomField(field).fingerprint(times_fs)}


def _identity(ground_state: GroundState) -> dict[str, object]:
    """What must be equal for a checkpoint to be continued."""
    return {
        "name": ground_state.molecule.name,
        "charge": ground_state.molecule.charge,
        "numbers": ground_state.molecule.numbers.tolist(),
        "positions_angstrom": ground_state.molecule.positions_angstrom.tolist(),
        "method": ground_state.method.model_dump(mode="json"),
    }


def assemble(
    ground_state: GroundState,
    field: Field,
    frames: Frames,
    times_fs: np.ndarray,
    save_every: int,
    precision: str,
    facts: dict[str, object],
) -> Trajectory:
    """A trajectory of the file contract from the frames of one molecule."""
    molecule, occupied = ground_state.molecule, ground_state.num_occupied
    coefficients = np.swapaxes(ground_state.orbitals @ np.array(frames.occupied), 1, 2)
    return Trajectory(
        numbers=molecule.numbers,
        positions_angstrom=molecule.positions_angstrom,
        ao_table=ao_table(ground_state.mol),
        overlap=ground_state.overlap,
        dipole_ao_au=ground_state.dipole_ao_au,
        origin_au=ground_state.origin_au,
        fock_hartree=ground_state.fock_hartree,
        coefficients=ground_state.orbitals[:, :occupied].T.copy(),
        energies_hartree=ground_state.energies_hartree[:occupied],
        occupations=np.full(occupied, 2.0),
        field_times_fs=times_fs,
        field_au=field.at(times_fs),
        field_impulse_au=field.impulse_au,
        times_fs=times_fs[::save_every],
        frame_coefficients=coefficients.astype(precision),
        dipole_au=np.array(frames.dipoles) + ground_state.nuclear_dipole_au,
        energy_hartree=ground_state.energy_hartree + np.array(frames.energies),
        norm_error=orthonormality_error(coefficients, ground_state.overlap),
        info={
            "molecule": {
                "name": molecule.name,
                "charge": molecule.charge,
                "source": molecule.source,
                "smiles": molecule.smiles,
            },
            "basis": ground_state.method.model_dump(mode="json"),
            "ground_state": ground_state.facts(),
            "field": field_to_dict(field) if has_parameters(field) else {"custom": getattr(field, "name", "sum")},
            "provenance": {k: v for k, v in facts.items() if k != "fields"},
        },
    )
