"""``statistics.json`` of a data-set folder: the sums of each trajectory, and what they give together."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from graphlearn.base.errors import InputError
from graphlearn.base.files import replace_text
from graphlearn.base.plain_data import read_json

FILE_NAME = "statistics.json"
SCHEMA_VERSION = 2
DEFINITION = (
    "rms_0: root mean square of C(0); rms_t: of |Delta|, Delta = (C(t)/gamma - C(0))/1e-3; over atomic orbitals, "
    "occupied states and (rms_t) frames after t = 0, pooled over trajectories"
)
Count = Annotated[int, Field(ge=0, strict=True)]
Positive = Annotated[int, Field(ge=1, strict=True)]
Sum = Annotated[float, Field(ge=0, allow_inf_nan=False, strict=True)]


class Stored(BaseModel):
    """Part of a JSON file: every key that it names, and no others."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class TrajectorySums(Stored):
    """What the statistics of any selection of trajectories can be put together from.

    Attributes:
        sha256: Checksum of the file.
        atoms: Number of atoms.
        states: Number of occupied states.
        orbitals: Number of atomic orbitals.
        frames: Number of frames after t = 0.
        c0_square_sum: Sum of the squared ground-state coefficients.
        delta_square_sum: Sum of the squared moduli of Delta over the frames after t = 0.
        peak_field_v_per_angstrom: Largest field strength, V/angstrom.
        frame_fs: Time between two frames, fs; 0 for a single frame.
    """

    sha256: str
    atoms: Count
    states: Positive
    orbitals: Positive
    frames: Count
    c0_square_sum: Sum
    delta_square_sum: Sum
    peak_field_v_per_angstrom: Sum
    frame_fs: Sum


@dataclass(frozen=True)
class DatasetStatistics:
    """Statistics of some trajectories; see the module for the two root mean squares.

    Args:
        trajectories: Number of trajectories.
        rms_0: Of the ground-state coefficients.
        rms_t: Of the learning target Delta.
        peak_field_v_per_angstrom: Largest field strength, V/angstrom.
        frame_fs: Time between two frames, fs.
        mean_atoms: Mean number of atoms per trajectory.
        mean_states: Mean number of occupied states per trajectory.
    """

    trajectories: int
    rms_0: float
    rms_t: float
    peak_field_v_per_angstrom: float
    frame_fs: float
    mean_atoms: float
    mean_states: float

    @classmethod
    def pooled(cls, sums: Iterable[TrajectorySums]) -> DatasetStatistics:
        """Put the sums of several trajectories together; InputError for none."""
        parts = list(sums)
        if not parts:
            raise InputError("statistics need at least one trajectory")
        entries = [p.states * p.orbitals for p in parts]
        moving = sum(n * p.frames for n, p in zip(entries, parts, strict=True))
        return cls(
            trajectories=len(parts),
            rms_0=(sum(p.c0_square_sum for p in parts) / sum(entries)) ** 0.5,
            rms_t=(sum(p.delta_square_sum for p in parts) / max(moving, 1)) ** 0.5,
            peak_field_v_per_angstrom=max(p.peak_field_v_per_angstrom for p in parts),
            frame_fs=parts[0].frame_fs,
            mean_atoms=float(np.mean([p.atoms for p in parts])),
            mean_states=float(np.mean([p.states for p in parts])),
        )


class StatisticsFile(Stored):
    """The whole file.

    Attributes:
        schema_version: Of its form.
        definition: What the two root mean squares are.
        pooled: Statistics of all trajectories below.
        trajectories: Sums by id.
    """

    schema_version: Literal[2] = 2
    definition: str = DEFINITION
    pooled: DatasetStatistics
    trajectories: dict[str, TrajectorySums]

    def write(self, folder: Path) -> None:
        """Write the file, unless the folder is only there to read."""
        try:
            replace_text(folder / FILE_NAME, json.dumps(self.model_dump(), indent=1))
        except OSError:
            return


def read_sums(folder: Path) -> dict[str, TrajectorySums]:
    """The sums that a folder keeps; none where its file is absent, damaged, or newer than this package."""
    try:
        data = read_json(folder / FILE_NAME)
        while data["schema_version"] != SCHEMA_VERSION:
            data = UPGRADES[data["schema_version"]](data)
        return StatisticsFile.model_validate(data).trajectories
    except (OSError, InputError, ValueError, KeyError, TypeError):
        return {}


def _from_version_1(data: Mapping[str, Any]) -> dict[str, Any]:
    """Version 1 called the statistics of all trajectories ``all_below``."""
    rest = {key: value for key, value in data.items() if key != "all_below"}
    return {**rest, "schema_version": 2, "pooled": data["all_below"]}


UPGRADES: dict[int, Callable[[Mapping[str, Any]], dict[str, Any]]] = {1: _from_version_1}
