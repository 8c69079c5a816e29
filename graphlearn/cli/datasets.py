"""``graphlearn datasets``"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from graphlearn.base.cli.shell import out


def datasets(as_json: Annotated[bool, typer.Option("--json", help="print the list as JSON")] = False) -> None:
    """List the data sets that can be generated or read: what they hold, how to get them, and whether they are here.

    A set is here if $GRAPHLEARN_DATA has its folder (one of its name, or protein/).

    Example: graphlearn datasets
    """
    from graphlearn.hub.catalogue.datasets import data_sets

    found = data_sets()
    if as_json:
        print(json.dumps([asdict(data_set) for data_set in found], indent=2))
        return
    for data_set in found:
        out.print(data_set.name, style="bold")
        lines = [data_set.summary, data_set.contents, f"card: {data_set.card}"]
        if data_set.folder is not None and data_set.bytes is not None:
            lines.append(f"here: {data_set.folder}, {data_set.bytes / 1e6:.1f} MB")
        for line in filter(None, lines):
            out.print(f"  {line}", markup=False, soft_wrap=True)
        if data_set.command:
            out.print(f"    {data_set.command}", markup=False, soft_wrap=True)
