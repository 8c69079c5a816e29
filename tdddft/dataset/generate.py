"""Generate a data set: molecules x geometries x field directions."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from graphlearn.base.errors import InputError
from graphlearn.base.machine import available_bytes, available_cores
from graphlearn.base.workers.parsl import Cluster
from graphlearn.base.workers.pool import Executor, Outcome, Stop, WorkerPool
from tdddft.dataset.index import Record
from tdddft.dataset.plan import check_method, collect_molecules, cost, jobs_of, part_of, trajectory_ids
from tdddft.dataset.progress import RunState
from tdddft.dataset.recipe import GenerateRecipe
from tdddft.dataset.store import DatasetFolder, failed_record
from tdddft.dataset.worker import Job, raise_if_full, run_job
from tdddft.molecules.molecule import Molecule
from tdddft.molecules.selection import fingerprint, selection_table

ATTEMPTS = 2  # a job whose worker dies is tried once more
ATTEMPTS_IF_LOST = 20  # one whose batch job ends, more often


@dataclass
class Summary:
    """What a run did.

    Args:
        total: Trajectories that it was about.
        already_done: Those that were finished before.
        done: Those that are finished now.
        failed: Records of failures, older ones included that were not tried again.
        state: Progress by cost.
        stopped: Whether it was asked to stop before its end.
    """

    total: int
    already_done: int
    done: int
    failed: list[Record]
    state: RunState = field(default_factory=lambda: RunState(0, 0.0))
    stopped: bool = False


def generate(
    recipe: GenerateRecipe,
    out: str | os.PathLike[str],
    *,
    jobs: int | None = None,
    molecules: list[Molecule] | None = None,
    limit: int | None = None,
    shard: tuple[int, int] | None = None,
    only: Collection[str] | None = None,
    redo: Collection[str] = (),
    retry_failed: bool = False,
    memory_bytes: float | None = None,
    checkpoint_seconds: float | None = None,
    cluster: Cluster | None = None,
    stop: Stop | None = None,
    on_record: Callable[[Record, Summary], None] | None = None,
) -> Summary:
    """Generate every missing trajectory of a recipe into a data-set folder.

    Running it again continues the folder: finished trajectories are kept, those that were under way go on from their
    checkpoints. Workers are spawned processes, so a script must call this under ``if __name__ == "__main__":``.

    Args:
        recipe: What to generate.
        out: The data-set folder.
        jobs: Worker processes, one thread each; all cores by default.
        molecules: What :func:`tdddft.dataset.plan.collect_molecules` gave for the recipe, where it was read before.
        limit: Only the first molecules.
        shard: Every n-th molecule from the i-th, for (i, n) with i from 1 to n; shards may run at the same time.
        only: Ids to keep to; all of the chosen molecules by default.
        redo: Ids to make again even if they look finished; their files stay until the new ones are there.
        retry_failed: Try again what failed before; otherwise it stays failed.
        memory_bytes: Memory for all workers together; by default what is available. A molecule that would need more
            than a worker's share fails by name before it starts.
        checkpoint_seconds: Shortest time between two checkpoints of a propagation; 30 s by default.
        cluster: Run on a cluster instead of on worker processes here.
        stop: Asked twice a second; once true, running propagations write their checkpoints and the run ends.
        on_record: Called in this process after every trajectory, finished or failed.

    Returns:
        Counts and failures.

    Raises:
        InputError: for bad molecules, a method that does not cover them, a folder of another recipe, or one that
            another run works in; nothing is written then.
        OutOfSpaceError: if the disk is full.
    """
    everything = collect_molecules(recipe) if molecules is None else molecules
    chosen = part_of(everything, limit, shard)
    check_method(chosen, recipe.method)
    if cluster is not None and memory_bytes is not None:
        raise InputError("with a cluster, give memory_gb_per_worker in its file")
    folder = DatasetFolder(Path(out), shard)
    with folder.opened(recipe, selection_table(everything)):
        wanted = [i for m in chosen for i in trajectory_ids(m, recipe) if only is None or i in only]
        run = _Run(folder, recipe, chosen, wanted, set(redo), retry_failed, on_record)
        workers = min(jobs or (cluster.workers if cluster else available_cores()), max(len(run.jobs), 1))
        if run.jobs:
            state = run.summary.state = RunState(workers, sum(map(cost, run.jobs)))
            try:
                state.write(folder.run_file)
                if cluster is None:
                    share = (memory_bytes or available_bytes()) / workers
                    run.work(WorkerPool(run_job, workers, stop), share, checkpoint_seconds)
                else:
                    run.work(cluster.executor(folder.run_file, state.run_id, stop), None, checkpoint_seconds)
            except OSError as error:
                raise_if_full(error, folder.root)
                raise
            finally:
                folder.run_file.unlink(missing_ok=True)
        run.summary.stopped = stop is not None and stop()
        return run.summary


class _Run:
    """The bookkeeping of one run: which jobs are left, what came back, what the index says."""

    def __init__(
        self,
        folder: DatasetFolder,
        recipe: GenerateRecipe,
        molecules: list[Molecule],
        wanted: list[str],
        redo: set[str],
        retry_failed: bool,
        on_record: Callable[[Record, Summary], None] | None,
    ) -> None:
        self.folder, self.recipe, self.on_record = folder, recipe, on_record
        self.geometries = {i: fingerprint(m) for m in molecules for i in trajectory_ids(m, recipe)}
        self.settled = folder.adopt({i: self.geometries[i] for i in wanted if i not in redo}, recipe)
        records = folder.records()
        failed = [] if retry_failed else [records[i] for i in wanted if records.get(i, {}).get("status") == "failed"]
        self.summary = Summary(len(wanted), len(self.settled), len(self.settled), failed)
        self.settled |= {r["id"] for r in failed}
        self.deaths: Counter[str] = Counter()
        missing = set(wanted) - self.settled
        jobs = (job.only(missing) for job in jobs_of(molecules, recipe, folder.root))
        self.jobs = [job for job in jobs if job.fields]

    def work(
        self, executor: Executor[Job, Record], memory_bytes: float | None, checkpoint_seconds: float | None
    ) -> None:
        """Run all jobs and note what becomes of them."""
        for job in self.jobs:
            executor.add(replace(job, memory_bytes=memory_bytes, checkpoint_seconds=checkpoint_seconds))
        with closing(executor.outcomes()) as outcomes:
            self._follow(outcomes, executor)

    def _follow(self, outcomes: Iterable[Outcome[Job, Record]], executor: Executor[Job, Record]) -> None:
        state = self.summary.state
        for outcome in outcomes:
            name = outcome.item.molecule.name
            if outcome.kind == "begun":
                state.current.append(name)
            elif outcome.kind in ("done", "died", "lost") and name in state.current:
                state.current.remove(name)
            for record in self._records(outcome, executor):
                self._note(record, cost(outcome.item) / len(outcome.item.fields))
            state.write(self.folder.run_file)

    def _records(self, outcome: Outcome[Job, Record], executor: Executor[Job, Record]) -> Iterator[Record]:
        if outcome.result is not None:
            yield outcome.result
        if outcome.kind not in ("died", "lost"):
            return
        missing = set(outcome.item.fields) - self.settled
        for identifier in self.folder.adopt(
            {i: self.geometries[i] for i in sorted(missing)}, self.recipe
        ):  # written, but nobody lived to say so
            missing.discard(identifier)
            self.settled.add(identifier)
            self.summary.done += 1
        left = outcome.item.only(missing)
        if not missing:
            return
        name = left.molecule.name
        self.deaths[name] += 1
        self.folder.log(f"{name}: the worker {outcome.kind} ({outcome.reason})")
        if self.deaths[name] < (ATTEMPTS if outcome.kind == "died" else ATTEMPTS_IF_LOST):
            executor.add(left)
            return
        for identifier in left.fields:
            times = "twice" if outcome.kind == "died" else f"{self.deaths[name]} times"
            yield failed_record(identifier, RuntimeError(f"its worker {outcome.kind} {times} ({outcome.reason})"))

    def _note(self, record: Record, cost_of_one: float) -> None:
        self.folder.append(record)
        self.settled.add(record["id"])
        self.summary.state.cost_done += cost_of_one
        if record["status"] == "done":
            self.summary.done += 1
        else:
            self.summary.failed.append(record)
            self.folder.log(f"{record['id']}: {record['error']}")
        if self.on_record is not None:
            self.on_record(record, self.summary)
