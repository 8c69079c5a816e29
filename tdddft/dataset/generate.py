"""Generate a data set: molecules x geometries x field directions."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TypedDict, Unpack

from graphlearn.base.device import check_device_name, find_device
from graphlearn.base.errors import InputError
from graphlearn.base.machine import available_bytes, available_cores
from graphlearn.base.workers.cluster import Cluster
from graphlearn.base.workers.parsl import ParslExecutor
from graphlearn.base.workers.pool import Executor, Stop, WorkerPool
from tdddft.dataset.index import Record
from tdddft.dataset.ownership import locked
from tdddft.dataset.plan import Plan, check_method, plan
from tdddft.dataset.progress import ToldToStop
from tdddft.dataset.recipe import GenerateRecipe
from tdddft.dataset.run import Run, Summary
from tdddft.dataset.store import DatasetFolder
from tdddft.dataset.worker import Job, run_job


class GenerateOptions(TypedDict, total=False):
    """Further keywords of :func:`tdddft.generate`; each may be left out. They do not change what is generated.

    Attributes:
        recompute: Where the recipe has more steps than before, make trajectories again that hold no state to go on
            from; otherwise such a folder is refused.
        retry_failed: Try again what failed before; otherwise it stays failed.
        memory_bytes: Memory for all workers together; by default what is available. A molecule that would need more
            than a worker's share fails by name before it starts.
        checkpoint_seconds: Shortest time between two checkpoints of a propagation; 30 s by default.
        device: Where the workers propagate: ``cpu`` (default), ``auto``, ``cuda`` or ``cuda:N``. Ground states are
            always computed on the CPU.
        cluster: Run on a cluster instead of on worker processes here.
        stop: Asked twice a second; once true, running propagations write their checkpoints and the run ends.
        on_record: Called in this process after every trajectory, finished or failed.
    """

    recompute: bool
    retry_failed: bool
    memory_bytes: float | None
    checkpoint_seconds: float | None
    device: str
    cluster: Cluster | None
    stop: Stop | None
    on_record: Callable[[Record, Summary], None] | None


def generate(
    recipe: GenerateRecipe,
    out: str | os.PathLike[str],
    *,
    jobs: int | None = None,
    limit: int | None = None,
    shard: tuple[int, int] | None = None,
    **options: Unpack[GenerateOptions],
) -> Summary:
    """Generate every missing trajectory of a recipe into a data-set folder.

    Running it again continues the folder: finished trajectories are kept, those that were under way go on from their
    checkpoints. With more steps in the recipe, finished trajectories are lengthened; with further directions, those of
    the new ones are added.

    Workers are spawned processes, so a script must call this under ``if __name__ == "__main__":``.

    Args:
        recipe: What to generate.
        out: The data-set folder.
        jobs: Worker processes, one thread each; all cores by default.
        limit: Only the first molecules.
        shard: Every n-th molecule from the i-th, for (i, n) with i from 1 to n; shards may run at the same time.
        **options: See :class:`GenerateOptions`.

    Returns:
        Counts and failures.

    Raises:
        InputError: for bad molecules, a method that does not cover them, a device that cannot be used, a folder of
            another recipe, or one that another run works in; nothing is written then.
        OutOfSpaceError: if the disk is full.
    """
    return run_plan(plan(recipe, limit=limit, shard=shard), DatasetFolder(Path(out), shard), jobs=jobs, **options)


def run_plan(
    plan: Plan,
    folder: DatasetFolder,
    *,
    jobs: int | None = None,
    redo: Collection[str] = (),
    **options: Unpack[GenerateOptions],
) -> Summary:
    """Generate every missing trajectory of a plan.

    Args:
        plan: What the run is about, see :func:`tdddft.dataset.plan.plan`.
        folder: Where it is written; its shard is that of the plan.
        jobs: Worker processes; all cores by default.
        redo: Ids to make again even if they look finished; their files stay until the new ones are there.
        **options: See :class:`GenerateOptions`.

    Returns:
        Counts and failures.

    Raises:
        InputError: as for :func:`generate`.
        OutOfSpaceError: if the disk is full.
    """
    if unknown := set(options) - set(GenerateOptions.__annotations__):
        raise TypeError(f"unexpected keyword {', '.join(sorted(unknown))}")
    cluster, stop, memory = options.get("cluster"), options.get("stop"), options.get("memory_bytes")
    if cluster is not None and memory is not None:
        raise InputError("with a cluster, give memory_gb_per_worker in its file")
    device = options.get("device", "cpu")
    # the nodes of a cluster may have devices that this machine lacks
    device = check_device_name(device) if cluster else str(find_device(device))
    check_method(plan.chosen, plan.recipe.method)
    with locked(folder, plan.recipe, plan.selection, recompute=options.get("recompute", False)):
        run = Run(
            plan, folder, redo, retry_failed=options.get("retry_failed", False), on_record=options.get("on_record")
        )
        if run.jobs:
            workers = min(jobs or (cluster.workers if cluster else available_cores()), len(run.jobs))
            per_worker = cluster.memory_bytes if cluster else (memory or available_bytes()) / workers
            with run.on_workers(workers):
                executor: Executor[Job, Record]
                if cluster is None:
                    executor = WorkerPool(run_job, workers, stop)
                else:
                    told = ToldToStop(folder.run_file.resolve(), run.state.run_id)
                    executor = ParslExecutor(cluster, run_job, folder.run_file, told, run.ask_to_stop, stop)
                run.work(executor, per_worker, options.get("checkpoint_seconds"), device)
        run.summary.stopped = stop is not None and stop()
        return run.summary
