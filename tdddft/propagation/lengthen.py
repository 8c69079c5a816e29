"""Lengthening a finished trajectory: it goes on from its last state."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Unpack

from graphlearn.base.errors import InputError
from tdddft.electronic.absorber import Absorber
from tdddft.electronic.ground_state import ground_state
from tdddft.fields.custom import FieldLike
from tdddft.propagation.propagate import propagate
from tdddft.propagation.run_options import RunOptions
from tdddft.propagation.schemes import Adaptive, Propagator, scheme_of_dict
from tdddft.trajectory import Trajectory, level_of_theory, read_trajectory
from tdddft.trajectory.last_state import read_last_state


def lengthen(
    trajectory: Trajectory | str | os.PathLike[str],
    steps: int,
    *,
    field: FieldLike | None = None,
    propagator: Propagator | None = None,
    **options: Unpack[RunOptions],
) -> Trajectory:
    """A trajectory with more steps, as if it had been computed in one piece.

    The ground state is solved again, unless a ``hamiltonian`` of it is passed; the frames that are there are kept as
    they are, and the run goes on from the state at their end. Schemes of fixed steps and
    :class:`tdddft.propagation.schemes.Linear` give the numbers of the long run.
    :class:`tdddft.propagation.schemes.Adaptive` spreads its tolerance evenly over the duration that it knows: the first
    part has spent it over its own, so that the whole may be off by up to twice the tolerance.

    Args:
        trajectory: What :func:`tdddft.propagate` returned, or a file of it.
        steps: Steps of the whole trajectory.
        field: The field, where the file cannot hold it: one of your own.
        propagator: The scheme, where it is one of your own.
        **options: As for :func:`tdddft.propagate`; the precision is that of the trajectory.

    Returns:
        The whole trajectory.

    Raises:
        InputError: for a trajectory without a last state, with as many steps or more, or of a field or scheme of the
            user's own that is not given; for anything that differs from the first part.
        StoppedError: when ``stop`` returns true.
    """
    if not isinstance(trajectory, Trajectory):
        path = Path(trajectory)
        trajectory = read_trajectory(path).replace(last_state=read_last_state(path))
    made, last = trajectory.provenance, trajectory.last_state
    if last is None:
        raise InputError(f"{trajectory.name}: the trajectory holds no state to go on from")
    if made.dt_fs is None or made.save_every is None:
        raise InputError(f"{trajectory.name}: the trajectory does not say how long its steps are")
    acting = trajectory.field.source if field is None else field
    if acting is None:
        raise InputError(f"{trajectory.name}: the field is one of your own, which no file can hold; pass field=...")
    scheme = scheme_of_dict(last.scheme) if propagator is None else propagator
    if scheme is None:
        raise InputError(f"{trajectory.name}: the scheme ({made.propagator}) is one of your own; pass propagator=...")
    options.setdefault("precision", trajectory.frame_coefficients.dtype.name)
    options["before"] = trajectory
    hamiltonian = options.get("hamiltonian")
    state = hamiltonian.ground_states[0] if hamiltonian else ground_state(*level_of_theory(trajectory))
    times: dict[str, Any] = {"steps": steps, "dt_fs": made.dt_fs, "save_every": made.save_every}
    if made.absorber is not None:
        times["absorber"] = Absorber.model_validate(made.absorber)
    if isinstance(scheme, Adaptive):  # it is made anew, for the new duration
        return propagate(state, acting, **times, dipole_tolerance=scheme.dipole_tolerance, **options)
    return propagate(state, acting, **times, propagator=scheme, **options)
