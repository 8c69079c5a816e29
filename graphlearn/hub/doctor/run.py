"""Everything the doctor looks at, one check after another."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator

from graphlearn.base.extras import extras_with
from graphlearn.base.workers.pool import Stop, WorkerPool
from graphlearn.hub.doctor.check import Check
from graphlearn.hub.doctor.machine import folders, machine
from graphlearn.hub.doctor.packages import packages
from graphlearn.hub.doctor.self_tests import TESTS

TIME_LIMIT_SECONDS = 120.0
SECTION = "self-test"


def run_checks() -> Iterator[Check]:
    """Look at the machine, the packages and the folders, and try each part; never raises for what is not there.

    torch and PySCF bring OpenMP runtimes of their own, and a broken build may take its process with it: the tests run
    in worker processes, simulation in one and learning in another.
    """
    yield from machine()
    yield from packages()
    yield from folders()
    end = time.monotonic() + TIME_LIMIT_SECONDS
    pool: WorkerPool[str, Check] = WorkerPool(_try_all, len(TESTS), stop=lambda: time.monotonic() > end)
    for name in TESTS:
        pool.add(name)
    tried: Counter[str] = Counter()
    for outcome in pool.outcomes():
        if outcome.kind == "result" and outcome.result is not None:
            tried[outcome.item] += 1
            yield outcome.result
        elif outcome.kind == "died":
            part, (_, package) = list(TESTS[outcome.item].items())[tried[outcome.item]]
            tried[outcome.item] = len(TESTS[outcome.item])
            yield Check(SECTION, part, "failed", f"its process died: {outcome.reason}", _reinstall(package))
    for name, tests in TESTS.items():
        for part in list(tests)[tried[name] :]:
            yield Check(SECTION, part, "failed", f"no answer in {TIME_LIMIT_SECONDS:.0f} s", "graphlearn doctor")


def _try_all(name: str, stop: Stop) -> Iterator[Check]:
    for part, (test, package) in TESTS[name].items():
        if stop():
            return
        yield _try(part, test, package)


def _try(part: str, test: Callable[[], str], package: str) -> Check:
    started = time.perf_counter()
    try:
        detail = test()
    except ModuleNotFoundError as error:
        absent = (error.name or package).split(".")[0]
        extras = extras_with(absent)
        advice = f"pip install 'graphlearn[{extras[-1]}]'" if extras else f"pip install {absent}"
        return Check(SECTION, part, "missing", f"{error}", advice, needed=not extras)
    except Exception as error:  # whatever is broken, the other parts are looked at
        reason = (str(error).splitlines() or [""])[0]
        return Check(SECTION, part, "failed", f"{type(error).__name__}: {reason}", _reinstall(package))
    return Check(SECTION, part, "ok", f"{detail}; {time.perf_counter() - started:.1f} s")


def _reinstall(package: str) -> str:
    return f"pip install --force-reinstall --no-deps {package}"
