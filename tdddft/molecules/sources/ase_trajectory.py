"""ASE's trajectories: JSON and plain arrays behind one another.

They are read here and not by ASE, whose reader makes arrays of whatever size the JSON names, and objects of classes
that it names. The form is that of :mod:`ase.io.ulm`: 8 + 16 bytes of names, int64 version, number of frames and place
of their offsets; a frame is the length of its JSON and the JSON, where ``"name.": {"ndarray": [shape, type, offset]}``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from graphlearn.base.errors import InputError
from graphlearn.base.file_names import numbered
from tdddft.molecules.sources.ase_atoms import entry_of_arrays
from tdddft.molecules.sources.entry import Entry

MAGIC = b"- of UlmASE-Trajectory"
_HEADER = 24
_NAMES = {"numbers": "numbers", "positions": "positions", "charges": "initial_charges", "magmoms": "initial_magmoms"}


def read_ase_trajectory(data: bytes, name: str, stem: str) -> Iterator[Entry]:
    """All frames of a ``.traj`` file.

    Args:
        data: Bytes of the unpacked file.
        name: Name of the file, for messages and the source of each molecule.
        stem: Name of the molecules, numbered where there are several.

    Yields:
        What the file says of each molecule, in its order.

    Raises:
        InputError: if it is none, or damaged, or its cell is periodic. The oldest form, a pickle, is refused.
    """
    if not data.startswith(MAGIC):
        raise InputError(f"{name}: not a trajectory of ASE in its present form; write it again with ASE 3.9 or later")
    try:
        _, count, place = _integers(data, _HEADER, 3)
        offsets = _integers(data, place, count)
        first: dict[str, Any] = {}
        for index, (title, offset) in enumerate(zip(numbered(stem, count), offsets, strict=True)):
            (length,) = _integers(data, offset, 1)
            frame = json.loads(_part(data, offset + 8, length))
            first = frame if "numbers." in frame else first
            yield _entry(data, {**first, **frame}, title, f"{name}[{index}]", index)
    except InputError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{name}: damaged trajectory of ASE ({type(error).__name__}: {error})") from None


def _entry(data: bytes, frame: dict[str, Any], title: str, where: str, index: int) -> Entry:
    stored = {ours: frame[f"{theirs}."] for theirs, ours in _NAMES.items() if f"{theirs}." in frame}
    arrays = {name: _array(data, node) for name, node in stored.items()}
    return entry_of_arrays(arrays, frame.get("info", {}), bool(np.any(frame.get("pbc", False))), title, where, index)


def _array(data: bytes, node: dict[str, Any]) -> np.ndarray:
    shape, kind, offset = node["ndarray"]
    dtype = np.dtype(str(kind)).newbyteorder("<")
    if dtype.kind not in "iuf" or not all(isinstance(n, int) and n >= 0 for n in shape):
        raise ValueError(f"an array {shape} of {kind}")
    size = dtype.itemsize
    for extent in shape:
        size *= extent
    return np.frombuffer(_part(data, offset, size), dtype).reshape(shape)


def _integers(data: bytes, offset: int, count: int) -> list[int]:
    return [int(n) for n in np.frombuffer(_part(data, offset, 8 * count), "<i8")]


def _part(data: bytes, offset: int, size: int) -> bytes:
    if not (0 <= offset <= len(data) and 0 <= size <= len(data) - offset):
        raise ValueError("a part lies outside the file")
    return data[offset : offset + size]
