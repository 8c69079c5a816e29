"""``graphlearn models``"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from graphlearn.base.cli.shell import out


def models(as_json: Annotated[bool, typer.Option("--json", help="print the list as JSON")] = False) -> None:
    """List the trained models and the recipes that come with the package, with the commands to use them.

    Example: graphlearn models
    """
    from graphlearn.hub.catalogue.models import systems

    found = systems()
    if as_json:
        print(json.dumps([asdict(system) for system in found], indent=2))
        return
    for system in found:
        out.print(system.name, style="bold")
        _line(f"{system.title}: {system.summary}", 2)
        if system.card is not None:
            _line(f"card: {system.card}", 2)
        for weights in system.weights:
            size = f"{weights.model}, {weights.numbers:,} numbers, {weights.bytes / 1e6:.1f} MB"
            _line(f"weights {weights.name}: {'; '.join(filter(None, (size, weights.result)))}", 2)
            _line(weights.command, 4)
        for recipe in system.recipes:
            _line(f"recipe {recipe.name}: {recipe.summary}", 2)
            _line(recipe.command, 4)


def _line(text: str, indent: int) -> None:
    out.print(f"{'':{indent}}{text}", markup=False, soft_wrap=True)
