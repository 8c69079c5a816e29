"""What all commands share: errors as one line, exit codes, progress bars.

Exit codes: 0 done; 1 done, but something failed or is not valid; 2 bad input; 3 stopped half-way by a fault, can be
continued; 130 interrupted, can be continued.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from tdddft.errors import ContractError, ConvergenceError, InputError

INTERRUPTED = 130

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def run(app: Callable[[], None]) -> None:
    """Run a command-line app; user errors become one line on stderr and an exit code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        app()
    except (InputError, ContractError) as error:
        fail(str(error), 2)
    except ConvergenceError as error:
        fail(str(error), 1)
    except SystemExit as stop:
        if stop.code == INTERRUPTED:
            fail("interrupted; what is finished is kept, run the same command again to continue", INTERRUPTED)
        raise
    except RuntimeError as error:
        fail(str(error), 3)


def fail(message: str, code: int) -> None:
    """Print ``error: message`` on stderr and exit."""
    err.print(f"error: {message}", style="red", markup=False, soft_wrap=True)
    sys.exit(code)


def progress_bar(console: Console | None = None) -> Progress:
    """A progress bar with counts, elapsed time and ETA; plain text where the output is not a terminal."""
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        TextColumn("ETA"), TimeRemainingColumn(), TextColumn("{task.fields[note]}"), console=console or out,
    )  # fmt: skip
