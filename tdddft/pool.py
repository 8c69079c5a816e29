"""A pool of single-threaded worker processes on this machine."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import TypeVar

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
T = TypeVar("T")
R = TypeVar("R")


def map_unordered(function: Callable[[T], R], work: Sequence[T], workers: int) -> Iterator[R]:
    """Yield ``function(item)`` of every item as they finish, on worker processes; on any exit the workers are ended.

    Raises:
        RuntimeError: if a worker dies.
    """
    if not work:
        return
    with single_threaded_children():
        pool = ProcessPoolExecutor(
            min(workers, len(work)), mp_context=multiprocessing.get_context("spawn"), initializer=_start_worker
        )
        futures = [pool.submit(function, item) for item in work]
    try:
        for future in as_completed(futures):
            yield future.result()
        pool.shutdown()
    except BrokenProcessPool:
        raise RuntimeError(
            "a worker process died (killed, or out of memory); what is finished is kept, "
            "run the same command again to continue, with fewer --jobs if memory was short"
        ) from None
    finally:
        for process in list((pool._processes or {}).values()):
            process.terminate()
        pool.shutdown(wait=True, cancel_futures=True)


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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
