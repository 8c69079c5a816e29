r"""Statistics of a data-set folder, computed once and kept beside the trajectories.

.. math:: \mathrm{rms}_0^2 = \langle C_{na}(0)^2 \rangle, \qquad \mathrm{rms}_t^2 = \langle |\Delta_{na}(t)|^2 \rangle

Means over all atomic orbitals a, occupied states n and trajectories, and for the second over all frames after t = 0.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from graphlearn.base.errors import ContractError, InputError
from graphlearn.base.files import replace_text
from graphlearn.base.hdf5_examination import refusals
from graphlearn.base.plain_data import read_json
from graphlearn.orbitals.data.target import to_delta
from tdddft.dataset.store import DatasetFolder
from tdddft.trajectory.trajectory import Trajectory, read_trajectory
from tdddft.units import AU_FIELD_V_PER_ANGSTROM

FILE_NAME = "statistics.json"
SCHEMA_VERSION = 1
DEFINITION = (
    "rms_0: root mean square of C(0); rms_t: of |Delta|, Delta = (C(t)/gamma - C(0))/1e-3; over atomic orbitals, "
    "occupied states and (rms_t) frames after t = 0, pooled over trajectories"
)


@dataclass(frozen=True)
class TrajectorySums:
    """What the statistics of any selection of trajectories can be put together from."""

    sha256: str
    atoms: int
    states: int
    orbitals: int
    frames: int
    c0_square_sum: float
    delta_square_sum: float
    peak_field_v_per_angstrom: float
    frame_fs: float

    @classmethod
    def of(cls, trajectory: Trajectory, sha256: str = "") -> TrajectorySums:
        """Add up one trajectory."""
        t = trajectory
        delta = to_delta(t)[1:]
        states, orbitals = t.coefficients.shape
        return cls(
            sha256=sha256,
            atoms=len(t.numbers),
            states=states,
            orbitals=orbitals,
            frames=len(delta),
            c0_square_sum=float((t.coefficients**2).sum()),
            delta_square_sum=float((delta.real**2 + delta.imag**2).sum()),
            peak_field_v_per_angstrom=float(np.linalg.norm(t.field_au, axis=1).max() * AU_FIELD_V_PER_ANGSTROM),
            frame_fs=float(t.times_fs[1] - t.times_fs[0]) if len(t.times_fs) > 1 else 0.0,
        )


@dataclass(frozen=True)
class DatasetStatistics:
    """Statistics of some trajectories; see the module for the two root mean squares.

    Args:
        trajectories: How many.
        rms_0: Of the ground-state coefficients.
        rms_t: Of the learning target Delta.
        peak_field_v_per_angstrom: Largest field strength.
        frame_fs: Time between frames.
        mean_atoms: Atoms a trajectory.
        mean_states: Occupied states a trajectory.
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
        """Put the sums of several trajectories together."""
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


def trajectory_sums(
    folder: str | Path,
    select: Iterable[str] | None = None,
    on_file: Callable[[int, int], None] | None = None,
    on_unreadable: Callable[[str], None] | None = None,
) -> dict[str, TrajectorySums]:
    """Sums of finished trajectories of a folder, by id; only what is new or changed is read.

    They are kept in ``statistics.json`` of the folder, with the statistics of all that it knows and their definition,
    if the folder can be written to.

    Args:
        folder: The data-set folder.
        select: Ids; all by default.
        on_file: Called with (number, of how many) after every trajectory that had to be read.
        on_unreadable: Called with what is wrong with each file that cannot be read, and is left out; without it the
            first one is an error.

    Raises:
        InputError: for ids that are not finished.
        ContractError: for a file that cannot be read, unless ``on_unreadable`` is given.
    """
    dataset = DatasetFolder(Path(folder))
    files, records = dataset.finished(), dataset.records()
    names = list(files) if select is None else list(select)
    absent = [n for n in names if n not in files]
    if absent:
        raise InputError(f"{folder}: no finished trajectory {', '.join(absent[:5])}")
    before = _read(dataset.root / FILE_NAME)
    known = {i: before[i] for i in files if i in before and before[i].sha256 == records[i].get("sha256")}
    missing = [i for i in names if i not in known]
    reasons = refusals([files[i] for i in missing])
    try:
        for number, (identifier, reason) in enumerate(zip(missing, reasons, strict=True), start=1):
            try:
                if reason:
                    raise ContractError(f"{files[identifier]}: {reason}")
                trajectory = read_trajectory(files[identifier], examined=True)
                known[identifier] = TrajectorySums.of(trajectory, records[identifier].get("sha256", ""))
            except (ContractError, InputError) as error:
                if on_unreadable is None:
                    raise
                on_unreadable(str(error))
            if on_file is not None:
                on_file(number, len(missing))
    finally:
        if known and known != before:
            _write(dataset.root / FILE_NAME, {i: known[i] for i in files if i in known})
    return {i: known[i] for i in names if i in known}


def dataset_statistics(folder: str | Path, select: Iterable[str] | None = None) -> DatasetStatistics:
    """Statistics of a data-set folder, or of some ids of it."""
    return DatasetStatistics.pooled(trajectory_sums(folder, select).values())


def _read(path: Path) -> dict[str, TrajectorySums]:
    try:
        data = read_json(path)
        if data["schema_version"] != SCHEMA_VERSION:
            return {}
        return {i: _checked(TrajectorySums(**values)) for i, values in data["trajectories"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _checked(sums: TrajectorySums) -> TrajectorySums:
    """The sums as they are; ValueError where they cannot be sums."""
    *counts, c0, delta, peak, spacing = list(asdict(sums).values())[1:]
    whole = all(type(n) is int and n >= 0 for n in counts) and sums.states > 0 and sums.orbitals > 0
    real = all(type(x) in (int, float) and x >= 0 for x in (c0, delta, peak, spacing))
    if not (isinstance(sums.sha256, str) and whole and real):
        raise ValueError("no sums of a trajectory")
    return sums


def _write(path: Path, sums: dict[str, TrajectorySums]) -> None:
    data = {
        "schema_version": SCHEMA_VERSION,
        "definition": DEFINITION,
        "all_below": asdict(DatasetStatistics.pooled(sums.values())),
        "trajectories": {i: asdict(s) for i, s in sums.items()},
    }
    try:
        replace_text(path, json.dumps(data, indent=1))
    except OSError:
        return  # a folder that is only there to read
