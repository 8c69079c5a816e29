"""One job of a data set: a molecule's ground state and its propagations, in a worker process."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from graphlearn.base.errors import InputError, OutOfSpaceError, StoppedError
from graphlearn.base.files import says_full
from graphlearn.base.recipes.reading import recipe_hash
from graphlearn.base.workers.pool import Stop
from tdddft.dataset.index import Record
from tdddft.dataset.recipe import GenerateRecipe
from tdddft.dataset.store import DatasetFolder, done_record, failed_record
from tdddft.fields.base import Field
from tdddft.molecules.molecule import Molecule

if TYPE_CHECKING:
    from tdddft.electronic.hamiltonian import Hamiltonian
    from tdddft.trajectory import Trajectory


@dataclass(frozen=True)
class Job:
    """All missing trajectories of one molecule; they share the ground state and its integrals.

    Args:
        molecule: The molecule.
        fields: External field of each trajectory, by id.
        recipe: Level of theory and times.
        root: The data-set folder.
        memory_bytes: What it may use; no limit by default.
        checkpoint_seconds: Shortest time between two checkpoints of a propagation; the default of
            :func:`tdddft.propagate` by default.
    """

    molecule: Molecule
    fields: dict[str, Field]
    recipe: GenerateRecipe
    root: Path
    memory_bytes: float | None = None
    checkpoint_seconds: float | None = None

    def only(self, identifiers: set[str]) -> Job:
        """The job with these of its trajectories alone."""
        return replace(self, fields={i: f for i, f in self.fields.items() if i in identifiers})


def run_job(job: Job, stop: Stop) -> Iterator[Record]:
    """Ground state, then one propagation a field; a record for each as it ends, whatever happens.

    Raises:
        OutOfSpaceError: if the disk is full. Then, and when asked to stop, checkpoints stay and no record is given.
    """
    from tdddft.dataset.memory import check_memory
    from tdddft.electronic.ground_state import ground_state
    from tdddft.electronic.hamiltonian import Hamiltonian
    from tdddft.trajectory import write_trajectory

    folder, started = DatasetFolder(job.root), time.perf_counter()
    try:
        check_memory(job.molecule, job.recipe.method, job.recipe.propagation, job.memory_bytes)
        state = ground_state(job.molecule, job.recipe.method)
        hamiltonian = Hamiltonian(state)
    except Exception as error:  # whatever breaks one molecule must not break the data set
        raise_if_full(error, job.root)
        yield from (failed_record(i, error) for i in job.fields)
        return
    origin = {"recipe_hash": recipe_hash(job.recipe), "ground_state_seconds": round(time.perf_counter() - started, 3)}
    for identifier, field in job.fields.items():
        if stop():
            return
        try:
            trajectory = _propagate(job, identifier, field, hamiltonian, stop)
            provenance = trajectory.provenance.model_copy(update={"id": identifier, **origin})
            trajectory = trajectory.replace(provenance=provenance)
            write_trajectory(folder.path(identifier), trajectory)
            folder.checkpoint(identifier).unlink(missing_ok=True)
            yield done_record(job.root, identifier, trajectory)
        except StoppedError:
            return
        except Exception as error:
            raise_if_full(error, job.root)
            yield failed_record(identifier, error)


def _propagate(job: Job, identifier: str, field: Field, hamiltonian: Hamiltonian, stop: Stop) -> Trajectory:
    from tdddft.propagation.propagate import propagate
    from tdddft.propagation.run_options import SECONDS_BETWEEN
    from tdddft.propagation.schemes import fixed_propagator
    from tdddft.trajectory.validation import failures

    times = job.recipe.propagation
    trajectory = propagate(
        hamiltonian.ground_states[0], field, times.steps, times.dt_fs, save_every=times.save_every,
        precision=times.precision, dipole_tolerance=times.dipole_tolerance,
        propagator=fixed_propagator(times.propagator), hamiltonian=hamiltonian,
        checkpoint=DatasetFolder(job.root).checkpoint(identifier), stop=stop,
        checkpoint_seconds=SECONDS_BETWEEN if job.checkpoint_seconds is None else job.checkpoint_seconds,
    )  # fmt: skip
    broken = failures(trajectory)
    if broken:
        DatasetFolder(job.root).checkpoint(identifier).unlink(missing_ok=True)
        raise InputError("; ".join(broken))
    return trajectory


def raise_if_full(error: Exception, root: Path) -> None:
    """OutOfSpaceError if an error comes from a full disk; otherwise nothing."""
    if says_full(error):
        raise OutOfSpaceError(
            f"{root}: the disk is full, or that of temporary files; what is finished is kept. Free some space and run "
            "the same command again to continue"
        ) from None
