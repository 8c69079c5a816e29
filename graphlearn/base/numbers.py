"""Numbers as arguments: those of Python and NumPy, and arrays of no dimension."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from graphlearn.base.errors import InputError


def whole_number(name: str, value: Any) -> int:
    """An int from a whole number of any library.

    Args:
        name: Of the argument, for the message.
        value: What was given.

    Returns:
        The number.

    Raises:
        InputError: for anything else, fractions and truth values included.
    """
    try:
        if np.asarray(value).dtype.kind not in "iu":
            raise TypeError
        return operator.index(value)
    except TypeError:
        raise InputError(f"{name} = {value!r} must be a whole number") from None


def one_float(name: str, value: Any) -> float:
    """A float from a real number of any library.

    Args:
        name: Of the argument, for the message.
        value: What was given.

    Returns:
        The number.

    Raises:
        InputError: for anything else, several numbers included.
    """
    array = np.asarray(value)
    if array.shape != () or array.dtype.kind not in "iuf":
        raise InputError(f"{name} = {value!r} must be one number")
    return float(array)
