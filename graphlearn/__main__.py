"""Entry point of the command ``graphlearn``, also as ``python -m graphlearn``."""

from __future__ import annotations

from importlib import import_module


def main() -> None:
    """Run the command; what it needs is imported where a missing library can be named."""
    from graphlearn.base.cli.shell import run

    run("graphlearn", lambda: import_module("graphlearn.cli").app())


if __name__ == "__main__":
    main()
