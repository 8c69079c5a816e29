"""One job of a data set: a molecule's ground state and its propagations, in a worker process."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from graphlearn.base.device import find_device
from graphlearn.base.errors import InputError, StoppedError
from graphlearn.base.recipes.reading import recipe_hash
from graphlearn.base.workers.pool import Stop
from tdddft.dataset.index import Record, failed_record
from tdddft.dataset.plan import Plan, cost
from tdddft.dataset.recipe import GenerateRecipe
from tdddft.dataset.store import DatasetFolder
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
        folder: The data-set folder.
        memory_bytes: What it may use; no limit by default.
        checkpoint_seconds: Shortest time between two checkpoints of a propagation; the default of
            :func:`tdddft.propagate` by default.
        device: Where it propagates, see :func:`graphlearn.base.device.find_device`.
        shorter: Ids of trajectories whose files have fewer steps, and are gone on with.
    """

    molecule: Molecule
    fields: dict[str, Field]
    recipe: GenerateRecipe
    folder: DatasetFolder
    memory_bytes: float | None = None
    checkpoint_seconds: float | None = None
    device: str = "cpu"
    shorter: frozenset[str] = frozenset()

    @property
    def cost(self) -> float:
        """Relative cost, see :func:`tdddft.dataset.plan.cost`."""
        return cost(self.molecule, len(self.fields))

    def only(self, identifiers: Collection[str]) -> Job:
        """The job with these of its trajectories alone."""
        fields = {i: f for i, f in self.fields.items() if i in identifiers}
        return replace(self, fields=fields, shorter=self.shorter & fields.keys())


def make_jobs(
    plan: Plan, missing: Collection[str], folder: DatasetFolder, shorter: frozenset[str] = frozenset()
) -> list[Job]:
    """One job per molecule that has missing trajectories, the longest first.

    Args:
        plan: What the run is about.
        missing: Ids of the trajectories to make.
        folder: Where they are written.
        shorter: Those of them that are lengthened.

    Returns:
        The jobs.
    """
    jobs = (Job(m, plan.fields[m.name], plan.recipe, folder, shorter=shorter).only(missing) for m in plan.chosen)
    return sorted((job for job in jobs if job.fields), key=lambda job: -job.cost)


def run_job(job: Job, stop: Stop) -> Iterator[Record]:
    """Ground state, then one propagation per field.

    Args:
        job: What to do.
        stop: Asked after every frame.

    Yields:
        A record for each trajectory as it ends, finished or failed.

    Raises:
        OutOfSpaceError: if the disk is full. Then, and when asked to stop, checkpoints stay and no record is given.
    """
    from tdddft.dataset.memory import check_memory
    from tdddft.electronic.core_potentials import method_of
    from tdddft.electronic.ground_state import ground_state
    from tdddft.electronic.hamiltonian import Hamiltonian
    from tdddft.trajectory import write_trajectory

    folder, started = job.folder, time.perf_counter()
    try:
        device = find_device(job.device)
        check_memory(job.molecule, job.recipe.method, job.recipe.propagation, job.memory_bytes)
        state = ground_state(job.molecule, method_of(job.molecule.symbols, job.recipe.method))
        hamiltonian = Hamiltonian(state, device)
    except Exception as error:  # whatever breaks one molecule must not break the data set
        folder.reraise_disk_full(error)
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
            yield folder.done_record(identifier, trajectory)
        except StoppedError:
            return
        except Exception as error:
            folder.reraise_disk_full(error)
            yield failed_record(identifier, error)


def _propagate(job: Job, identifier: str, field: Field, hamiltonian: Hamiltonian, stop: Stop) -> Trajectory:
    from tdddft.propagation.propagate import propagate
    from tdddft.propagation.run_options import SECONDS_BETWEEN
    from tdddft.propagation.schemes import named_propagator
    from tdddft.trajectory import read_trajectory
    from tdddft.trajectory.last_state import read_last_state
    from tdddft.trajectory.validation import failures

    before, path = None, job.folder.path(identifier)
    if identifier in job.shorter:
        before = read_trajectory(path).replace(last_state=read_last_state(path))
    times, checkpoint = job.recipe.propagation, job.folder.checkpoint(identifier)
    trajectory = propagate(
        hamiltonian.ground_states[0], field, times.steps, times.dt_fs, save_every=times.save_every,
        precision=times.precision, dipole_tolerance=times.dipole_tolerance,
        propagator=named_propagator(times.propagator, times.kernel), absorber=times.absorber,
        hamiltonian=hamiltonian, checkpoint=checkpoint, stop=stop, keep_state=times.keep_state, before=before,
        checkpoint_seconds=SECONDS_BETWEEN if job.checkpoint_seconds is None else job.checkpoint_seconds,
    )  # fmt: skip
    broken = failures(trajectory)
    if broken:
        checkpoint.unlink(missing_ok=True)
        raise InputError("; ".join(broken))
    return trajectory
