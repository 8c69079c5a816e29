"""Entry point of the command ``graphlearn``, also as ``python -m graphlearn``."""

from __future__ import annotations

import sys
from importlib import import_module

EXTRAS = {"predict": "proteins", "fetch": "proteins"}  # all other commands: train


def main() -> None:
    """Run the command; what it needs is imported where a missing library can be named."""
    from graphlearn.base.cli.shell import run

    run(EXTRAS.get(" ".join(sys.argv[1:2]), "train"), lambda: import_module("graphlearn.cli").app())


if __name__ == "__main__":
    main()
