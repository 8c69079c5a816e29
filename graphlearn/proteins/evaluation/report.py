"""An evaluated predictor as tables, numbers and figures."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from graphlearn.base.files import replace_csv, replace_text
from graphlearn.base.plotting import STYLE, save_figure
from graphlearn.base.provenance import package_versions
from graphlearn.base.tables import Table
from graphlearn.proteins.evaluation.evaluate import (
    BEST_HIT,
    COLUMNS,
    COMBINED,
    FREQUENCY,
    MODEL,
    Errors,
    TermEvaluation,
)
from graphlearn.proteins.evaluation.site_benchmark import METHODS
from graphlearn.proteins.metrics.localisation import Localisation
from graphlearn.proteins.metrics.terms import fmax

SCHEMA_VERSION = 1
COLORS = {MODEL: "#4477AA", COMBINED: "#EE6677", BEST_HIT: "#CCBB44", FREQUENCY: "#BBBBBB"}
STEPS = 10
OURS = ("objectness", "mask", "attribution", "mask and conservation")
SITE_COLUMNS = {"auroc": "AUROC", "aupr": "AUPR", "top_recall": "top L/10"}


@dataclass(frozen=True, eq=False)
class ProteinEvaluation:
    """Results of the evaluation of a predictor.

    Attributes:
        terms: Errors of its terms.
        sites: Agreement with known sites, by kind of site and method; empty where the data have none.
    """

    terms: TermEvaluation
    sites: Mapping[str, Mapping[str, Localisation]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """All numbers as plain data."""
        return {
            "schema_version": SCHEMA_VERSION,
            "versions": package_versions(),
            "search": self.terms.search,
            "terms": self.terms.errors,
            "chains": self.terms.chains_of_bin,
            "calibration_error": self.terms.calibration_error,
            "residues": {
                kind: {method: asdict(part) for method, part in methods.items()} for kind, methods in self.sites.items()
            },
        }

    def to_markdown(self) -> str:
        """Tables of all methods, of Fmax by similarity to the training chains, and of residues."""
        errors = self.terms.errors
        tables = [_methods_table(errors["all"])]
        if len(errors) > 1:
            tables.append(_bins_table(errors, self.terms.chains_of_bin))
        if self.sites:
            tables.append(sites_table(self.sites))
        return "\n\n".join(table.markdown() for table in tables)

    def write(self, out: Path) -> Iterator[Path]:
        """Write the tables, the numbers, one line per chain, and the figures.

        Args:
            out: Folder; made if it is not there.

        Yields:
            Each path once it is written.
        """
        out.mkdir(parents=True, exist_ok=True)
        replace_text(out / "tables.md", self.to_markdown() + "\n")
        yield out / "tables.md"
        replace_text(out / "errors.json", json.dumps(self.to_dict(), indent=2))
        yield out / "errors.json"
        header = ["chain", "terms", *(f"best_f_{method.replace(' ', '_')}" for method in self.terms.scores)]
        yield replace_csv(out / "chains.csv", header, _best_of_chains(self.terms))
        yield save_figure(bins_figure(self.terms.errors, self.terms.chains_of_bin), out / "fmax.png")
        yield save_figure(reliability_figure(self.terms), out / "calibration.png")
        if self.sites:
            yield save_figure(sites_figure(self.sites), out / "residues.png")


def _best_of_chains(found: TermEvaluation) -> Iterator[list[object]]:
    """Best F of each chain alone, by method: which chains are hard."""
    for row, chain in enumerate(found.chains):
        truth = found.labels[row : row + 1]
        if truth.any():
            best = (fmax(scores[row : row + 1], truth).value for scores in found.scores.values())
            yield [chain, int(truth.sum()), *(f"{value:.4f}" for value in best)]


def _methods_table(errors: Mapping[str, Errors]) -> Table:
    """Every column of errors by method."""
    rows = [[method, *(_number(errors[method][c], c) for c in COLUMNS)] for method in COLORS if method in errors]
    return Table(["", *COLUMNS.values()], rows)


def _bins_table(errors: Mapping[str, Mapping[str, Errors]], chains: Mapping[str, int], column: str = "fmax") -> Table:
    """One column of errors by method and bin, with a dash where a method has no value."""
    rows = [
        [method, *(_number(bin_[method][column], column) if method in bin_ else "–" for bin_ in errors.values())]
        for method in COLORS
    ]
    return Table([COLUMNS[column], *(f"{name} ({chains[name]})" for name in errors)], rows)


def sites_table(located: Mapping[str, Mapping[str, Localisation]]) -> Table:
    """AUROC, AUPR and recall of the best tenth by method and kind of site."""
    rows = [
        [name, *(f"{getattr(of_kind[method], c):.3f}" for of_kind in located.values() for c in SITE_COLUMNS)]
        for method, name in METHODS.items()
        if all(method in of_kind for of_kind in located.values())
    ]
    return Table(["", *(f"{kind}: {value}" for kind in located for value in SITE_COLUMNS.values())], rows)


def _number(value: float, column: str) -> str:
    return f"{value:.2f}" if column == "smin_bits" else f"{value:.3f}"


def bins_figure(errors: Mapping[str, Mapping[str, Errors]], chains: Mapping[str, int]) -> Figure:
    """Fmax of every method, for all chains and by similarity to the training chains.

    Args:
        errors: Errors by bin and method.
        chains: Number of chains by bin.

    Returns:
        Grouped bars, one group per bin.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(max(4.5, 1.6 * len(errors) + 1.5), 3.2), layout="constrained")
        axes = figure.subplots()
        width = 0.8 / len(COLORS)
        for number, (method, color) in enumerate(COLORS.items()):
            values = [rows[method]["fmax"] if method in rows else np.nan for rows in errors.values()]
            places = np.arange(len(values)) + (number - (len(COLORS) - 1) / 2) * width
            axes.bar(places, values, width, color=color, label=method)
        axes.set_xticks(range(len(errors)), [f"{name}\n({chains[name]} chains)" for name in errors])
        axes.set(ylabel="Fmax", ylim=(0, 1))
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False)
    return figure


def reliability_figure(evaluated: TermEvaluation) -> Figure:
    """How often terms of a predicted probability are true."""
    edges = np.linspace(0, 1, STEPS + 1)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(3.8, 3.6), layout="constrained")
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color="0.6", lw=1, ls="--", label="perfect")
        for method in (MODEL, COMBINED):
            scores, step = evaluated.scores[method], np.digitize(evaluated.scores[method], edges[1:-1])
            filled = [i for i in range(STEPS) if (step == i).any()]
            predicted = [scores[step == i].mean() for i in filled]
            true = [evaluated.labels[step == i].mean() for i in filled]
            axes.plot(predicted, true, "o-", color=COLORS[method], ms=4, label=method)
        axes.set(xlabel="predicted probability", ylabel="share of true terms", xlim=(0, 1), ylim=(0, 1))
        axes.legend(frameon=False)
    return figure


def sites_figure(located: Mapping[str, Mapping[str, Localisation]]) -> Figure:
    """Average precision of every way to find the residues of a site; the line is what random scores get."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(3.2 * len(located) + 1.2, 3.2), layout="constrained")
        panels = figure.subplots(1, len(located), squeeze=False, sharey=True)[0]
        for axes, (kind, methods) in zip(panels, located.items(), strict=True):
            shown = [method for method in METHODS if method in methods]
            colors = [COLORS[MODEL if method in OURS else FREQUENCY] for method in shown]
            axes.barh([METHODS[method] for method in shown], [methods[m].aupr for m in shown], color=colors)
            first = methods[shown[0]]
            axes.axvline(first.site_fraction, color="0.3", lw=1, ls="--")
            axes.set(xlabel="average precision", title=f"{kind}, {first.chains} chains")
        panels[0].invert_yaxis()
    return figure
