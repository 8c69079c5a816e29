"""Commands of tdddft in this process."""

import signal

import pytest

from graphlearn.base.cli.shell import run
from tdddft.cli import app


def command(capsys, *arguments):
    """Exit code, stdout and stderr of ``tdddft`` with these arguments."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(SystemExit) as stop:
            run("tdddft", lambda: app([str(a) for a in arguments]))
    finally:
        signal.signal(signal.SIGTERM, before)
    said = capsys.readouterr()
    return stop.value.code or 0, said.out, said.err
