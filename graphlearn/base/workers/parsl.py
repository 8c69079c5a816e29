"""Generation on a cluster: jobs go out through Parsl, files and index stay in the same data-set folder."""

from __future__ import annotations

import math
import shlex
import sys
import time
from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from graphlearn.base.errors import InputError, OutOfSpaceError
from graphlearn.base.recipes.section import RecipeSection
from graphlearn.base.workers.pool import GRACE_SECONDS, POLL_SECONDS, THREAD_VARIABLES, Outcome, Stop
from tdddft.dataset.index import Record
from tdddft.dataset.progress import read_run_state
from tdddft.dataset.worker import Job, run_job

SECONDS_BETWEEN_LOOKS = 5.0
MISSING_PARSL = "--cluster needs Parsl: pip install 'graphlearn[cluster]'"


class Cluster(RecipeSection):
    """How to reach a cluster; the file of ``--cluster``.

    The data-set folder must be visible under the same path on all nodes.
    """

    provider: Literal["local", "slurm", "pbs", "kubernetes"] = "local"
    workers_per_node: int = Field(1, ge=1, description="trajectories at a time on a node, one core each")
    nodes_per_block: int = Field(1, ge=1, description="nodes of one batch job")
    max_blocks: int = Field(1, ge=1, description="batch jobs (pods) at a time")
    walltime: str = Field("24:00:00", pattern=r"^\d+:\d\d:\d\d$", description="of one batch job; slurm and pbs")
    worker_init: str = Field("", description="shell commands to run first, such as 'source venv/bin/activate'")
    memory_gb_per_worker: float | None = Field(None, gt=0, description="larger molecules fail by name")
    orphan_seconds: float = Field(
        180.0, gt=0, description="processes on the cluster end when the run on this machine is gone for so long"
    )
    address: str | None = Field(None, description="of this machine as the nodes see it; found out by default")
    options: dict[str, Any] = Field(
        default_factory=dict,
        description="further arguments of Parsl's provider, such as partition, account or image",
    )

    def idle(self) -> Mapping[str, str]:
        """The wall time, where there is no batch queue."""
        if self.provider in ("slurm", "pbs"):
            return {}
        return {"walltime": f"provider {self.provider} has no batch queue"}

    @property
    def workers(self) -> int:
        """Trajectories at a time when all blocks run."""
        return self.workers_per_node * self.nodes_per_block * self.max_blocks

    def executor(self, run_file: Path, run_id: str, stop: Stop | None) -> ParslExecutor:
        """A running Parsl, with the interface of :class:`graphlearn.base.workers.pool.WorkerPool`."""
        return ParslExecutor(self, run_file, run_id, stop or (lambda: False))


@dataclass(frozen=True)
class RemoteJob:
    """A job with the run that it belongs to; it stops when another run has taken over the folder."""

    job: Job
    run_file: Path
    run_id: str

    def __call__(self) -> list[Record]:
        """Run it where it is called."""
        stop = _ToldToStop(self.run_file, self.run_id)
        return [] if stop() else list(run_job(self.job, stop))


@dataclass
class _ToldToStop:
    """Whether the run wants its jobs to stop, or another run has taken over; looks at its state file now and then."""

    run_file: Path
    run_id: str
    looked: float = -math.inf

    def __call__(self) -> bool:
        if time.monotonic() - self.looked < SECONDS_BETWEEN_LOOKS:
            return False
        self.looked = time.monotonic()
        state = read_run_state(self.run_file)
        return state is not None and (state.run_id != self.run_id or state.stopping)


class ParslExecutor:
    """Jobs as Parsl tasks; see :class:`graphlearn.base.workers.pool.WorkerPool` for what add and outcomes do.

    Args:
        cluster: Where to run.
        run_file: State file of the run, touched while it lives; Parsl's own files go to ``cluster/`` beside it.
        run_id: Identity of the run.
        stop: Asked twice a second.

    Raises:
        InputError: where Parsl is not installed, or does not take the provider's options.
    """

    def __init__(self, cluster: Cluster, run_file: Path, run_id: str, stop: Stop) -> None:
        try:
            from parsl import python_app
            from parsl.dataflow.dflow import DataFlowKernel
        except ImportError:
            raise InputError(MISSING_PARSL) from None
        self._kernel = DataFlowKernel(parsl_config(cluster, run_file))
        self._app = python_app(_call, data_flow_kernel=self._kernel)
        self._run_file, self._run_id, self._stop = run_file, run_id, stop
        self._memory = cluster.memory_gb_per_worker
        self._pending: dict[Future[list[Record]], Job] = {}

    def add(self, item: Job) -> None:
        """Submit a job."""
        job = item if self._memory is None else replace(item, memory_bytes=self._memory * 1e9)
        self._pending[self._app(RemoteJob(job, self._run_file.resolve(), self._run_id))] = job

    def outcomes(self) -> Generator[Outcome[Job, Record]]:
        """Yield what happens until all jobs are done or have stopped; then end Parsl and its workers.

        Raises:
            RuntimeError: if the cluster does not start the workers.
        """
        deadline = math.inf
        try:
            while self._pending and time.monotonic() < deadline:
                if deadline == math.inf and self._stop():
                    deadline = time.monotonic() + GRACE_SECONDS
                    self._tell_to_stop()
                finished, _ = wait(self._pending, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
                self._run_file.touch()
                for future in finished:
                    yield from self._outcomes_of(future, self._pending.pop(future))
        finally:
            self._kernel.cleanup()

    def _tell_to_stop(self) -> None:
        state = read_run_state(self._run_file)
        if state is not None:
            replace(state, stopping=True).write(self._run_file)

    def _outcomes_of(self, future: Future[list[Record]], job: Job) -> Iterator[Outcome[Job, Record]]:
        from parsl.executors.errors import BadStateException
        from parsl.executors.high_throughput.errors import ManagerLost, WorkerLost

        error = future.exception()
        if isinstance(error, OutOfSpaceError):
            raise error
        if isinstance(error, BadStateException):
            raise RuntimeError(
                f"the cluster does not run the workers ({error}); see the files in "
                f"{self._run_file.parent / 'cluster'}, mend the cluster file and run the same command again"
            )
        if error is not None:
            kind = "lost" if isinstance(error, (ManagerLost, WorkerLost)) else "died"
            yield Outcome(job, kind, reason=f"{type(error).__name__}: {error}")
            return
        for record in future.result():
            yield Outcome(job, "result", record)
        yield Outcome(job, "done")


def parsl_config(cluster: Cluster, run_file: Path) -> Any:
    """Parsl's configuration: one high-throughput executor on the provider that is asked for, all of it under guard."""
    from parsl.addresses import address_by_hostname
    from parsl.config import Config
    from parsl.executors import HighThroughputExecutor
    from parsl.executors.high_throughput.executor import DEFAULT_LAUNCH_CMD

    local = cluster.provider == "local"
    run_file = run_file.resolve()
    guard = ["-m", "graphlearn.base.workers.orphan_guard", str(run_file), str(cluster.orphan_seconds)]
    interchange = str(Path(sys.executable).with_name("interchange.py"))
    executor = HighThroughputExecutor(
        label="tdddft",
        address=cluster.address or ("127.0.0.1" if local else address_by_hostname()),
        max_workers_per_node=cluster.workers_per_node,
        cores_per_worker=1e-6 if local else 1.0,  # here the number of workers is what the user says
        provider=_provider(cluster),
        launch_cmd=f"{shlex.join(['python', *guard])} {DEFAULT_LAUNCH_CMD}",
        interchange_launch_cmd=[sys.executable, *guard, sys.executable, interchange],
    )
    return Config([executor], run_dir=str(run_file.parent / "cluster"), initialize_logging=False)


def _provider(cluster: Cluster) -> Any:
    from parsl import providers
    from parsl.launchers import MpiExecLauncher, SimpleLauncher, SrunLauncher

    classes = {
        "local": providers.LocalProvider, "slurm": providers.SlurmProvider, "pbs": providers.PBSProProvider,
        "kubernetes": providers.KubernetesProvider,
    }  # fmt: skip
    threads = "; ".join(f"export {name}=1" for name in THREAD_VARIABLES)
    path = f'export PATH="{Path(sys.executable).parent}:$PATH"' if cluster.provider == "local" else ""
    settings: dict[str, Any] = {
        "nodes_per_block": cluster.nodes_per_block,
        "init_blocks": 1,
        "max_blocks": cluster.max_blocks,
        "worker_init": "; ".join(filter(None, (cluster.worker_init.strip().rstrip(";"), path, threads))),
    }
    if cluster.provider in ("slurm", "pbs"):
        several = SrunLauncher() if cluster.provider == "slurm" else MpiExecLauncher()
        settings |= {
            "walltime": cluster.walltime,
            "launcher": several if cluster.nodes_per_block > 1 else SimpleLauncher(),
        }
    try:
        return classes[cluster.provider](**(settings | cluster.options))
    except Exception as error:  # a wrong argument, its wrong type, or a missing client library
        raise InputError(f"cluster: {cluster.provider} does not take these options ({error})") from None


def _call(job: RemoteJob) -> list[Record]:
    return job()
