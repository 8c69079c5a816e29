"""What all commands share: errors as one line, exit codes, progress bars.

Exit codes: 0 done; 1 done, but something failed or is not valid; 2 bad input; 3 stopped half-way by a fault, can be
continued; 75 (sysexits' "temporary failure") stopped by SIGTERM, can be continued; 130 interrupted, can be continued.
"""

from __future__ import annotations

import json
import logging
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from graphlearn.base.errors import ContractError, ConvergenceError, InputError, printable
from graphlearn.base.extras import missing_library

INTERRUPTED = 130
RESUMABLE = 75
SECONDS_BETWEEN_LINES = 10.0
LOGGERS = ("tdddft", "graphlearn")  # their level is that of the options --verbose and --quiet
Update = Callable[..., None]

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


class _Terminated(SystemExit):
    """SIGTERM, outside of work that ends by itself when it is asked to."""


def _terminate(number: int, frame: FrameType | None) -> None:
    raise _Terminated(RESUMABLE)


def run(extra: str, app: Callable[[], None]) -> None:
    """Run a command-line app; user errors become one line on stderr and an exit code.

    Args:
        extra: The extra of this package that the command needs most.
        app: Imports and runs it.
    """
    signal.signal(signal.SIGTERM, _terminate)
    try:
        app()
    except (InputError, ContractError) as error:
        fail(str(error), 2)
    except ConvergenceError as error:
        fail(str(error), 1)
    except ModuleNotFoundError as error:
        said = missing_library(error, extra)
        if said is None:
            raise
        fail(said, 2)
    except _Terminated:
        fail("stopped; what is finished is kept, run the same command again to continue", RESUMABLE)
    except SystemExit as stop:
        if stop.code == INTERRUPTED:
            fail("interrupted; what is finished is kept, run the same command again to continue", INTERRUPTED)
        raise
    except OSError as error:
        fail(f"{error.filename or 'file system'}: {error.strerror or error}; check the path, permissions and space", 2)
    except RuntimeError as error:
        fail(str(error), 3)


def fail(message: str, code: int) -> None:
    """Print ``error: message`` on stderr and exit; with ``--verbose`` also where it arose.

    Args:
        message: What was wrong, where, and what to do next.
        code: Exit code.
    """
    logging.getLogger(LOGGERS[0]).debug("where it arose", exc_info=sys.exc_info()[0] is not None)
    err.print(f"error: {printable(message)}", style="red", markup=False, soft_wrap=True)
    sys.exit(code)


def say_left_out(reason: str) -> None:
    """Print on stderr what is left out, and why; the command goes on without it."""
    err.print(f"left out: {printable(reason)}", style="yellow", markup=False, soft_wrap=True)


@contextmanager
def only_json(asked: bool) -> Iterator[Callable[[Any], None]]:
    """Within, and if asked for, nothing is written to stdout but what is given to the function that this yields."""
    before, out.quiet = out.quiet, asked or out.quiet
    try:
        yield lambda content: print(json.dumps(content, indent=2)) if asked else None
    finally:
        out.quiet = before


@contextmanager
def progress(description: str, total: int) -> Iterator[Update]:
    """Show how far a stage is: a bar with ETA on a terminal, a line every ten seconds elsewhere; not if ``--quiet``.

    Args:
        description: What is counted.
        total: Number of items.

    Yields:
        A function to call with the number of finished items, a short note, and the part of the work that is done
        (0 to 1) where the items are of unequal size.
    """
    if not logging.getLogger(LOGGERS[0]).isEnabledFor(logging.WARNING):
        yield lambda completed, note="", fraction=None: None
        return
    if not out.is_terminal:
        yield _lines(description, total)
        return
    columns = (
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[count]}"), TimeElapsedColumn(),
        TextColumn("ETA"), TimeRemainingColumn(), TextColumn("{task.fields[note]}"),
    )  # fmt: skip
    with Progress(*columns, console=out) as bar:
        task = bar.add_task(description, total=1.0, count=f"0/{total}", note="")

        def update(completed: int, note: str = "", fraction: float | None = None) -> None:
            part = completed / max(total, 1) if fraction is None else fraction
            bar.update(task, completed=part, count=f"{completed}/{total}", note=note)

        yield update


def _lines(description: str, total: int) -> Update:
    started = printed = time.perf_counter()
    first: float | None = None

    def update(completed: int, note: str = "", fraction: float | None = None) -> None:
        nonlocal printed, first
        now = time.perf_counter()
        part = completed / max(total, 1) if fraction is None else fraction
        first = part if first is None else first
        if completed < total and now - printed < SECONDS_BETWEEN_LINES:
            return
        printed = now
        speed = (part - first) / (now - started) if now > started else 0.0
        eta = f", ETA {(1.0 - part) / speed:.0f} s" if speed > 0 and completed < total else ""
        out.print(f"{description} {completed}/{total}, {now - started:.0f} s{eta} {note}".rstrip())

    return update
