"""The index of a data-set folder: one line of JSON per event. Lines that make no sense are passed over and named."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from graphlearn.base.errors import InputError
from graphlearn.base.plain_data import parse_json
from graphlearn.base.unpacking import read_unpacked

Record = dict[str, Any]
KEYS = {
    "id": "name of the molecule, `_d` and the number of the direction of the field",
    "status": "`done` or `failed`; the last line of an id counts",
    "file": "path of the trajectory below the folder",
    "sha256": "checksum of that file",
    "finished_at": "time, ISO 8601",
    "molecule": "name of the molecule",
    "atoms": "number of atoms",
    "orbitals": "number of atomic orbitals",
    "occupied": "number of occupied orbitals",
    "steps": "steps of the propagation; where it is missing, those of the recipe",
    "scf_solver": "solver that converged the ground state",
    "seconds": "time of the propagation, s",
    "ground_state_seconds": "time of the ground state, s",
    "fock_builds": "Fock builds of the propagation",
    "norm_error": "largest deviation from orthonormality of all frames",
    "error": "of a failed one: what went wrong",
}
LONGEST_ID = 240
LARGEST_COUNT = 1_000_000
_COUNTS = ("atoms", "orbitals", "occupied")
_SECONDS = ("seconds", "ground_state_seconds")
_TEXTS = ("finished_at", "molecule", "error", "sha256")


def is_identifier(text: object) -> bool:
    """Whether a text can be the id of a trajectory: one component of a path that is not hidden, and printable."""
    return (
        isinstance(text, str)
        and 0 < len(text) <= LONGEST_ID
        and text.isprintable()
        and not text.startswith(".")
        and not {"/", "\\"} & set(text)
    )


def molecule_name(identifier: str) -> str:
    """Name of the molecule of an id, ``NAME_d0``."""
    return identifier.rpartition("_d")[0]


def file_of(identifier: str) -> str:
    """Where the file of a trajectory lies below the folder."""
    return f"trajectories/{identifier}.h5"


def read_index(path: Path) -> tuple[list[Record], list[str], list[bytes]]:
    """Records of an index file in order, what is wrong with its other lines, and the good lines as they are."""
    records, bad, good = [], [], []
    for number, line in enumerate(_lines(path), start=1):
        try:
            records.append(_record(line))
            good.append(line)
        except InputError as error:
            bad.append(f"{path.name} line {number}: {error}")
    return records, bad, good


def failed_record(identifier: str, error: Exception) -> Record:
    """Index line of a trajectory that could not be made.

    Args:
        identifier: Id of the trajectory.
        error: Why.

    Returns:
        The record.
    """
    text = f"{type(error).__name__}: {error}"
    return {"id": identifier, "status": "failed", "error": text, "finished_at": timestamp()}


def timestamp() -> str:
    """Now, as ISO time in UTC with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _lines(path: Path) -> Iterator[bytes]:
    content = read_unpacked(path)
    yield from (line for line in content.split(b"\n") if line.strip())


def _record(line: bytes) -> Record:
    """A line as a record; InputError that says why it is none."""
    try:
        record = parse_json(line.decode(), "it")
    except UnicodeDecodeError:
        raise InputError("not text") from None
    except InputError:
        raise InputError("not readable as JSON") from None
    if not isinstance(record, dict):
        raise InputError("not a record")
    if not is_identifier(record.get("id")):
        raise InputError("its id is not the name of a file")
    if record.get("status") not in ("done", "failed"):
        raise InputError("its status is neither done nor failed")
    for key in _TEXTS:
        if not isinstance(record.get(key, ""), str):
            raise InputError(f"its {key} is no text")
    if record["status"] == "done":
        _check_done(record)
    return record


def _check_done(record: Record) -> None:
    if record.get("file") not in (None, "", file_of(record["id"])):
        raise InputError("it names a file elsewhere")
    for key in _COUNTS:
        value = record.get(key, 0)
        if type(value) is not int or not 0 <= value <= LARGEST_COUNT:
            raise InputError(f"its number of {key} makes no sense")
    steps = record.get("steps", 1)
    if type(steps) is not int or steps < 1:
        raise InputError("its number of steps makes no sense")
    for key in _SECONDS:
        value = record.get(key)
        if value is not None and (type(value) not in (int, float) or not math.isfinite(value) or value < 0):
            raise InputError(f"its {key} is no time")
