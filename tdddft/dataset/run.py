"""The state of one run: which jobs are left, what came back, what the index and ``run.json`` say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace

from graphlearn.base.workers.pool import Executor, Outcome
from tdddft.dataset.growth import to_lengthen
from tdddft.dataset.index import Record, failed_record
from tdddft.dataset.plan import Plan
from tdddft.dataset.progress import RunState
from tdddft.dataset.recovery import recover_finished
from tdddft.dataset.store import DatasetFolder
from tdddft.dataset.worker import Job, make_jobs

MAX_ATTEMPTS = 2  # of a job whose worker dies
MAX_ATTEMPTS_IF_LOST = 20  # of one whose batch job ends


@dataclass
class Summary:
    """What a run did.

    Args:
        total: Trajectories that it was about.
        already_done: Those that were finished before.
        done: Those that are finished now.
        failed: Records of failures, older ones included that were not tried again.
        fraction: Part of the work that is done by cost, 0 to 1.
        stopped: Whether it was asked to stop before its end.
    """

    total: int
    already_done: int
    done: int
    failed: list[Record] = field(default_factory=list)
    fraction: float = 1.0
    stopped: bool = False


class Run:
    """The bookkeeping of one run in a folder that it holds.

    Args:
        plan: What it is about.
        folder: Where it writes.
        redo: Ids to make again even if they look finished.
        retry_failed: Try again what failed before.
        on_record: Called after every trajectory, finished or failed.
    """

    def __init__(
        self,
        plan: Plan,
        folder: DatasetFolder,
        redo: Collection[str],
        *,
        retry_failed: bool,
        on_record: Callable[[Record, Summary], None] | None,
    ) -> None:
        self.plan, self.folder, self.on_record = plan, folder, on_record
        self.settled = self._recover(set(plan.ids) - set(redo))
        records = folder.records()
        failed = [] if retry_failed else [records[i] for i in plan.ids if records.get(i, {}).get("status") == "failed"]
        self.summary = Summary(len(plan.ids), len(self.settled), len(self.settled), failed)
        self.settled |= {r["id"] for r in failed}
        self.worker_deaths: Counter[str] = Counter()
        left = set(plan.ids) - self.settled
        self.jobs = make_jobs(plan, left, folder, to_lengthen(folder, plan.recipe, left - set(redo)))
        self.state = RunState(0, sum(job.cost for job in self.jobs))

    @contextmanager
    def on_workers(self, workers: int) -> Iterator[None]:
        """Within, ``run.json`` says what the run is doing.

        Args:
            workers: How many work on it.

        Yields:
            Nothing.

        Raises:
            OutOfSpaceError: if the disk is full.
        """
        self.state.workers = workers
        try:
            self._write_state()
            yield
        except OSError as error:
            self.folder.reraise_disk_full(error)
            raise
        finally:
            self.folder.run_file.unlink(missing_ok=True)

    def work(
        self,
        executor: Executor[Job, Record],
        memory_bytes: float | None,
        checkpoint_seconds: float | None,
        device: str,
    ) -> None:
        """Run all jobs and note what becomes of them.

        Args:
            executor: Where they run.
            memory_bytes: What a worker may use.
            checkpoint_seconds: Shortest time between two checkpoints of a propagation.
            device: Where the workers propagate.
        """
        for job in self.jobs:
            executor.add(replace(job, memory_bytes=memory_bytes, checkpoint_seconds=checkpoint_seconds, device=device))
        with closing(executor.outcomes()) as outcomes:
            for outcome in outcomes:
                self._follow(outcome, executor)

    def ask_to_stop(self) -> None:
        """Say in ``run.json`` that jobs elsewhere are to stop."""
        self.state.stopping = True
        self._write_state()

    def _write_state(self) -> None:
        self.summary.fraction = self.state.fraction
        self.state.write(self.folder.run_file)

    def _follow(self, outcome: Outcome[Job, Record], executor: Executor[Job, Record]) -> None:
        name, current = outcome.item.molecule.name, self.state.current
        if outcome.kind == "begun":
            current.append(name)
        elif outcome.kind in ("done", "died", "lost") and name in current:
            current.remove(name)
        for record in self._records(outcome, executor):
            self._note(record, outcome.item.cost / len(outcome.item.fields))
        self._write_state()

    def _records(self, outcome: Outcome[Job, Record], executor: Executor[Job, Record]) -> Iterator[Record]:
        if outcome.result is not None:
            yield outcome.result
        if outcome.kind not in ("died", "lost"):
            return
        recovered = self._recover(set(outcome.item.fields) - self.settled)  # written, but not reported
        self.settled |= recovered
        self.summary.done += len(recovered)
        left = outcome.item.only(set(outcome.item.fields) - self.settled)
        if not left.fields:
            return
        name = left.molecule.name
        self.worker_deaths[name] += 1
        self.folder.log(f"{name}: the worker {outcome.kind} ({outcome.reason})")
        if self.worker_deaths[name] < (MAX_ATTEMPTS if outcome.kind == "died" else MAX_ATTEMPTS_IF_LOST):
            executor.add(left)
            return
        for identifier in left.fields:
            times = "twice" if outcome.kind == "died" else f"{self.worker_deaths[name]} times"
            yield failed_record(identifier, RuntimeError(f"its worker {outcome.kind} {times} ({outcome.reason})"))

    def _recover(self, ids: Collection[str]) -> set[str]:
        wanted = {i: fingerprint for i, fingerprint in self.plan.fingerprints.items() if i in ids}
        return recover_finished(self.folder, self.plan.recipe, wanted)

    def _note(self, record: Record, cost_of_one: float) -> None:
        self.folder.append(record)
        self.settled.add(record["id"])
        self.state.cost_done += cost_of_one
        self.summary.fraction = self.state.fraction
        if record["status"] == "done":
            self.summary.done += 1
        else:
            self.summary.failed.append(record)
            self.folder.log(f"{record['id']}: {record['error']}")
        if self.on_record is not None:
            self.on_record(record, self.summary)
