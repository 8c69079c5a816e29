"""Jobs on a cluster through Parsl; what they write goes to a folder that all machines see."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from pathlib import Path
from typing import Generic, TypeVar

from graphlearn.base.errors import InputError, OutOfSpaceError
from graphlearn.base.workers.cluster import Cluster, parsl_config
from graphlearn.base.workers.pool import GRACE_SECONDS, POLL_SECONDS, Function, Outcome, Stop

MISSING_PARSL = "--cluster needs Parsl: pip install 'graphlearn[cluster]'"
T = TypeVar("T")
R = TypeVar("R")


class ParslExecutor(Generic[T, R]):
    """Items as Parsl tasks; see :class:`graphlearn.base.workers.pool.WorkerPool` for what add and outcomes do.

    Args:
        cluster: Where to run.
        function: Importable function of an item and of ``told_to_stop`` that gives results.
        run_file: State file of the run, touched while it lives; Parsl's own files go to ``cluster/`` beside it.
        told_to_stop: Asked where the items run, so it must be possible to pickle it; no item is begun once it is true.
        ask_to_stop: Called once when the run is to stop; ``told_to_stop`` must then become true.
        stop: Asked here twice a second.

    Raises:
        InputError: where Parsl is not installed, or does not take the provider's options.
    """

    def __init__(
        self,
        cluster: Cluster,
        function: Function[T, R],
        run_file: Path,
        told_to_stop: Stop,
        ask_to_stop: Callable[[], None],
        stop: Stop | None = None,
    ) -> None:
        try:
            from parsl import python_app
            from parsl.dataflow.dflow import DataFlowKernel
        except ImportError:
            raise InputError(MISSING_PARSL) from None
        self._kernel = DataFlowKernel(parsl_config(cluster, run_file))
        self._app = python_app(_call, data_flow_kernel=self._kernel)
        self._function, self._run_file, self._told_to_stop = function, run_file, told_to_stop
        self._ask_to_stop, self._stop = ask_to_stop, stop or (lambda: False)
        self._pending: dict[Future[list[R]], T] = {}

    def add(self, item: T) -> None:
        """Submit an item."""
        self._pending[self._app(self._function, item, self._told_to_stop)] = item

    def outcomes(self) -> Generator[Outcome[T, R]]:
        """What happens until all items are done or have stopped; then Parsl and its workers are ended.

        Yields:
            Outcomes in the order in which they are known.

        Raises:
            RuntimeError: if the cluster does not start the workers.
        """
        deadline = math.inf
        try:
            while self._pending and time.monotonic() < deadline:
                if deadline == math.inf and self._stop():
                    deadline = time.monotonic() + GRACE_SECONDS
                    self._ask_to_stop()
                finished, _ = wait(self._pending, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
                self._run_file.touch()
                for future in finished:
                    yield from self._outcomes_of(future, self._pending.pop(future))
        finally:
            self._kernel.cleanup()

    def _outcomes_of(self, future: Future[list[R]], item: T) -> Iterator[Outcome[T, R]]:
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
            yield Outcome(item, kind, reason=f"{type(error).__name__}: {error}")
            return
        for result in future.result():
            yield Outcome(item, "result", result)
        yield Outcome(item, "done")


def _call(function: Function[T, R], item: T, told_to_stop: Stop) -> list[R]:
    return [] if told_to_stop() else list(function(item, told_to_stop))
