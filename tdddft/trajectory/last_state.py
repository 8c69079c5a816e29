"""The state at the end of a propagation, kept in the trajectory file so that the run can be lengthened."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from graphlearn.base.errors import ContractError, InputError
from graphlearn.base.hdf5 import Kind, attribute, check_dataset, open_hdf5, read_dataset

GROUP = "last_state"
ARRAYS: dict[str, tuple[Kind, tuple[str | int, ...]]] = {
    "orbitals": ("real", ("A", "M")),
    "occupied": ("complex", ("M", "S")),
    "response": ("real or complex", ("M", "M")),
    "energy": ("real", ()),
    "span_au": ("real", ()),
    "past_times_au": ("real", ("P",)),
    "past": ("real or complex", ("P", "M", "M")),
}
OPTIONAL = ("response", "span_au", "past_times_au", "past")
NUMBERS: dict[str, type] = {"time_au": float, "step_au": float, "substep_au": float, "unchecked": int}


@dataclass(frozen=True, eq=False)
class LastState:
    """What a propagation goes on from, see :class:`tdddft.propagation.schemes.State`.

    Args:
        scheme: Name of the scheme and its parameters.
        numbers: Its time, steps and counters.
        arrays: The orbitals of the ground state that the others refer to, float64 [A, M]; the occupied ones,
            complex128 [M, S]; the response of the Fock matrix [M, M]; the energy above the ground state; and, where the
            scheme has them, the largest induced dipole and the matrices [P, M, M] and times [P] that it extrapolates
            from. Atomic units. In an open shell the first axis of orbitals and matrices, of the past ones the second,
            is that of alpha and beta.
    """

    scheme: Mapping[str, Any]
    numbers: Mapping[str, Any]
    arrays: Mapping[str, np.ndarray]


def write_last_state(file: h5py.File, state: LastState) -> None:
    """Write a state into an open trajectory file.

    Args:
        file: The file.
        state: What to write.
    """
    group = file.create_group(GROUP)
    group.attrs["info"] = json.dumps({**state.numbers, "scheme": dict(state.scheme)}, sort_keys=True)
    for name, array in state.arrays.items():
        group.create_dataset(name, data=array)


def has_last_state(path: Path) -> bool:
    """Whether a trajectory file holds the state that a longer run goes on from; no other process looks at it first."""
    try:
        with open_hdf5(path, examined=True) as file:
            return GROUP in file
    except (ContractError, InputError):
        return False


def read_last_state(path: Path) -> LastState:
    """The state at the end of a stored trajectory.

    Args:
        path: The trajectory file.

    Returns:
        The state.

    Raises:
        InputError: if the file is missing, or holds none.
        ContractError: if it is damaged.
    """
    with open_hdf5(path) as file:
        if GROUP not in file:
            raise InputError(
                f"{path} holds no state to go on from: it was made by an earlier version, with keep_state false, of an "
                "open shell, or by a model; generate it again with more steps"
            )
        sizes: dict[str, int] = {}
        arrays = {}
        open_shell = np.ndim(file[GROUP]["orbitals"]) > 2
        for name, (kind, shape) in ARRAYS.items():
            if name in OPTIONAL and name not in file[GROUP]:
                continue
            if open_shell and len(shape) > 1:
                shape = (*shape[:-2], 2, *shape[-2:])
            check_dataset(file, f"{GROUP}/{name}", kind, shape, sizes)
            arrays[name] = read_dataset(file, f"{GROUP}/{name}")
        data = json.loads(attribute(file[GROUP], "info", str))
        numbers = {name: kind(data[name]) for name, kind in NUMBERS.items()}
        scheme = dict(data["scheme"])
        if not all(np.isfinite(array).all() for array in (*arrays.values(), np.array([*numbers.values()]))):
            raise ContractError(f"{path}: {GROUP} holds NaN or infinite numbers")
        if ("past" in arrays) != ("past_times_au" in arrays):
            raise ContractError(f"{path}: past matrices and their times go together")
    return LastState(scheme, numbers, arrays)
