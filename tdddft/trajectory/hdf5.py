"""Reading and writing the trajectory file, HDF5."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from pydantic import ValidationError

from graphlearn.base.errors import ContractError, InputError
from graphlearn.base.files import replace_hdf5
from graphlearn.base.hdf5 import attribute, check_dataset, open_hdf5, read_dataset
from tdddft.trajectory.contract import ARRAYS, StoredArray, Trajectory
from tdddft.trajectory.last_state import write_last_state
from tdddft.trajectory.metadata import (
    FieldInfo,
    GroundStateInfo,
    Metadata,
    MethodInfo,
    MoleculeInfo,
    Provenance,
    first_error,
)
from tdddft.trajectory.upgrades import SCHEMA_VERSION, UPGRADES, Groups, upgrade
from tdddft.trajectory.validation import check_values

FORMAT = "tdddft-trajectory"
GROUPS: dict[str, type[Metadata]] = {
    "molecule": MoleculeInfo, "method": MethodInfo, "ground_state": GroundStateInfo, "provenance": Provenance,
}  # fmt: skip


def write_trajectory(path: str | os.PathLike[str], trajectory: Trajectory) -> Path:
    """Write a trajectory under a temporary name in the same folder, flush it to disk, and rename it.

    Args:
        path: The file.
        trajectory: What it will hold.

    Returns:
        The path.

    Raises:
        InputError: if the folder cannot be written.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_hdf5(path, lambda file: _fill(file, trajectory))
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}; choose a folder you can write to") from None
    return path


def read_trajectory(
    path: str | os.PathLike[str], *, frames: int | None = None, finite: bool = True, examined: bool = False
) -> Trajectory:
    """Read a trajectory file of any version.

    Args:
        path: The file.
        frames: Read only the first frames; all by default.
        finite: Refuse NaN and infinite numbers; False leaves it to :func:`tdddft.validate` to find them.
        examined: Whether the file was looked at before, see :func:`graphlearn.base.hdf5.open_hdf5`.

    Returns:
        The trajectory.

    Raises:
        InputError: if the file is missing.
        ContractError: if it is not a trajectory, of a later schema version, damaged, or at odds with the contract.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: there is no such file")
    with open_hdf5(path, examined=examined) as file:
        version = _version(file)
        _check_arrays(file)
        kind, metadata = attribute(file, "kind", str), _read_metadata(file, version)
        first = slice(frames)
        arrays: dict[str, Any] = {
            n: read_dataset(file, a.path, first if a.shape[0] == "F" else None) for n, a in _stored(file).items()
        }
        trajectory = Trajectory(**arrays, **metadata, kind=kind)
        check_values(trajectory, path, finite=finite)
    return trajectory


def read_frames(path: str | os.PathLike[str], start: int, stop: int, *, examined: bool = False) -> np.ndarray:
    """Orbitals of frames start to stop of a trajectory file; only they are read.

    Args:
        path: The file.
        start: First frame.
        stop: Frame after the last one.
        examined: Whether the file was looked at before, see :func:`graphlearn.base.hdf5.open_hdf5`.

    Returns:
        Complex [stop - start, S, A].

    Raises:
        InputError: if the file is missing.
        ContractError: if the file is damaged or has no such frames.
    """
    path = Path(path)
    with open_hdf5(path, examined=examined) as file:
        number = count_frames(file)
        if not 0 <= start < stop <= number:
            raise ContractError(f"{path}: holds {number} frames, not {start} to {stop}")
        return read_dataset(file, ARRAYS["frame_coefficients"].path, slice(start, stop))


def count_frames(file: h5py.File) -> int:
    """Frames of an open trajectory file; ContractError where its arrays are at odds with the contract."""
    _version(file)
    return _check_arrays(file)["F"]


def _fill(file: h5py.File, trajectory: Trajectory) -> None:
    file.attrs.update(format=FORMAT, schema_version=SCHEMA_VERSION, kind=trajectory.kind)
    for name, stored in ARRAYS.items():
        if not (stored.only and getattr(trajectory, name) is None):
            file.create_dataset(stored.path, data=getattr(trajectory, name))
    for group in (*GROUPS, "field"):
        data = getattr(trajectory, group).to_dict()
        file.require_group(group).attrs["info"] = json.dumps(data, sort_keys=True)
    if trajectory.last_state is not None:
        write_last_state(file, trajectory.last_state)


def _version(file: h5py.File) -> int:
    """Schema version of an open file; ContractError unless it is a trajectory of one that this code reads."""
    named = file.attrs.get("format")
    if not isinstance(named, str | bytes) or named not in (FORMAT, FORMAT.encode()):
        raise ContractError(f"{file.filename}: an HDF5 file, but not a tdddft trajectory")
    version: int = attribute(file, "schema_version", int)
    if version != SCHEMA_VERSION and version not in UPGRADES:
        raise ContractError(
            f"{file.filename}: trajectory schema version {version}, this tdddft reads versions up to "
            f"{SCHEMA_VERSION}; use the tdddft version that wrote it, or generate it again"
        )
    return version


def _check_arrays(file: h5py.File) -> dict[str, int]:
    """Lengths by letter of an open file; ContractError unless all arrays have the types and shapes of the contract."""
    sizes: dict[str, int] = {}
    for stored in _stored(file).values():
        check_dataset(file, stored.path, stored.kind, stored.shape, sizes)
    return sizes


def _stored(file: h5py.File) -> dict[str, StoredArray]:
    """The arrays that a file has to hold: those of open shells, or of an absorber, only where one of them is there."""
    kinds = {"", *(stored.only for stored in ARRAYS.values() if stored.path in file)}
    return {name: stored for name, stored in ARRAYS.items() if stored.only in kinds}


def _read_metadata(file: h5py.File, version: int) -> dict[str, Any]:
    """Metadata by attribute of :class:`Trajectory`; ContractError that names the key that is wrong."""
    groups = upgrade(_json_of_groups(file), version)
    found: dict[str, Any] = {}
    for name, kind in GROUPS.items():
        try:
            found[name] = kind.model_validate(groups.get(name, {}))
        except (ValidationError, RecursionError) as error:
            why = first_error(error) if isinstance(error, ValidationError) else "nested too deep"
            raise ContractError(f"{file.filename}: {name}: {why}") from None
    try:
        found["field"] = FieldInfo.from_dict(groups.get("field", {}))
        _try_field(found["field"], read_dataset(file, ARRAYS["field_times_fs"].path, slice(1)))
    except (InputError, TypeError, ValueError, AttributeError, KeyError, ArithmeticError, RecursionError) as error:
        raise ContractError(f"{file.filename}: the parameters of the field are not readable ({error})") from None
    return found


def _try_field(field: FieldInfo, time_fs: np.ndarray) -> None:
    values = np.zeros((1, 3)) if field.source is None else np.asarray(field.source.at(time_fs), dtype=np.float64)
    if values.shape != (1, 3):
        raise InputError(f"it has {values.shape} values at one time")


def _json_of_groups(file: h5py.File) -> Groups:
    groups = {}
    for name, group in file.items():
        if "info" not in group.attrs:
            continue
        try:
            data = json.loads(attribute(group, "info", str))
        except (ValueError, RecursionError):
            data = None
        if not isinstance(data, dict):
            raise ContractError(f"{file.filename}: attribute 'info' of /{name} is not a JSON object")
        groups[name] = data
    return groups
