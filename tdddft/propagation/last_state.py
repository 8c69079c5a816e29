"""From the state of a propagation to what a trajectory keeps of it, and back."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from graphlearn.base.errors import InputError
from tdddft.electronic.ground_state import GroundState
from tdddft.propagation.checkpoint import state_of_arrays, turned
from tdddft.propagation.frames import TimeGrid
from tdddft.propagation.schemes import Propagator, State, scheme_to_dict
from tdddft.trajectory import Trajectory
from tdddft.trajectory.last_state import NUMBERS, LastState
from tdddft.units import AU_TIME_FS

SAME_ENERGY_HARTREE = 1e-6
SAME_OVERLAP = 1e-8
SAME_TIME_AU = 1e-6


def last_state_of(propagator: Propagator, state: State, index: int, ground_state: GroundState) -> LastState:
    """What a trajectory keeps of the state at its end.

    Args:
        propagator: The scheme.
        state: That of the batch.
        index: Place of the molecule in the batch.
        ground_state: That of the molecule.

    Returns:
        Its own part of the state, without padding.
    """
    channels = ground_state.channels
    spins, m, s = len(channels), channels[0].orbitals.shape[1], max(c.num_occupied for c in channels)

    def own(tensor: torch.Tensor, columns: int) -> np.ndarray:
        rows = tensor[spins * index : spins * (index + 1), :m, :columns].cpu().numpy()
        return rows if spins > 1 else rows[0]

    orbitals = np.array([channel.orbitals for channel in channels])
    arrays = {
        "orbitals": orbitals if spins > 1 else orbitals[0],
        "occupied": own(state.occupied, s),
        "energy": state.energy[index].cpu().numpy(),
    }
    if state.response.any():
        arrays["response"] = own(state.response, m)
    if state.span_au is not None:
        arrays["span_au"] = state.span_au[index].cpu().numpy()
    if state.past:
        arrays["past_times_au"] = np.array([time for time, _ in state.past])
        arrays["past"] = np.array([own(matrix, m) for _, matrix in state.past])
    return LastState(scheme_to_dict(propagator), {name: getattr(state, name) for name in NUMBERS}, arrays)


def state_to_lengthen(before: Trajectory, ground_state: GroundState, device: torch.device) -> State:
    """The state at the end of a finished trajectory, in the orbitals of its ground state as it is solved now.

    Args:
        before: The trajectory, with its last state.
        ground_state: Of the same molecule and level of theory.
        device: Where the tensors of the state are put.

    Returns:
        The state of a batch of one.

    Raises:
        InputError: if the trajectory has no last state, or another ground state.
    """
    kept = before.last_state
    if kept is None:
        raise InputError(f"{before.name}: the trajectory holds no state to go on from")
    energies = before.ground_state.energy_hartree, ground_state.energy_hartree
    overlaps = before.overlap, ground_state.overlap
    same = (
        energies[0] is not None
        and abs(energies[0] - energies[1]) < SAME_ENERGY_HARTREE
        and overlaps[0].shape == overlaps[1].shape
        and float(np.abs(overlaps[0] - overlaps[1]).max()) < SAME_OVERLAP
    )
    channels = ground_state.channels
    orbitals = np.array([channel.orbitals for channel in channels])
    if not same or kept.arrays["orbitals"].shape != (orbitals.shape if len(channels) > 1 else orbitals.shape[1:]):
        raise InputError(
            f"{before.name}: the ground state of the trajectory ({energies[0]} hartree) is another than that to go on "
            f"with ({energies[1]} hartree)"
        )
    size = orbitals.shape[2]
    arrays = {"response": np.zeros((len(channels), size, size)), **_rows(kept.arrays, len(channels))}
    found = turned(arrays, list(arrays["orbitals"]), [ground_state])
    if found is None:
        raise InputError(f"{before.name}: the orbitals of the trajectory do not span those of its ground state")
    return state_of_arrays(found, kept.numbers, device)


def _rows(arrays: Mapping[str, np.ndarray], spins: int) -> dict[str, np.ndarray]:
    """The arrays as those of a batch of one molecule, whose rows are its spins."""
    molecule = {name: arrays[name][None] for name in ("energy", "span_au") if name in arrays}
    if spins > 1:
        return {**arrays, **molecule}
    rows = {name: arrays[name][None] for name in ("orbitals", "occupied", "response") if name in arrays}
    past = {"past": arrays["past"][:, None]} if "past" in arrays else {}
    return {**arrays, **molecule, **rows, **past}


def check_lengthening(before: Trajectory, grid: TimeGrid, propagator: Propagator, field_au: np.ndarray) -> None:
    """Refuse to lengthen a trajectory by a run that is not its continuation.

    Args:
        before: The finished trajectory.
        grid: Times of the whole.
        propagator: The scheme of the rest.
        field_au: Samples of the field at the times of the whole, float64 [T, 3].

    Raises:
        InputError: that names what differs.
    """
    made, frames, samples = before.provenance, len(before.times_fs), len(before.field_times_fs)
    steps = (samples - 1, grid.save_every, grid.dt_fs)
    last = before.last_state
    if grid.steps <= steps[0]:
        why = f"it has {steps[0]} steps, and {grid.steps} are not more"
        raise InputError(f"{before.name}: the trajectory cannot be lengthened: {why}")
    rules = (
        (before.kind == "simulated", "it is a prediction"),
        (steps[0] == (frames - 1) * grid.save_every, f"its frames are not {grid.save_every} steps apart"),
        (
            bool(np.allclose(before.field_times_fs, grid.times_fs[:samples], rtol=1e-9, atol=1e-12)),
            f"its steps are not of {grid.dt_fs:g} fs",
        ),
        (
            made.propagator == propagator.describe(),
            f"it was propagated by another scheme ({made.propagator}, not {propagator.describe()})",
        ),
        (
            bool(np.allclose(before.field_au, field_au[:samples], rtol=1e-9, atol=1e-14)),
            "another field acts on it",
        ),
        (
            last is not None and abs(float(last.numbers["time_au"]) - before.times_fs[-1] / AU_TIME_FS) < SAME_TIME_AU,
            "it holds no state of its last frame",
        ),
    )
    for holds, why in rules:
        if not holds:
            raise InputError(f"{before.name}: the trajectory cannot be lengthened: {why}")


def joined(before: Trajectory, rest: Trajectory) -> Trajectory:
    """A trajectory and the frames that follow it.

    Args:
        before: The first part.
        rest: The further frames, with the times and the field of the whole.

    Returns:
        The whole; its ground state is that of the first part.
    """
    names = ("frame_coefficients", "dipole_au", "energy_hartree", "norm_error", "ionised_charge")
    held = [name for name in names if getattr(rest, name) is not None]
    arrays = {name: np.concatenate([getattr(before, name), getattr(rest, name)]) for name in held}
    made, steps = before.provenance, len(before.field_times_fs) - 1
    provenance = rest.provenance.model_copy(
        update={
            "lengthened_at": (*made.lengthened_at, steps),
            "fock_builds": (made.fock_builds or 0) + (rest.provenance.fock_builds or 0),
            "wall_seconds": round((made.wall_seconds or 0.0) + (rest.provenance.wall_seconds or 0.0), 3),
        }
    )
    return before.replace(
        field_times_fs=rest.field_times_fs, field_au=rest.field_au, times_fs=rest.times_fs, provenance=provenance,
        last_state=rest.last_state, **arrays,
    )  # fmt: skip
