"""``graphlearn evaluate``"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.table import Table

from tdddft.cli.shell import out


def evaluate(
    model: Annotated[Path, typer.Argument(help="model folder")],
    data: Annotated[Path, typer.Option(help="data-set folder")],
    ids: Annotated[list[str] | None, typer.Option("--id", help="trajectory; default: all not trained on")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="write the errors here")] = None,
) -> None:
    """Errors of a model beside the baselines zero, persistence and frozen Hamiltonian.

    Example: graphlearn evaluate runs/model --data runs/small
    """
    from graphlearn.datasets import TDDFTTrajectories
    from graphlearn.training.checkpoint import load_orbevo
    from graphlearn.training.report import evaluate_set
    from tdddft.errors import InputError

    network, normalizer, facts = load_orbevo(model)
    every = TDDFTTrajectories(data).names
    chosen = ids or [n for n in every if n not in facts["trained_on"]]
    if not chosen:
        raise InputError(f"the model was trained on every trajectory of {data}; name some with --id")
    result = evaluate_set(network, normalizer, data, chosen).errors
    out.print(*error_tables({", ".join(chosen[:4]) + (" ..." if len(chosen) > 4 else ""): result}), NOTE, sep="\n")
    if json_file is not None:
        json_file.write_text(json.dumps({"trajectories": chosen, "errors": result}, indent=2))


def error_tables(sets: Mapping[str, Mapping[str, Mapping[str, float]]]) -> list[Table]:
    """One table a test set, one row a method, the best value of each column in bold."""
    from graphlearn.training.evaluate import COLUMNS

    tables = []
    for name, methods in sets.items():
        headings = [heading.replace(" ", "\n", 1) for heading in COLUMNS.values()]
        table = Table("", *headings, title=name, title_justify="left", box=box.SIMPLE_HEAD, padding=0)
        for column in table.columns[1:]:
            column.justify = "right"
            column.min_width = 8
        best = {c: min(row[c] for row in methods.values()) for c in COLUMNS}
        for method, row in methods.items():
            cells = [f"[bold]{row[c]:.3f}[/bold]" if row[c] == best[c] else f"{row[c]:.3f}" for c in COLUMNS]
            table.add_row(method, *cells)
        tables.append(table)
    return tables


NOTE = (
    "l2: distance an atom and state, in units of the target; the other columns: error over signal, rolled out from "
    "the ground state. Perfect is 0, predicting no motion gives 1. The best of each column is bold."
)
