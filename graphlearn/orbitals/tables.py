"""Errors of test sets as tables."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from graphlearn.base.tables import Table
from graphlearn.orbitals.evaluate import COLUMNS, HORIZONS, horizon_column
from graphlearn.orbitals.evaluated_set import EvaluatedSet

if TYPE_CHECKING:
    from rich.table import Table as RichTable

HORIZON_COLUMNS = {horizon_column(t): f"first {t}" for t in HORIZONS}
NOTE = (
    "l2: distance per atom and state, in units of the target; the other columns: error over signal, rolled out from "
    "the ground state. Perfect is 0, predicting no motion gives 1. Dynamic modes continue the true dipole from a "
    "quarter of its frames. The best of each column is bold."
)


def printed_tables(sets: Mapping[str, EvaluatedSet]) -> Iterator[RichTable]:
    """For the terminal: one table per test set, one row per method, the lowest error of each column in bold."""
    headings = ["", *(heading.replace(" ", "\n", 1) for heading in COLUMNS.values())]
    for name, results in sets.items():
        errors = results.errors
        best = {c: min((row[c] for row in errors.values() if not math.isnan(row[c])), default=None) for c in COLUMNS}
        rows = [
            [method, *(f"**{_number(row[c])}**" if row[c] == best[c] else _number(row[c]) for c in COLUMNS)]
            for method, row in errors.items()
        ]
        drawn = Table(headings, rows, title=name).terminal()
        drawn.padding = 0  # six columns beside the names of the methods fit into 80 characters
        for column in drawn.columns[1:]:
            column.min_width = 8
        yield drawn


def error_table(sets: Mapping[str, EvaluatedSet], columns: Mapping[str, str]) -> Table:
    """Mean errors of all test sets in one table; methods that predict none of the columns are left out.

    Args:
        sets: Evaluated test sets by name.
        columns: Headings by key of the errors.

    Returns:
        One row per set and method.
    """
    rows = [
        [name, method, *(_number(row[c]) for c in columns)]
        for name, results in sets.items()
        for method, row in results.errors.items()
        if not all(math.isnan(row[c]) for c in columns)
    ]
    return Table(["held out", "method", *columns.values()], rows)


def trajectory_table(sets: Mapping[str, EvaluatedSet]) -> Table:
    """Every error of every trajectory, six digits, empty where a method predicts nothing."""
    columns = (*COLUMNS, *HORIZON_COLUMNS)
    rows = [
        [section, name, method, *("" if math.isnan(row[c]) else f"{row[c]:.6g}" for c in columns)]
        for section, results in sets.items()
        for name, methods in results.rows.items()
        for method, row in methods.items()
    ]
    return Table(["set", "id", "method", *columns], rows)


def _number(value: float) -> str:
    """Three digits after the point, a dash for what a method does not predict, or a word for what diverged."""
    return "–" if math.isnan(value) else f"{value:.3f}" if math.isfinite(value) else "diverged"
