"""Real-time propagation: from ground states and fields to trajectories."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Unpack

import numpy as np
import torch
from torch import Tensor

from graphlearn.base.errors import InputError, StoppedError
from graphlearn.base.numbers import one_float
from graphlearn.base.provenance import package_versions
from tdddft.electronic.absorber import Absorber
from tdddft.electronic.ground_state import GroundState
from tdddft.electronic.hamiltonian import Hamiltonian
from tdddft.fields.base import Field
from tdddft.fields.custom import CustomField, FieldLike, as_field
from tdddft.fields.serialization import field_to_dict, has_parameters
from tdddft.propagation.checkpoint import Checkpoint, PropagationState
from tdddft.propagation.frames import Frame, TimeGrid, assemble
from tdddft.propagation.last_state import check_lengthening, joined, last_state_of, state_to_lengthen
from tdddft.propagation.run_options import SECONDS_BETWEEN, RunOptions
from tdddft.propagation.schemes import Adaptive, Drive, Linear, Propagator, State, initial_state
from tdddft.propagation.schemes.absorbing import Absorbing
from tdddft.trajectory import Provenance, Trajectory
from tdddft.units import AU_TIME_FS

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
    absorber: Absorber | None = None,
    **options: Unpack[RunOptions],
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
        absorber: A complex absorbing potential, in which electrons far from the molecule are lost.
        **options: ``precision``, ``hamiltonian``, ``device``, ``progress``, ``checkpoint``, ``checkpoint_seconds``,
            ``keep_state``, ``before`` and ``stop``, see :class:`tdddft.RunOptions`.

    Returns:
        The trajectory with ``steps // save_every + 1`` frames, the first at t = 0 (after a delta kick).

    Raises:
        InputError: for a number of steps that is not a multiple of ``save_every``, a Hamiltonian of other molecules, a
            checkpoint of another propagation, or a trajectory before that this run does not continue.
        StoppedError: when ``stop`` returns true.
    """
    return propagate_batch(
        [ground_state], [field], steps, dt_fs, save_every=save_every, dipole_tolerance=dipole_tolerance,
        propagator=propagator, absorber=absorber, **options,
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
    absorber: Absorber | None = None,
    **options: Unpack[RunOptions],
) -> list[Trajectory]:
    """Propagate several molecules, or geometries of one, side by side: the way to fill a GPU.

    Molecules of like size waste the least; all share the level of theory and the times.

    Args:
        ground_states: Start of each propagation.
        fields: External field of each, see :func:`propagate`.
        steps: Number of time steps.
        dt_fs: Time step, fs.
        save_every: Steps between stored frames.
        dipole_tolerance: Wanted error of the dipole, see :func:`propagate`; the molecule with the largest decides.
        propagator: Another scheme, which then takes steps of ``dt_fs``.
        absorber: A complex absorbing potential for all.
        **options: As for :func:`propagate`.

    Returns:
        One trajectory per ground state, in their order.

    Raises:
        InputError: as for :func:`propagate`, and for ground states of different levels of theory.
        StoppedError: when ``stop`` returns true.
    """
    started = time.perf_counter()
    before = options.get("before")
    grid, acting = TimeGrid(steps, dt_fs, save_every), [as_field(field) for field in fields]
    dipole_tolerance = one_float("dipole_tolerance", dipole_tolerance)
    _check(ground_states, acting, options)
    progress, stop = options.get("progress"), options.get("stop")
    hamiltonian = options.get("hamiltonian") or Hamiltonian(ground_states, options.get("device", "cpu"))
    if [id(g) for g in hamiltonian.ground_states] != [id(g) for g in ground_states]:
        raise InputError("the Hamiltonian must be of the same ground states")
    frame_times = grid.frame_times_fs / AU_TIME_FS
    fixed_step = propagator is not None and not isinstance(propagator, Adaptive | Linear)
    propagator = propagator or Adaptive(dipole_tolerance, float(frame_times[-1]))
    if absorber is not None:
        propagator = Absorbing(propagator, absorber, hamiltonian)
    scheme: dict[str, Any] = {
        "propagator": propagator.describe(), "dt_fs": grid.dt_fs, "steps": grid.steps, "save_every": grid.save_every,
    }  # fmt: skip
    identity = _identity(scheme, acting, ground_states, grid)
    first = 0  # number of frames that are there
    if before is not None:
        check_lengthening(before, grid, propagator, acting[0].at(grid.times_fs))
        first = len(before.times_fs)
        identity["frames_before"] = first
    keeper = Checkpoint(
        options.get("checkpoint"), options.get("checkpoint_seconds", SECONDS_BETWEEN), identity, ground_states
    )
    drive = _drive(acting, hamiltonian.device)
    now = keeper.load(hamiltonian.device)
    builds_before, started = hamiltonian.builds - now.builds, started - now.seconds
    state, frames = now.state, list(now.frames)
    if first + len(frames) > len(frame_times):
        raise InputError(f"{keeper.path} holds {first + len(frames)} frames, more than the {len(frame_times)} to make")
    if state is None and before is not None:
        state = state_to_lengthen(before, ground_states[0], hamiltonian.device)
    elif state is None:
        state = initial_state(hamiltonian, propagator, np.array([f.impulse_au for f in acting]))
        frames.append(_observe(hamiltonian, propagator, state))
    for number in range(first + len(frames), len(frame_times)):
        start, end = frame_times[number - 1 : number + 1]
        marks = np.linspace(start, end, grid.save_every + 1)[1:] if fixed_step else _stops(acting, start, end)
        for mark in marks:
            state = propagator.advance(hamiltonian, drive, state, float(mark))
        frames.append(_observe(hamiltonian, propagator, state))
        now = PropagationState(state, frames, hamiltonian.builds - builds_before, time.perf_counter() - started)
        keeper.maybe_save(now)
        if progress is not None:
            progress(number * grid.save_every, grid.steps)
        if stop is not None and stop() and number + 1 < len(frame_times):
            keeper.save(now)
            raise StoppedError(f"stopped after frame {number} of {len(frame_times) - 1}")
    keeper.save(now)
    provenance = Provenance(
        **scheme,
        absorber=None if absorber is None else absorber.model_dump(),
        versions=package_versions(),
        device=str(hamiltonian.device),
        batch=len(ground_states),
        fock_builds=hamiltonian.builds - builds_before,
        wall_seconds=round(time.perf_counter() - started, 3),
    )
    precision = options.get("precision", PRECISIONS[0])
    made = [
        assemble(g, f, [frame.of_molecule(i, g) for frame in frames], grid, provenance, precision=precision)
        for i, (g, f) in enumerate(zip(ground_states, acting, strict=True))
    ]
    if options.get("keep_state", True):
        lasts = [last_state_of(propagator, state, i, g) for i, g in enumerate(ground_states)]
        made = [trajectory.replace(last_state=last) for trajectory, last in zip(made, lasts, strict=True)]
    return made if before is None else [joined(before, made[0])]


def _check(ground_states: Sequence[GroundState], fields: Sequence[Field], options: RunOptions) -> None:
    if unknown := set(options) - set(RunOptions.__annotations__):
        raise TypeError(
            f"unexpected keyword {', '.join(sorted(unknown))}; known: {', '.join(RunOptions.__annotations__)}"
        )
    if (precision := options.get("precision", PRECISIONS[0])) not in PRECISIONS:
        raise InputError(f"precision {precision!r}: choose one of {', '.join(PRECISIONS)}")
    if options.get("before") is not None and len(ground_states) != 1:
        raise InputError("one trajectory is lengthened at a time; a batch takes no 'before'")
    if not ground_states or len(fields) != len(ground_states):
        raise InputError(
            f"{len(ground_states)} ground states and {len(fields)} fields: give one field per ground state"
        )


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


def _observe(hamiltonian: Hamiltonian, propagator: Propagator, state: State) -> Frame:
    occupied = propagator.orbitals(state)
    dipole = hamiltonian.electronic_dipole_au(occupied)
    return Frame(occupied.cpu().numpy(), dipole.cpu().numpy(), state.energy.cpu().numpy())


def _identity(
    scheme: dict[str, Any], fields: Sequence[Field], ground_states: Sequence[GroundState], grid: TimeGrid
) -> dict[str, Any]:
    """What must be equal for a checkpoint to be continued; a field without parameters goes by its values."""
    described = [
        field_to_dict(f)
        if has_parameters(f)
        else {"custom": type(f).__name__, "fingerprint": CustomField(f).fingerprint(grid.times_fs)}
        for f in fields
    ]
    molecules = [
        {
            "name": g.molecule.name,
            "charge": g.molecule.charge,
            **({"multiplicity": g.molecule.multiplicity} if g.open_shell else {}),
            **({"ghosts": list(g.molecule.ghosts)} if g.molecule.ghosts else {}),
            "numbers": g.molecule.numbers.tolist(),
            "positions_angstrom": g.molecule.positions_angstrom.tolist(),
            "method": g.method.model_dump(mode="json"),
        }
        for g in ground_states
    ]
    return {**scheme, "fields": described, "molecules": molecules}
