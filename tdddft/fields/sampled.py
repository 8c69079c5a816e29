"""Fields given at times, and their CSV files."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from graphlearn.base.errors import InputError
from graphlearn.base.unpacking import read_unpacked
from tdddft.fields.base import coerce_numbers
from tdddft.units import AU_FIELD_V_PER_ANGSTROM, AU_TIME_FS

TIME_UNITS = {"fs": 1.0, "as": 1e-3, "au": AU_TIME_FS}
FIELD_UNITS = {"v/angstrom": 1.0, "v/nm": 0.1, "v/m": 1e-10, "au": AU_FIELD_V_PER_ANGSTROM}
COLUMN = re.compile(r"\s*(?P<name>time|t|ex|ey|ez)\s*[\(\[_ ]\s*(?P<unit>[a-z/]+)\s*[\)\]]?\s*", re.IGNORECASE)


@dataclass(frozen=True)
class SampledField:
    """A field given at times, with straight lines in between and zero outside.

    Args:
        times_fs: Increasing times, fs.
        field_v_per_angstrom: One vector per time, V/angstrom.

    Raises:
        InputError: for fewer than two samples, times that do not increase, or shapes that do not match.
    """

    times_fs: tuple[float, ...]
    field_v_per_angstrom: tuple[tuple[float, float, float], ...]
    kind: ClassVar[str] = "sampled"

    def __post_init__(self) -> None:
        coerce_numbers(self, "times_fs", "field_v_per_angstrom")
        times, field = np.asarray(self.times_fs, dtype=np.float64), np.asarray(self.field_v_per_angstrom)
        if times.ndim != 1 or len(times) < 2 or field.shape != (len(times), 3):
            raise InputError("a sampled field needs at least two times, and one vector of three for each")
        if not (np.diff(times) > 0).all():
            raise InputError("the samples of a field must be given at increasing times")

    @property
    def impulse_au(self) -> np.ndarray:
        """Impulse that acts at t = 0: none."""
        return np.zeros(3)

    @property
    def breaks_fs(self) -> tuple[float, ...]:
        """The first and the last sample, outside of which the field is zero."""
        return (self.times_fs[0], self.times_fs[-1])

    def at(self, times_fs: np.ndarray) -> np.ndarray:
        """Field in atomic units, float64 [T, 3], at times in fs [T]."""
        samples = np.asarray(self.field_v_per_angstrom) / AU_FIELD_V_PER_ANGSTROM
        columns = [np.interp(times_fs, self.times_fs, samples[:, axis], left=0.0, right=0.0) for axis in range(3)]
        return np.stack(columns, axis=1)


def read_field(path: str | Path) -> SampledField:
    """Read a field from a CSV file with the units in its header.

    The header names four columns in any order, each with its unit: ``time (fs), Ex (V/angstrom), Ey (V/angstrom), Ez
    (V/angstrom)``. Units of time: fs, as, au; of the field: V/angstrom, V/nm, V/m, au. Lines that start with # are left
    out.

    Args:
        path: The file, packed or not.

    Returns:
        The samples.

    Raises:
        InputError: for a missing file, a header without units, and lines that are not numbers; the line is named.
    """
    path = Path(path)
    try:
        text = read_unpacked(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"cannot read the field file {path}: {error}") from None
    lines = [(n, line) for n, line in enumerate(text.splitlines(), 1) if line.strip() and not line.startswith("#")]
    if not lines:
        raise InputError(f"{path}: the field file is empty")
    scales = _header(path, next(csv.reader([lines[0][1]])))
    rows = [_row(path, number, next(csv.reader([line])), scales) for number, line in lines[1:]]
    try:
        return SampledField(tuple(r[0] for r in rows), tuple((r[1], r[2], r[3]) for r in rows))
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _header(path: Path, columns: list[str]) -> dict[str, tuple[int, float]]:
    """Column and factor to fs or V/angstrom of each quantity."""
    found: dict[str, tuple[int, float]] = {}
    for index, column in enumerate(columns):
        match = COLUMN.fullmatch(column)
        name = "" if match is None else match["name"].lower().replace("time", "t")
        units = TIME_UNITS if name == "t" else FIELD_UNITS
        if match is None or match["unit"].lower() not in units:
            raise InputError(
                f"{path}: column {column.strip()!r} of the header; write 'time (fs), Ex (V/angstrom), Ey (V/angstrom), "
                f"Ez (V/angstrom)'. Units of time: {', '.join(TIME_UNITS)}; of the field: V/angstrom, V/nm, V/m, au"
            )
        found[name] = (index, units[match["unit"].lower()])
    missing = {"t", "ex", "ey", "ez"} - set(found)
    if missing or len(columns) != 4:
        raise InputError(f"{path}: the header must name time, Ex, Ey and Ez once each, with units")
    return found


def _row(path: Path, number: int, values: list[str], scales: dict[str, tuple[int, float]]) -> list[float]:
    try:
        return [float(values[index]) * factor for index, factor in (scales[n] for n in ("t", "ex", "ey", "ez"))]
    except (ValueError, IndexError):
        raise InputError(f"{path}: line {number} does not hold four numbers: {','.join(values)!r}") from None
