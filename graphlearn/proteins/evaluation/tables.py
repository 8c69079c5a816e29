"""Tables of an evaluation as markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graphlearn.proteins.evaluation.evaluate import (
    BEST_HIT,
    COLUMNS,
    COMBINED,
    FREQUENCY,
    MODEL,
    Errors,
)
from graphlearn.proteins.evaluation.site_benchmark import METHODS
from graphlearn.proteins.metrics.localisation import Localisation

COLORS = {MODEL: "#4477AA", COMBINED: "#EE6677", BEST_HIT: "#CCBB44", FREQUENCY: "#BBBBBB"}
SITE_COLUMNS = {"auroc": "AUROC", "aupr": "AUPR", "top_recall": "top L/10"}
Lines = Sequence[Mapping[str, Any]]


def methods_table(errors: Mapping[str, Errors]) -> str:
    """Every column of errors by method, as markdown."""
    rows = [["", *COLUMNS.values()], ["---"] * (len(COLUMNS) + 1)]
    rows += [[method, *(_number(errors[method][c], c) for c in COLUMNS)] for method in COLORS if method in errors]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def sites_table(located: Mapping[str, Mapping[str, Localisation]]) -> str:
    """AUROC, AUPR and recall of the best tenth by method and kind of site, as markdown."""
    header = ["", *(f"{kind}: {value}" for kind in located for value in SITE_COLUMNS.values())]
    rows = [header, ["---"] * len(header)]
    for method, name in METHODS.items():
        found = [kinds[method] for kinds in located.values() if method in kinds]
        if found:
            rows.append([name, *(f"{getattr(part, column):.3f}" for part in found for column in SITE_COLUMNS)])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def bins_table(errors: Mapping[str, Mapping[str, Errors]], chains: Mapping[str, int], column: str = "fmax") -> str:
    """One column of errors by method and bin, as markdown.

    Args:
        errors: Errors by bin and method.
        chains: Number of chains by bin.
        column: Key of the error that is shown, one of ``COLUMNS``.

    Returns:
        The table, one row per method and one column per bin; a dash where a method has no value.
    """
    names = list(errors)
    rows = [[COLUMNS[column], *(f"{name} ({chains[name]})" for name in names)], ["---"] * (len(names) + 1)]
    for method in COLORS:
        values = (errors[name].get(method) for name in names)
        rows.append([method, *("–" if v is None else _number(v[column], column) for v in values)])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _number(value: float, column: str) -> str:
    return f"{value:.2f}" if column == "smin_bits" else f"{value:.3f}"
