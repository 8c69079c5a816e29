"""The one reader of pickles: NumPy arrays, SciPy sparse matrices and built-in containers, nothing else.

Planetoid's files exist only as pickles. They are taken apart here without calling anything that they name: classes are
looked up in a short list and replaced by records, from whose raw bytes the arrays are made after checks.
"""

from __future__ import annotations

import io
import pickle
import pickletools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csc_matrix, csr_matrix

from graphlearn.base.errors import InputError, first_line

# What neither calls, nor imports by a number, nor reserves memory for more than the file holds.
_MEMO = ("PUT", "BINPUT", "LONG_BINPUT")
_REFUSED = ("PERSID", "BINPERSID", "EXT1", "EXT2", "EXT4", "INST", "OBJ", "NEWOBJ_EX", "BYTEARRAY8", "NEXT_BUFFER")
_KINDS = "biuf"
_DAMAGED = (
    pickle.UnpicklingError, ValueError, TypeError, KeyError, IndexError, AttributeError, EOFError, MemoryError,
    OverflowError, RecursionError,
)  # fmt: skip


class _Record:
    """What stands in for a class of NumPy or SciPy: the arguments and the state that the file gives."""

    arguments: tuple[Any, ...] = ()
    state: Any = None

    def __init__(self, *arguments: Any) -> None:
        self.arguments = arguments

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Array(_Record):
    """``numpy.ndarray``."""


class _Dtype(_Record):
    """``numpy.dtype``."""


class _Rows(_Record):
    """``scipy.sparse.csr_matrix``."""


class _Columns(_Record):
    """``scipy.sparse.csc_matrix``."""


def _empty_array(*_: Any) -> _Array:
    """``numpy.core.multiarray._reconstruct``."""
    return _Array()


def _sparse_matrix(kind: type, *_: Any) -> Any:
    """``copyreg._reconstructor``, for sparse matrices alone."""
    if kind not in (_Rows, _Columns):
        raise pickle.UnpicklingError("it makes an object that is no sparse matrix")
    return kind()


def _empty_list() -> list[Any]:
    """``list``, which would take any amount of memory for some arguments."""
    return []


def _empty_dict(_: Any = None) -> dict[Any, Any]:
    """``collections.defaultdict``, without the function that makes its values."""
    return {}


ALLOWED: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy.core.multiarray", "_reconstruct"): _empty_array,
    ("numpy._core.multiarray", "_reconstruct"): _empty_array,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Dtype,
    ("scipy.sparse.csr", "csr_matrix"): _Rows,
    ("scipy.sparse._csr", "csr_matrix"): _Rows,
    ("scipy.sparse.csc", "csc_matrix"): _Columns,
    ("scipy.sparse._csc", "csc_matrix"): _Columns,
    ("collections", "defaultdict"): _empty_dict,
    ("builtins", "list"): _empty_list,
    ("__builtin__", "list"): _empty_list,
    ("builtins", "object"): _Record,
    ("__builtin__", "object"): _Record,
    ("copyreg", "_reconstructor"): _sparse_matrix,
    ("copy_reg", "_reconstructor"): _sparse_matrix,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """The stand-in of a class on the list."""
        if (module, name) not in ALLOWED:
            raise InputError(f"it names {module}.{name}, and only arrays, sparse matrices and containers are read")
        return ALLOWED[module, name]


def read_array_pickle(data: bytes, where: Path | str) -> Any:
    """Content of a pickle that holds a NumPy array, a SciPy sparse matrix, or built-in containers of numbers and text.

    Args:
        data: Bytes of the file.
        where: Name of the file, for messages.

    Returns:
        The content.

    Raises:
        InputError: if it names anything else (which is not imported), or is damaged.
    """
    try:
        for opcode, argument, _ in pickletools.genops(data):
            if opcode.name in _REFUSED or (opcode.name in _MEMO and int(argument or 0) > len(data)):
                raise pickle.UnpicklingError(f"{opcode.name} does not belong into a file of arrays")
        return _value(_Unpickler(io.BytesIO(data), encoding="latin1").load())
    except InputError as error:
        raise InputError(f"{where}: this pickle is not read: {error}") from None
    except _DAMAGED as error:
        reason = first_line(error)
        raise InputError(f"{where}: not readable as a pickle of arrays ({reason}); fetch it again") from None


def _value(content: Any) -> Any:
    if isinstance(content, _Array):
        return _array(content)
    if isinstance(content, _Rows | _Columns):
        return _matrix(content)
    return content


def _array(record: Any) -> np.ndarray:
    if not isinstance(record, _Array):
        raise ValueError("an array is expected")
    _, shape, dtype, by_columns, raw = record.state
    raw = raw.encode("latin1") if isinstance(raw, str) else raw
    flat = np.frombuffer(raw, _dtype(dtype))
    shape = tuple(int(n) for n in shape)
    if min(shape, default=0) < 0:
        raise ValueError(f"an array of shape {shape}")
    return flat.reshape(shape, order="F" if by_columns else "C")


def _dtype(record: Any) -> np.dtype:
    if not isinstance(record, _Dtype):
        raise ValueError("a type of numbers is expected")
    code, order = str(record.arguments[0]), str(record.state[1])
    if code[:1] not in _KINDS or not code[1:].isdecimal() or order not in "<>|=":
        raise ValueError(f"arrays of {code!r} are not read")
    return np.dtype(order + code)


def _matrix(record: _Record) -> csr_matrix | csc_matrix:
    state = record.state
    data, indices, indptr = (_array(state[name]) for name in ("data", "indices", "indptr"))
    shape = state["_shape"] if "_shape" in state else state["shape"]
    kind = csr_matrix if isinstance(record, _Rows) else csc_matrix
    rows, columns = (int(n) for n in shape)
    matrix = kind((data, indices, indptr), shape=(rows, columns))
    matrix.check_format(full_check=True)
    return matrix
