"""Run a command only as long as the run that it belongs to lives: ``python -m ...orphan_guard FILE SECONDS COMMAND``.

Parsl's processes outlive a run that is killed. Each is started through this module, which ends it, with everything
that it started, once the state file of the run is gone or has not been touched for some seconds.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType

POLL_SECONDS = 1.0
GRACE_SECONDS = 5.0


def guard(run_file: Path, seconds: float, command: Sequence[str]) -> int:
    """Run a command under guard; its exit code.

    Args:
        run_file: State file that the run touches now and then.
        seconds: How long it may stay untouched; only changes count, so clocks of different machines may differ.
        command: What to run, in its own process group.

    Returns:
        Exit code of the command.
    """
    process = subprocess.Popen(command, start_new_session=True)

    def end(number: int, frame: FrameType | None) -> None:
        _end(process)
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    touched, seen = _touched(run_file), time.monotonic()
    while process.poll() is None:
        time.sleep(POLL_SECONDS)
        now = _touched(run_file)
        if now != touched:
            touched, seen = now, time.monotonic()
        if now is None or time.monotonic() - seen > seconds:
            _end(process)
    return process.returncode


def _touched(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None


def _end(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_SECONDS)


if __name__ == "__main__":
    sys.exit(guard(Path(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]))
