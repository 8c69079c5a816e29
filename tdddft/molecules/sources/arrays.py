"""Frames of one molecule as arrays: the npz files of MD17 and rMD17."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from graphlearn.base.errors import InputError
from graphlearn.base.file_names import numbered
from graphlearn.base.limits import check_atoms
from graphlearn.base.unpacking import load_arrays
from tdddft.molecules.sources.entry import Entry
from tdddft.molecules.sources.stated import Stated, of_properties

_CHARGES = ("charge", "total_charge", "q")


def read_npz(data: bytes, name: str, stem: str) -> Iterator[Entry]:
    """MD17 (``R``, ``z``) and rMD17 (``coords``, ``nuclear_charges``), with ``charge`` if they have it.

    Args:
        data: Bytes of the unpacked file.
        name: Name of the file, for messages and the source of each molecule.
        stem: Name of the molecules, numbered where there are several.

    Yields:
        What the file says of each molecule, in its order.

    Raises:
        InputError: if they hold other arrays, or arrays of another shape.
    """
    arrays = load_arrays(data, name)
    names = ("coords", "nuclear_charges") if "coords" in arrays else ("R", "z")
    absent = [n for n in names if n not in arrays]
    if absent:
        raise InputError(
            f"{name}: not an npz file of MD17 (arrays R, z) or rMD17 (coords, nuclear_charges), it has no {absent[0]}"
        )
    positions, numbers = (arrays[n] for n in names)
    if positions.ndim != 3 or positions.shape[1:] != (numbers.size, 3):
        raise InputError(
            f"{name}: positions have shape {positions.shape}, {numbers.size} atoms need [frames, {numbers.size}, 3]"
        )
    check_atoms(numbers.size, name)
    frames = len(positions)
    for i, (title, frame) in enumerate(zip(numbered(stem, frames), positions, strict=True)):
        yield Entry(title, numbers.ravel(), frame, f"{name}[{i}]", _stated(arrays, i, frames, name), None, i)


def _stated(arrays: Mapping[str, np.ndarray], frame: int, frames: int, name: str) -> Stated:
    stated = Stated()
    for key, array in arrays.items():
        if key.lower() in _CHARGES:
            if array.size not in (1, frames):
                raise InputError(f"{name}: {key} has shape {array.shape}; one charge, or one per frame, is expected")
            stated |= of_properties({key: array.ravel()[frame if array.size == frames else 0]})
    return stated
