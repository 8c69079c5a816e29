"""Tables and pictures of judged predictors of terms."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from graphlearn.base.plotting import STYLE
from graphlearn.proteins.evaluation.evaluate import (
    ALL,
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


def comparison_table(lines: Lines) -> str:
    """Variants of a comparison as markdown, mean ± standard deviation over seeds, baselines below.

    Columns are those of the network alone on all test chains, then Fmax of its combination with the best hit.
    """
    variants = list(dict.fromkeys(line["variant"] for line in lines))
    header = ["", *(COLUMNS.values()), "Fmax with best hit", "seeds"]
    rows = [header, ["---"] * len(header)]
    for variant in variants:
        group = [line for line in lines if line["variant"] == variant]
        cells = [_mean([line["errors"][ALL][MODEL][column] for line in group]) for column in COLUMNS]
        both = _mean([line["errors"][ALL][COMBINED]["fmax"] for line in group])
        rows.append([variant, *cells, both, str(len(group))])
    for method in (BEST_HIT, FREQUENCY):
        errors = lines[0]["errors"][ALL][method]
        rows.append([method, *(_number(errors[column], column) for column in COLUMNS), "–", "–"])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


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
    """One column of errors by method and bin, as markdown."""
    names = list(errors)
    rows = [[COLUMNS[column], *(f"{name} ({chains[name]})" for name in names)], ["---"] * (len(names) + 1)]
    for method in COLORS:
        values = (errors[name].get(method) for name in names)
        rows.append([method, *("–" if v is None else _number(v[column], column) for v in values)])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def comparison_figure(lines: Lines) -> Figure:
    """Fmax of every variant, one dot a seed, beside the baselines; alone and together with the best hit."""
    variants = list(dict.fromkeys(line["variant"] for line in lines))
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.0, 1.2 + 0.32 * len(variants)), layout="constrained")
        axes = figure.subplots()
        for method, marker in ((MODEL, "o"), (COMBINED, "s")):
            for place, variant in enumerate(variants):
                values = [x["errors"][ALL][method]["fmax"] for x in lines if x["variant"] == variant]
                label = method if place == 0 else None
                axes.plot(values, [place] * len(values), marker, color=COLORS[method], ms=5, alpha=0.7, label=label)
                axes.plot([np.mean(values)], [place], "|", color=COLORS[method], ms=14)
        for method in (BEST_HIT, FREQUENCY):
            axes.axvline(lines[0]["errors"][ALL][method]["fmax"], color=COLORS[method], ls="--", lw=1.2, label=method)
        axes.set(yticks=range(len(variants)), yticklabels=variants, xlabel="Fmax of the test chains", xlim=(0, None))
        axes.invert_yaxis()
        axes.legend(loc="lower center", bbox_to_anchor=(0.4, 1.0), ncols=4, frameon=False)
    return figure


def _number(value: float, column: str) -> str:
    return f"{value:.2f}" if column == "smin_bits" else f"{value:.3f}"


def _mean(values: Sequence[float]) -> str:
    digits = 2 if max(values) > 2 else 3
    mean = f"{statistics.mean(values):.{digits}f}"
    spread = statistics.stdev(values) if len(values) > 1 else math.nan
    return mean if math.isnan(spread) else f"{mean} ± {spread:.{digits}f}"
