"""Sums of fields, and fields as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np

from graphlearn.base.errors import InputError
from tdddft.fields.base import Field, GaussianPulses, Kick, as_tuples
from tdddft.fields.custom import as_field
from tdddft.fields.laser import Laser, idle_parameters
from tdddft.fields.sampled import SampledField


@dataclass(frozen=True)
class FieldSum:
    """Several fields at once.

    Args:
        fields: Any fields, as :func:`tdddft.propagate` takes them.
    """

    fields: tuple[Field, ...]
    kind: ClassVar[str] = "sum"

    def __post_init__(self) -> None:
        object.__setattr__(self, "fields", tuple(as_field(f) for f in self.fields))
        if not self.fields:
            raise InputError("a sum of fields needs at least one")

    @property
    def impulse_au(self) -> np.ndarray:
        """Sum of the impulses at t = 0."""
        return np.asarray(np.sum([f.impulse_au for f in self.fields], axis=0))

    @property
    def breaks_fs(self) -> tuple[float, ...]:
        """The jumps of all."""
        return tuple(sorted({mark for f in self.fields for mark in f.breaks_fs}))

    def at(self, times_fs: np.ndarray) -> np.ndarray:
        """Field in atomic units, float64 [T, 3], at times in fs [T]."""
        return np.asarray(np.sum([f.at(times_fs) for f in self.fields], axis=0))


_KINDS: dict[str, type[Any]] = {c.kind: c for c in (Kick, GaussianPulses, Laser, FieldSum, SampledField)}


def field_to_dict(field: Any) -> dict[str, Any]:
    """Plain data for JSON: ``kind`` and the parameters with their units in the names.

    Args:
        field: A field of this package, or a sum of them.

    Returns:
        Mapping of plain data.

    Raises:
        InputError: for a field of another class than those of this package.
    """
    if isinstance(field, FieldSum):
        return {"kind": field.kind, "fields": [field_to_dict(f) for f in field.fields]}
    if has_parameters(field):
        return {"kind": field.kind, **asdict(field)}
    raise InputError(f"{field!r} is not one of {', '.join(_KINDS)}: it has no form as plain data")


def has_parameters(field: Any) -> bool:
    """Whether a field can be written as plain data, and read back."""
    if isinstance(field, FieldSum):
        return all(has_parameters(f) for f in field.fields)
    return isinstance(field, tuple(_KINDS.values()))


def field_from_dict(data: Any, *, strict: bool = False) -> Any:
    """The inverse of :func:`field_to_dict`.

    Args:
        data: Plain data.
        strict: Refuse parameters that have no effect beside the others; they are passed over by default, since a field
            as plain data holds all of its parameters.

    Returns:
        The field.

    Raises:
        InputError: for an unknown kind or parameter.
    """
    if not isinstance(data, Mapping):
        raise InputError(f"a field is written as {{kind: ..., ...}}, this is {data!r}")
    kind = str(data.get("kind"))
    if kind not in _KINDS:
        raise InputError(f"unknown field kind {kind!r}; choose one of {', '.join(_KINDS)}")
    parameters = {k: as_tuples(v) for k, v in data.items() if k != "kind"}
    if kind == FieldSum.kind and isinstance(parameters.get("fields"), tuple):
        parameters["fields"] = tuple(field_from_dict(f, strict=strict) for f in parameters["fields"])
    if kind == Laser.kind:
        idle = {key: why for key, why in idle_parameters(parameters.get("envelope")).items() if key in parameters}
        if idle and strict:
            raise InputError("; ".join(f"field of kind {kind!r}: {key} has no effect: {idle[key]}" for key in idle))
        parameters = {key: value for key, value in parameters.items() if key not in idle}
    try:
        return _KINDS[kind](**parameters)
    except TypeError as error:
        raise InputError(f"field of kind {kind!r}: {error}") from None
