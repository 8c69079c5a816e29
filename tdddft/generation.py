"""Generate a data set: molecules x field directions, on a pool of single-threaded worker processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tdddft.errors import InputError
from tdddft.field import Field
from tdddft.folder import DatasetFolder, Record, done_record
from tdddft.molecule import Molecule
from tdddft.recipe import Distortions, GenerateRecipe, recipe_hash, seeded_generator
from tdddft.sources import read_molecules

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Job:
    """All missing trajectories of one molecule; they share the ground state and its integrals."""

    molecule: Molecule
    fields: dict[str, Field]
    recipe: GenerateRecipe
    root: Path


@dataclass
class Summary:
    """What a run did: numbers of trajectories, and the records of failures."""

    total: int
    already_done: int
    done: int
    failed: list[Record]


def generate(
    recipe: GenerateRecipe,
    out: str | os.PathLike[str],
    *,
    jobs: int | None = None,
    limit: int | None = None,
    on_record: Callable[[Record, Summary], None] | None = None,
) -> Summary:
    """Generate every missing trajectory of a recipe into a data-set folder.

    Running it again continues the folder: finished trajectories are kept, failures are tried again. With more than
    one job the workers are spawned, so a script must call this under ``if __name__ == "__main__":``.

    Args:
        recipe: What to generate.
        out: The data-set folder.
        jobs: Worker processes, one thread each; all cores by default.
        limit: Use only the first molecules.
        on_record: Called in this process after every trajectory, finished or failed.

    Returns:
        Counts and failures.

    Raises:
        InputError: for bad molecules or a folder of another recipe; nothing is written then.
    """
    molecules = collect_molecules(recipe, limit)
    folder = DatasetFolder(Path(out))
    folder.open(recipe)
    identifiers = {m.name: trajectory_ids(m, recipe) for m in molecules}
    every = [i for ids in identifiers.values() for i in ids]
    done = folder.adopt(every, recipe)
    work = []
    for molecule in molecules:
        missing = {i: f for i, f in identifiers[molecule.name].items() if i not in done}
        if missing:
            work.append(Job(molecule, missing, recipe, folder.root))
    work.sort(key=lambda job: -_cost(job))
    summary = Summary(len(every), len(done), len(done), [])
    for record in _run(work, jobs or os.cpu_count() or 1):
        folder.append(record)
        if record["status"] == "done":
            summary.done += 1
        else:
            summary.failed.append(record)
            folder.log(f"{record['id']}: {record['error']}")
        if on_record is not None:
            on_record(record, summary)
    return summary


def collect_molecules(recipe: GenerateRecipe, limit: int | None = None) -> list[Molecule]:
    """All geometries of a recipe; InputError where two share a name."""
    given = [m for source in recipe.molecules for m in read_molecules(source)]
    molecules = [geometry for m in given for geometry in (m, *distorted(m, recipe.distortions))]
    names = [m.name for m in molecules]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise InputError(f"molecule names must differ, these come twice: {', '.join(twice[:5])}")
    return molecules[:limit]


def distorted(molecule: Molecule, distortions: Distortions) -> list[Molecule]:
    """Copies with Gaussian displacements of the nuclei, called ``NAME-g1``, ``NAME-g2``, ..."""
    copies: list[Molecule] = []
    if distortions.only is not None and molecule.name not in distortions.only:
        return copies
    for i in range(1, distortions.count + 1):
        name = f"{molecule.name}-g{i}"
        moves = seeded_generator(distortions.seed, name).normal(size=molecule.positions_angstrom.shape)
        positions = molecule.positions_angstrom + distortions.sigma_angstrom * moves
        source = f"{molecule.source}, displaced by {distortions.sigma_angstrom:g} angstrom"
        copies.append(replace(molecule, name=name, positions_angstrom=positions, source=source))
    return copies


def trajectory_ids(molecule: Molecule, recipe: GenerateRecipe) -> dict[str, Field]:
    """The trajectories of a molecule, id to field: ``NAME_d0`` for the first direction, and so on."""
    return {f"{molecule.name}_d{i}": field for i, field in enumerate(recipe.field.fields(molecule.name))}


def run_job(job: Job) -> list[Record]:
    """Ground state, then one propagation a field; a record for each, whatever happens."""
    from tdddft.hamiltonian import Hamiltonian
    from tdddft.propagation import propagate
    from tdddft.scf import ground_state
    from tdddft.trajectory import write_trajectory
    from tdddft.validation import failures

    steps = job.recipe.propagation
    records: list[Record] = []
    try:
        state = ground_state(job.molecule, job.recipe.method)
        hamiltonian = Hamiltonian(state)
    except Exception as error:  # whatever breaks one molecule must not break the data set
        return [failed_record(i, error) for i in job.fields]
    for identifier, field in job.fields.items():
        started = time.perf_counter()
        try:
            trajectory = propagate(
                state, field, steps.steps, steps.dt_fs, save_every=steps.save_every, precision=steps.precision,
                hamiltonian=hamiltonian,
            )  # fmt: skip
            provenance = {**trajectory.info["provenance"], "id": identifier, "recipe_hash": recipe_hash(job.recipe)}
            trajectory = trajectory.replace(info={**trajectory.info, "provenance": provenance})
            broken = failures(trajectory)
            if broken:
                records.append({"id": identifier, "status": "failed", "error": "; ".join(broken)})
                continue
            write_trajectory(DatasetFolder(job.root).path(identifier), trajectory)
            diagnostics = {
                "molecule": job.molecule.name, "atoms": len(job.molecule.numbers), "occupied": state.num_occupied,
                "orbitals": len(state.overlap), "norm_error": float(trajectory.norm_error.max()),
            }  # fmt: skip
            seconds = round(time.perf_counter() - started, 2)
            records.append(done_record(job.root, identifier, seconds, diagnostics))
        except Exception as error:
            records.append(failed_record(identifier, error))
    return records


def failed_record(identifier: str, error: Exception) -> Record:
    """Index line of a trajectory that could not be made."""
    return {"id": identifier, "status": "failed", "error": f"{type(error).__name__}: {error}"}


def _cost(job: Job) -> float:
    return len(job.fields) * float((job.molecule.numbers > 1).sum() * 13 + (job.molecule.numbers == 1).sum() * 5) ** 2


def _run(work: list[Job], jobs: int) -> Iterator[Record]:
    if not work:
        return
    with single_threaded_children():
        pool = ProcessPoolExecutor(
            min(jobs, len(work)), mp_context=multiprocessing.get_context("spawn"), initializer=_start_worker
        )
        futures = {pool.submit(run_job, job): job for job in work}
    try:
        for future in as_completed(futures):
            yield from future.result()
        pool.shutdown()
    except BrokenProcessPool:
        raise RuntimeError(
            "a worker process died (killed, or out of memory); finished trajectories are safe, "
            "run the same command again to continue, with fewer --jobs if memory was short"
        ) from None
    finally:
        for process in list((pool._processes or {}).values()):
            process.terminate()
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def single_threaded_children() -> Iterator[None]:
    """Processes started inside use one BLAS and OpenMP thread each."""
    before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _start_worker() -> None:
    """The parent handles Ctrl-C; a worker whose parent is gone ends itself."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
