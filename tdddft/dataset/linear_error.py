"""How far the linear propagation of a data set is from the full one: measured once, on one of its trajectories."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from graphlearn.base.errors import damage_named
from graphlearn.base.files import replace_bytes
from graphlearn.base.plain_data import parse_json
from graphlearn.base.unpacking import read_unpacked
from tdddft.analysis.observables import orbital_motion

if TYPE_CHECKING:
    from graphlearn.base.workers.pool import Stop
    from tdddft.dataset.plan import Plan
    from tdddft.dataset.store import DatasetFolder
    from tdddft.trajectory import Trajectory

FILE_NAME = "linear_error.json"
TOLERANCE = 1e-3  # of the dipole of the full propagation; its error is a tenth of those that are measured


@dataclass(frozen=True)
class LinearError:
    """Deviation of one trajectory from the full propagation, as parts of the motion itself.

    Args:
        id: Which trajectory.
        orbitals: Of the occupied orbitals without their own phases, the mean over orbitals.
        dipole: Of the induced dipole.
    """

    id: str
    orbitals: float
    dipole: float

    def __str__(self) -> str:
        """One line for people."""
        return (
            f"linear propagation: the orbitals are off by {100 * self.orbitals:.2g} % and the dipole by "
            f"{100 * self.dipole:.2g} % of their motion ({self.id} against the full propagation)"
        )


def linear_error(plan: Plan, folder: DatasetFolder, stop: Stop | None = None) -> LinearError | None:
    """The error of a set that was propagated linearly; measured on its first finished trajectory, then kept in a file.

    Args:
        plan: What the run was about.
        folder: The data-set folder.
        stop: Asked after every frame of the full propagation.

    Returns:
        The error; None for other propagators, and where nothing is finished.

    Raises:
        StoppedError: if ``stop`` returns true.
        InputError: if the file is damaged.
    """
    from tdddft.electronic.core_potentials import method_of
    from tdddft.electronic.ground_state import ground_state
    from tdddft.propagation.propagate import propagate
    from tdddft.trajectory import read_trajectory

    if plan.recipe.propagation.propagator != "linear":
        return None
    kept = read_linear_error(folder.root)
    if kept is not None:
        return kept
    times, finished = plan.recipe.propagation, folder.finished()
    for molecule in plan.chosen:
        for identifier, field in plan.fields[molecule.name].items():
            if identifier in finished:
                method = method_of(molecule.symbols, plan.recipe.method)
                full = propagate(
                    ground_state(molecule, method), field, times.steps, times.dt_fs,
                    save_every=times.save_every, dipole_tolerance=TOLERANCE, stop=stop,
                )  # fmt: skip
                error = LinearError(identifier, *deviation(read_trajectory(finished[identifier]), full))
                replace_bytes(folder.root / FILE_NAME, json.dumps(asdict(error)).encode())
                return error
    return None


def read_linear_error(root: Path) -> LinearError | None:
    """What was measured before, or None.

    Args:
        root: Data-set folder.

    Returns:
        The error.

    Raises:
        InputError: if the file is damaged.
    """
    path = root / FILE_NAME
    if not path.is_file():
        return None
    content = parse_json(read_unpacked(path), path)
    with damage_named(f"{path}", KeyError, TypeError, ValueError, advice="; remove it to have it measured again"):
        return LinearError(str(content["id"]), float(content["orbitals"]), float(content["dipole"]))


def deviation(trajectory: Trajectory, reference: Trajectory) -> tuple[float, float]:
    r"""Errors of orbitals and dipole over their own motion.

    :math:`\sum_n \lVert \Delta_n - \Delta_n^\mathrm{ref} \rVert / \sum_n \lVert \Delta_n^\mathrm{ref} \rVert` with
    :math:`\Delta_n` of :func:`tdddft.analysis.observables.orbital_motion`, over all frames; likewise of the dipole
    after the first frame.

    Args:
        trajectory: Whose error is asked for.
        reference: Of the same molecule, field and times.

    Returns:
        Two ratios.
    """
    moved, expected = orbital_motion(trajectory), orbital_motion(reference)
    orbitals = np.linalg.norm(moved - expected, axis=(0, 2)).sum() / np.linalg.norm(expected, axis=(0, 2)).sum()
    induced = reference.dipole_au - reference.dipole_au[0]
    dipole = np.linalg.norm(trajectory.dipole_au - reference.dipole_au) / np.linalg.norm(induced)
    return float(orbitals), float(dipole)
