"""Entry point of the command ``tdddft``, also as ``python -m tdddft``."""

from __future__ import annotations

from importlib import import_module


def main() -> None:
    """Run the command; what it needs is imported where a missing library can be named."""
    from graphlearn.base.cli.shell import run

    run("tdddft", lambda: import_module("tdddft.cli").app())


if __name__ == "__main__":
    main()
