"""Errors of trajectories as the terminal shows them."""

from __future__ import annotations

from collections.abc import Mapping

from rich import box
from rich.table import Table

from graphlearn.orbitals.evaluate import COLUMNS
from graphlearn.orbitals.report import format_number


def error_tables(sets: Mapping[str, Mapping[str, Mapping[str, float]]]) -> list[Table]:
    """One table per test set, one row per method, the best value of each column in bold."""
    tables = []
    for name, methods in sets.items():
        headings = [heading.replace(" ", "\n", 1) for heading in COLUMNS.values()]
        table = Table("", *headings, title=name, title_justify="left", box=box.SIMPLE_HEAD, padding=0)
        for column in table.columns[1:]:
            column.justify = "right"
            column.min_width = 8
        best = {c: min(row[c] for row in methods.values() if row[c] == row[c]) for c in COLUMNS}
        for method, row in methods.items():
            cells = [
                f"[bold]{format_number(row[c])}[/bold]" if row[c] == best[c] else format_number(row[c]) for c in COLUMNS
            ]
            table.add_row(method, *cells)
        tables.append(table)
    return tables


NOTE = (
    "l2: distance per atom and state, in units of the target; the other columns: error over signal, rolled out from "
    "the ground state. Perfect is 0, predicting no motion gives 1. Dynamic modes continue the true dipole from a "
    "quarter of its frames. The best of each column is bold."
)
