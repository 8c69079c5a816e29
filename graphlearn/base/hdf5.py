"""The one place where HDF5 files are opened: nothing outside the file is read, and no plug-in runs.

HDF5 can run in circles, take any amount of memory or crash in a damaged file, where no signal and no exception ends it.
Each file is therefore looked at by another process first (:mod:`graphlearn.base.hdf5_examination`), which can be ended.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np

from graphlearn.base.errors import ContractError, InputError, first_line
from graphlearn.base.hdf5_examination import refusals

DAMAGED = (
    OSError, KeyError, RuntimeError, ValueError, TypeError, AttributeError, IndexError, ArithmeticError, MemoryError,
)  # fmt: skip
Kind = Literal["integer", "real", "complex", "real or complex"]
_LETTERS: dict[Kind, str] = {"integer": "iu", "real": "f", "complex": "c", "real or complex": "fc"}
_BYTES = {"i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "f": (4, 8), "c": (8, 16)}


@contextmanager
def open_hdf5(path: Path, *, examined: bool = False) -> Iterator[h5py.File]:
    """Open an HDF5 file for reading; whatever goes wrong in it inside the block is one ContractError.

    Args:
        path: The file.
        examined: Whether this process has read the file before, so that it need not be looked at once more.

    Yields:
        The open file.

    Raises:
        InputError: if there is no such file.
        ContractError: if it is no HDF5 file, damaged, larger inside than
            :func:`graphlearn.base.unpacking.unpacked_limit`, or
            holds what is not read: links that leave the file, external storage, virtual data sets, references and
            other objects, filters that a plug-in would run.
    """
    if not path.is_file():
        raise InputError(f"no such file: {path}")
    reason = "" if examined else next(refusals([path]))
    if reason:
        raise ContractError(f"{path}: {reason}")
    try:
        with h5py.File(str(path), "r") as file:
            yield file
    except (InputError, ContractError):
        raise
    except DAMAGED as error:
        raise ContractError(
            f"{path}: damaged or incomplete ({first_line(error)}); fetch or generate it again"
        ) from None


def check_dataset(file: h5py.File, name: str, kind: Kind, shape: Sequence[str | int], sizes: dict[str, int]) -> None:
    """Check type and shape of an array before anything of it is read.

    Args:
        file: An open file.
        name: Path of the array inside.
        kind: Kind of its numbers.
        shape: Length of each axis, or its letter; an axis of the same letter has the same length everywhere.
        sizes: Lengths by letter; new letters are added. No axis with a letter may be empty.

    Raises:
        ContractError: if the array is not there or differs.
    """
    found = file.get(name)
    if not isinstance(found, h5py.Dataset):
        what = "is missing" if found is None else "is not an array"
        raise ContractError(f"{file.filename}: damaged or incomplete ({name} {what}); fetch or generate it again")
    dtype = found.dtype
    if dtype.kind not in _LETTERS[kind] or dtype.itemsize not in _BYTES[dtype.kind] or found.shape is None:
        raise ContractError(f"{file.filename}: {name} has type {dtype}, expected {kind} numbers")
    if len(found.shape) == len(shape):
        for length, letter in zip(found.shape, shape, strict=True):
            if isinstance(letter, str) and length > 0:
                sizes.setdefault(letter, length)
    expected = tuple(sizes.get(n, n) if isinstance(n, str) else n for n in shape)
    if found.shape != expected:
        text = ", ".join(map(str, expected))
        raise ContractError(f"{file.filename}: {name} has shape {found.shape}, expected ({text})")


def read_dataset(file: h5py.File, name: str, rows: slice | None = None) -> np.ndarray:
    """An array that :func:`check_dataset` has passed, or some rows of it, in the byte order of this machine.

    Args:
        file: The open file.
        name: Path of the array inside.
        rows: Which rows; all by default.


    Returns:
        The values.
    """
    array = np.asarray(file[name][rows or ()])
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def attribute(node: Any, name: str, kind: type) -> Any:
    """A single attribute of this type, str, int or float; ContractError where it is missing or of another type.

    Args:
        node: Group, array or file.
        name: Of the attribute.
        kind: str, int or float.


    Returns:
        Its value.
    """
    value = node.attrs.get(name)
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bytes):
        value = value.decode()
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not kind:
        what = "is missing" if value is None else f"is {type(value).__name__}, expected {kind.__name__}"
        raise ContractError(f"{node.file.filename}: attribute {name!r} of {node.name} {what}")
    return value
