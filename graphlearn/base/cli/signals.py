"""Ending long work on request, so that it can be continued."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import NoReturn

import typer

from graphlearn.base.cli.shell import INTERRUPTED, RESUMABLE, err


@dataclass
class StopRequest:
    """The first signal that asked for an end, if one did."""

    signal: int | None = None

    def __call__(self) -> bool:
        """Whether to stop."""
        return self.signal is not None

    @property
    def code(self) -> int:
        """Exit code of a command that was stopped."""
        return INTERRUPTED if self.signal == signal.SIGINT else RESUMABLE

    def exit(self) -> NoReturn:
        """Leave with the exit code that says: run the same command again."""
        err.print("stopped; what is finished is kept, run the same command again to continue", style="yellow")
        raise typer.Exit(self.code)


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """Within, the first Ctrl-C or SIGTERM asks for an end; the next one interrupts at once."""
    request = StopRequest()

    def note(number: int, frame: FrameType | None) -> None:
        if request.signal is not None:
            raise KeyboardInterrupt
        request.signal = number
        err.print("stopping: writing checkpoints (once more to stop at once)", style="yellow")

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
