"""Single-threaded worker processes on this machine, each replaced when it dies."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from graphlearn.base.workers.scratch import SCRATCH_VARIABLES, remove_scratch, scratch_folder

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
SAFE_PATH = "PYTHONSAFEPATH"  # a spawned Python would look for its modules in the working folder first
LEFT_TO_THE_PARENT = (signal.SIGINT, signal.SIGTERM)
POLL_SECONDS = 0.5
GRACE_SECONDS = 20.0
T = TypeVar("T")
R = TypeVar("R")
Stop = Callable[[], bool]
Function = Callable[[T, Stop], Iterable[R]]


@dataclass(frozen=True)
class Outcome(Generic[T, R]):
    """What a worker said about an item: a result, that it begins or has no more of them, or how the worker died.

    ``lost`` stands for a worker that went away through no fault of the item, with its batch job.
    """

    item: T
    kind: str  # begun, result, done, died, lost
    result: R | None = None
    reason: str = ""


class Executor(Protocol[T, R]):
    """What runs items somewhere and tells what becomes of them."""

    def add(self, item: T) -> None:
        """Queue an item; also while outcomes are read."""

    def outcomes(self) -> Generator[Outcome[T, R]]:
        """What happens, until all items are done or the run is to stop."""
        ...


@dataclass
class _Worker(Generic[T]):
    process: Any
    connection: Connection
    item: T | None = None


class WorkerPool(Generic[T, R]):
    """Runs ``function(item, stop)``, a generator of results, on worker processes.

    A worker that dies (killed, out of memory) takes nothing with it but its own item, which comes back as an outcome
    ``died``; call :meth:`add` to try it again.

    Args:
        function: Importable function. It should return early once ``stop()`` is true.
        workers: Number of processes, one BLAS and OpenMP thread each; they are spawned.
        stop: Asked twice a second; once true, no item is begun any more and the workers are told.
    """

    def __init__(self, function: Function[T, R], workers: int, stop: Stop | None = None) -> None:
        self._function, self._size, self._stop = function, workers, stop or (lambda: False)
        self._waiting: deque[T] = deque()
        self._workers: list[_Worker[T]] = []
        self._scratch = Path()
        self._context = multiprocessing.get_context("spawn")

    def add(self, item: T) -> None:
        """Queue an item; items are begun in the order in which they were added."""
        self._waiting.append(item)

    def outcomes(self) -> Generator[Outcome[T, R]]:
        """Yield what happens until all items are done, or the running ones have stopped; then end the workers."""
        with scratch_folder() as self._scratch:
            yield from self._outcomes()

    def _outcomes(self) -> Iterator[Outcome[T, R]]:
        stopping: float | None = None
        try:
            while any(w.item is not None for w in self._workers) or (self._waiting and stopping is None):
                if stopping is None and self._stop():
                    stopping = time.monotonic()
                    self._tell_to_stop()
                if stopping is None:
                    yield from self._hand_out()
                elif time.monotonic() - stopping > GRACE_SECONDS:
                    return
                yield from self._listen()
        finally:
            self._end()

    def _hand_out(self) -> Iterator[Outcome[T, R]]:
        while self._waiting:
            idle = next((w for w in self._workers if w.item is None), None)
            if idle is None and len(self._workers) == self._size:
                return
            worker = idle or self._start()
            item = self._waiting.popleft()
            try:
                worker.connection.send(item)
            except OSError:
                yield Outcome(item, "died", reason=self._bury(worker))
                continue
            worker.item = item
            yield Outcome(item, "begun")

    def _start(self) -> _Worker[T]:
        ours, theirs = self._context.Pipe()
        with environment_of_children(self._scratch), signals_left_to_the_parent():
            process = self._context.Process(target=_work, args=(self._function, theirs, self._scratch), daemon=True)
            process.start()
        theirs.close()
        worker: _Worker[T] = _Worker(process, ours)
        self._workers.append(worker)
        return worker

    def _listen(self) -> Iterator[Outcome[T, R]]:
        ready = wait([w.connection for w in self._workers], timeout=POLL_SECONDS)
        for worker in [w for w in self._workers if w.connection in ready]:
            item = worker.item
            try:
                kind, value = worker.connection.recv()
            except (EOFError, OSError):
                reason = self._bury(worker)
                if item is not None:
                    yield Outcome(item, "died", reason=reason)
                continue
            if kind == "raised":
                raise value
            if item is not None:
                if kind == "done":
                    worker.item = None
                yield Outcome(item, kind, value)

    def _tell_to_stop(self) -> None:
        for worker in self._workers:
            with suppress(OSError):
                worker.connection.send(None)

    def _bury(self, worker: _Worker[T]) -> str:
        self._workers.remove(worker)
        worker.connection.close()
        worker.process.join()
        code = worker.process.exitcode
        if code is not None and code < 0:
            name = signal.Signals(-code).name
            return f"{name}{', perhaps for lack of memory' if name == 'SIGKILL' else ''}"
        return f"exit code {code}"

    def _end(self) -> None:
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.process.join()
            worker.connection.close()
        self._workers.clear()


def map_unordered(function: Callable[[T], R], work: Sequence[T], workers: int) -> Iterator[R]:
    """Yield ``function(item)`` of every item as they finish, on worker processes.

    Args:
        function: Importable.
        work: The items.
        workers: Number of processes.

    Yields:
        Results in the order in which they come.

    Raises:
        RuntimeError: if a worker dies.
    """
    pool: WorkerPool[T, R] = WorkerPool(partial(_once, function), workers)
    for item in work:
        pool.add(item)
    for outcome in pool.outcomes():
        if outcome.kind == "died":
            raise RuntimeError(
                f"a worker process died ({outcome.reason}); what is finished is kept, "
                "run the same command again to continue, with fewer --jobs if memory was short"
            )
        if outcome.kind == "result":
            yield outcome.result  # type: ignore[misc]


@contextmanager
def environment_of_children(scratch: Path) -> Iterator[None]:
    """Processes started inside use one BLAS and OpenMP thread each, import nothing from the working folder, and keep
    their temporary files in a folder.
    """
    wanted = dict.fromkeys((*THREAD_VARIABLES, SAFE_PATH), "1") | dict.fromkeys(SCRATCH_VARIABLES, str(scratch))
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def signals_left_to_the_parent() -> Iterator[None]:
    """Ctrl-C and SIGTERM wait: processes started inside begin without them, and this one gets them afterwards."""
    resource_tracker.ensure_running()  # started by a process inside, it would let the signals through
    before = signal.pthread_sigmask(signal.SIG_BLOCK, LEFT_TO_THE_PARENT)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _once(function: Callable[[T], R], item: T, stop: Stop) -> list[R]:
    return [function(item)]


def _work(function: Function[T, R], connection: Connection, scratch: Path) -> None:
    """Life of a worker: items in, results out; signals are the parent's business, and it ends with its parent."""
    for number in LEFT_TO_THE_PARENT:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, LEFT_TO_THE_PARENT)
    _end_with_parent(scratch)
    while True:
        try:
            item = connection.recv()
        except (EOFError, OSError):
            return
        if item is None:
            return
        try:
            for result in function(item, connection.poll):
                connection.send(("result", result))
            connection.send(("done", None))
        except (BrokenPipeError, ConnectionResetError):
            return
        except Exception as error:
            connection.send(("raised", error))


def _end_with_parent(scratch: Path) -> None:
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        remove_scratch(scratch)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
