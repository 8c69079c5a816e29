"""What a trajectory file holds: path, type and shape of each array, and the facts beside them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from graphlearn.base.errors import ContractError, InputError
from graphlearn.base.hdf5 import Kind, attribute, check_dataset, read_dataset
from tdddft.fields.serialization import field_from_dict
from tdddft.molecules.molecule import SYMBOLS

if TYPE_CHECKING:
    from tdddft.trajectory.trajectory import Trajectory

LARGEST_L = 7
KINDS = ("simulated", "predicted")


@dataclass(frozen=True)
class Stored:
    """Where and how an array is stored.

    Args:
        path: Path inside the file.
        kind: Kind of its numbers.
        shape: Lengths, or letters: N atoms, A atomic orbitals, S occupied orbitals, F frames, T field samples.
    """

    path: str
    kind: Kind
    shape: tuple[str | int, ...]


ARRAYS = {
    "numbers": Stored("molecule/numbers", "integer", ("N",)),
    "positions_angstrom": Stored("molecule/positions_angstrom", "real", ("N", 3)),
    "ao_table": Stored("basis/ao_table", "integer", ("A", 4)),
    "overlap": Stored("ground_state/overlap", "real", ("A", "A")),
    "dipole_ao_au": Stored("ground_state/dipole_ao_au", "real", (3, "A", "A")),
    "origin_au": Stored("ground_state/origin_au", "real", (3,)),
    "fock_hartree": Stored("ground_state/fock_hartree", "real", ("A", "A")),
    "coefficients": Stored("ground_state/coefficients", "real", ("S", "A")),
    "energies_hartree": Stored("ground_state/energies_hartree", "real", ("S",)),
    "occupations": Stored("ground_state/occupations", "real", ("S",)),
    "field_times_fs": Stored("field/times_fs", "real", ("T",)),
    "field_au": Stored("field/field_au", "real", ("T", 3)),
    "field_impulse_au": Stored("field/impulse_au", "real", (3,)),
    "times_fs": Stored("frames/times_fs", "real", ("F",)),
    "frame_coefficients": Stored("frames/coefficients", "complex", ("F", "S", "A")),
    "dipole_au": Stored("frames/dipole_au", "real", ("F", 3)),
    "energy_hartree": Stored("frames/energy_hartree", "real", ("F",)),
    "norm_error": Stored("frames/norm_error", "real", ("F",)),
}


def check_arrays(file: h5py.File) -> dict[str, int]:
    """Lengths by letter of an open file whose arrays have the types and shapes of the contract.

    Raises:
        ContractError: if one is missing, or of another type or shape, or empty.
    """
    sizes: dict[str, int] = {}
    for stored in ARRAYS.values():
        check_dataset(file, stored.path, stored.kind, stored.shape, sizes)
    return sizes


def read_arrays(file: h5py.File, frames: int | None = None) -> dict[str, np.ndarray]:
    """The arrays of a file that :func:`check_arrays` has passed, those of the first frames alone where it is asked."""
    first = slice(frames)
    return {n: read_dataset(file, a.path, first if a.shape[0] == "F" else None) for n, a in ARRAYS.items()}


def read_facts(file: h5py.File) -> dict[str, dict[str, Any]]:
    """Facts by group, each a JSON object in the attribute ``info``; ContractError where one is not."""
    facts = {}
    for name, group in file.items():
        if "info" not in group.attrs:
            continue
        try:
            found = json.loads(attribute(group, "info", str))
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise ContractError(f"{file.filename}: attribute 'info' of /{name} is not a JSON object")
        facts[name] = found
    return facts


def check_numbers(t: Trajectory, path: Path, *, finite: bool) -> None:
    """ContractError unless the values of a trajectory make sense together.

    Args:
        t: The trajectory, of the right types and shapes.
        path: Where it came from, for messages.
        finite: Whether NaN and infinite numbers are refused.
    """
    if t.kind not in KINDS:
        raise ContractError(f"{path}: attribute 'kind' is {t.kind[:40]!r}, expected {' or '.join(KINDS)}")
    if t.numbers.min() < 1 or t.numbers.max() >= len(SYMBOLS):
        raise ContractError(f"{path}: atomic numbers must lie between 1 and {len(SYMBOLS) - 1}")
    atom, l, radial, m = t.ao_table.T
    fits = (atom >= 0) & (atom < len(t.numbers)) & (l >= 0) & (l <= LARGEST_L) & (radial >= 0) & (np.abs(m) <= l)
    if not fits.all():
        row = int(np.flatnonzero(~fits)[0])
        raise ContractError(f"{path}: row {row} of ao_table, {t.ao_table[row].tolist()}, is no orbital of the molecule")
    if len(np.unique(t.ao_table, axis=0)) < len(t.ao_table):
        raise ContractError(f"{path}: ao_table names an orbital twice")
    if len(t.occupations) > len(t.ao_table):
        raise ContractError(f"{path}: {len(t.occupations)} occupied orbitals, but {len(t.ao_table)} atomic orbitals")
    _check_facts(t, path)
    bad = not_finite(t) if finite else {}
    if bad:
        named = ", ".join(f"{name} ({count})" for name, count in bad.items())
        raise ContractError(f"{path}: NaN or infinite values in {named}; generate it again")


def not_finite(t: Trajectory) -> dict[str, int]:
    """How many NaN and infinite values each array holds; a prediction may be without an energy."""
    left_out = {"energy_hartree"} if t.kind == "predicted" else set()
    counts = {n: int((~np.isfinite(getattr(t, n))).sum()) for n in ARRAYS if n not in left_out}
    return {name: count for name, count in counts.items() if count}


def _check_facts(t: Trajectory, path: Path) -> None:
    molecule, state = t.info.get("molecule", {}), t.info.get("ground_state", {})
    for key, kinds in (("name", (str,)), ("charge", (int,)), ("source", (str,)), ("smiles", (str, type(None)))):
        value = molecule.get(key)
        wrong = type(value) not in kinds or (key == "name" and not str(value).isprintable())
        if value is not None and wrong:
            raise ContractError(f"{path}: {key} of the molecule, {str(value)[:40]!r}, is not what it must be")
    for key, length in (("nuclear_dipole_au", 3), ("ion_charges", len(t.numbers))):
        if key == "nuclear_dipole_au" or key in state:
            _check_vector(state.get(key), length, f"{path}: {key} of ground_state")
    parameters = t.info.get("field", {})
    if "kind" in parameters:
        _check_field(parameters, t, path)


def _check_vector(value: Any, length: int, where: str) -> None:
    numbers = isinstance(value, list) and all(type(v) in (int, float) for v in value)
    if not numbers or len(value) != length or not np.isfinite(np.array(value, dtype=np.float64)).all():
        raise ContractError(f"{where} must be {length} finite numbers")


def _check_field(parameters: Mapping[str, Any], t: Trajectory, path: Path) -> None:
    try:
        values = np.asarray(field_from_dict(parameters).at(t.field_times_fs[:1]), dtype=np.float64)
        if values.shape != (1, 3):
            raise InputError(f"it has {values.shape} values at one time")
    except (InputError, TypeError, ValueError, AttributeError, KeyError, ArithmeticError, RecursionError) as error:
        raise ContractError(f"{path}: the parameters of the field are not readable ({error})") from None
