r"""Statistics of a data-set folder, computed once and kept beside the trajectories.

.. math:: \mathrm{rms}_0^2 = \langle C_{na}(0)^2 \rangle, \qquad \mathrm{rms}_t^2 = \langle |\Delta_{na}(t)|^2 \rangle

Means over all atomic orbitals a, occupied states n and trajectories, and for the second over all frames after t = 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from graphlearn.base.errors import ContractError, InputError
from graphlearn.base.hdf5_examination import refusals
from graphlearn.orbitals.data.statistics_file import DatasetStatistics, StatisticsFile, TrajectorySums, read_sums
from graphlearn.orbitals.data.target import to_delta
from tdddft.dataset.store import DatasetFolder
from tdddft.trajectory import Trajectory, read_trajectory
from tdddft.units import AU_FIELD_V_PER_ANGSTROM


def sums_of(trajectory: Trajectory, sha256: str = "") -> TrajectorySums:
    """Add up one trajectory.

    Args:
        trajectory: As its file holds it.
        sha256: Checksum of the file.

    Returns:
        Its sums.
    """
    t = trajectory
    delta = to_delta(t)[1:]
    states, orbitals = t.coefficients.shape
    return TrajectorySums(
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

    Returns:
        Sums by id.

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
    before = read_sums(dataset.root)
    known = {i: before[i] for i in files if i in before and before[i].sha256 == records[i].get("sha256")}
    missing = [i for i in names if i not in known]
    reasons = refusals([files[i] for i in missing])
    try:
        for number, (identifier, reason) in enumerate(zip(missing, reasons, strict=True), start=1):
            try:
                if reason:
                    raise ContractError(f"{files[identifier]}: {reason}")
                trajectory = read_trajectory(files[identifier], examined=True)
                known[identifier] = sums_of(trajectory, records[identifier].get("sha256", ""))
            except (ContractError, InputError) as error:
                if on_unreadable is None:
                    raise
                on_unreadable(str(error))
            if on_file is not None:
                on_file(number, len(missing))
    finally:
        if known and known != before:
            kept = {i: known[i] for i in files if i in known}
            StatisticsFile(pooled=DatasetStatistics.pooled(kept.values()), trajectories=kept).write(dataset.root)
    return {i: known[i] for i in names if i in known}


def dataset_statistics(folder: str | Path, select: Iterable[str] | None = None) -> DatasetStatistics:
    """Statistics of a data-set folder, computed once and kept there.

    Args:
        folder: Made by ``tdddft generate``.
        select: Ids; all by default.

    Returns:
        Their statistics.

    Raises:
        InputError: for ids that are not finished.
        ContractError: for a file that cannot be read.
    """
    return DatasetStatistics.pooled(trajectory_sums(folder, select).values())
