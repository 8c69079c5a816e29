"""Fields that users write themselves: a class with three members, or a function of time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from graphlearn.base.errors import InputError
from tdddft.fields.base import Field

FieldLike = Field | Callable[[np.ndarray], Any]
"""A field, or a function of times in fs [T] that returns the field in atomic units [T, 3]."""


@dataclass(frozen=True)
class CustomField:
    """A field of another class than those of this package, or a function; what it returns is checked.

    A file of a trajectory keeps its samples at every step, and its name, but cannot make it again.

    Args:
        source: An object with ``impulse_au``, ``breaks_fs`` and ``at`` (:class:`tdddft.fields.base.Field`), or a
            function of
            times in fs [T] that returns the field in atomic units [T, 3].
    """

    source: Any
    kind: ClassVar[str] = "custom"

    @property
    def name(self) -> str:
        """Name of the class or function."""
        known = self.source if hasattr(self.source, "__qualname__") else type(self.source)
        return f"{known.__module__}.{known.__qualname__}"

    @property
    def impulse_au(self) -> np.ndarray:
        """Impulse that acts at t = 0, float64 [3]; a function has none."""
        if not hasattr(self.source, "at"):
            return np.zeros(3)
        return self._numbers("impulse_au", self.source.impulse_au, (3,))

    @property
    def breaks_fs(self) -> tuple[float, ...]:
        """Times at which the field jumps; a function names none."""
        if not hasattr(self.source, "at"):
            return ()
        return tuple(self._numbers("breaks_fs", list(self.source.breaks_fs), None).tolist())

    def at(self, times_fs: np.ndarray) -> np.ndarray:
        """Field in atomic units, float64 [T, 3], at times in fs [T].

        Args:
            times_fs: Times, float64 [T], fs.

        Returns:
            float64 [T, 3], atomic units.

        Raises:
            InputError: if the source returns something else.
        """
        times = np.asarray(times_fs, dtype=np.float64)
        values = self.source.at(times) if hasattr(self.source, "at") else self.source(times)
        return self._numbers("the field", values, (len(times), 3))

    def fingerprint(self, times_fs: np.ndarray) -> str:
        """Short hash of the field at some times, its impulse and its jumps."""
        content = (self.at(times_fs), self.impulse_au, np.asarray(self.breaks_fs))
        return hashlib.sha256(b"".join(part.tobytes() for part in content)).hexdigest()[:16]

    def _numbers(self, what: str, values: object, shape: tuple[int, ...] | None) -> np.ndarray:
        array = np.asarray(values)
        array = array.astype(np.float64) if array.size == 0 else array
        shape = (array.size,) if shape is None else shape
        if array.dtype.kind not in "iuf" or array.shape != shape or not np.isfinite(array).all():
            raise InputError(
                f"{self.name}: {what} must be finite real numbers of shape {list(shape)}, not {array.dtype} "
                f"{list(array.shape)}"
            )
        return array.astype(np.float64)


def as_field(field: Any) -> Field:
    """A field that the engine can use: one of this package as it is, anything else as :class:`CustomField`.

    Args:
        field: A field, an object with the members of one, or a function of time.

    Returns:
        The field.

    Raises:
        InputError: for what is neither a function nor has the members of :class:`tdddft.fields.base.Field`.
    """
    if type(field).__module__.split(".")[0] == "tdddft":
        own: Field = field
        return own
    missing = [name for name in ("impulse_au", "breaks_fs", "at") if not hasattr(field, name)]
    if len(missing) == 3 and callable(field) and not isinstance(field, type):
        return CustomField(field)
    if missing:
        raise InputError(
            f"{field!r} is no field: it lacks {', '.join(missing)} of tdddft.fields.base.Field, "
            "and is no function of time"
        )
    return CustomField(field)
