"""Commands that get a signal while they work."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import contextmanager
from importlib import import_module

import pytest

import graphlearn.cli


@pytest.fixture
def terminated(monkeypatch):
    """Run a command that gets SIGTERM when it first says how far it is; its exit code."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def call(module, stage, *arguments):
        sent = []

        @contextmanager
        def progress(description, total):
            def update(*_, **__):
                if description == stage and not sent:
                    sent.append(stage)
                    os.kill(os.getpid(), signal.SIGTERM)

            yield update

        monkeypatch.setattr(import_module(f"graphlearn.cli.{module}"), "progress", progress)
        monkeypatch.setattr(sys, "argv", ["graphlearn", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            graphlearn.cli.main()
        return stop.value.code if sent else "not sent"

    yield call
    for number, handler in before.items():
        signal.signal(number, handler)
