"""Tables, pictures and numbers of a judged predictor, as files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from graphlearn.base.files import replace_csv, replace_text
from graphlearn.base.plotting import STYLE, save_figure
from graphlearn.base.provenance import package_versions
from graphlearn.proteins.evaluation.evaluate import COMBINED, FREQUENCY, MODEL, Errors, Evaluated
from graphlearn.proteins.evaluation.site_benchmark import METHODS
from graphlearn.proteins.evaluation.tables import COLORS, bins_table, methods_table, sites_table
from graphlearn.proteins.metrics.localisation import Localisation
from graphlearn.proteins.metrics.terms import fmax

SCHEMA_VERSION = 1
STEPS = 10
OURS = ("objectness", "mask", "attribution", "mask and conservation")


class Verdict(NamedTuple):
    """What is known of a predictor.

    Attributes:
        evaluated: Its terms.
        located: Its residues, by kind of site and method; empty where the data have no sites.
    """

    evaluated: Evaluated
    located: Mapping[str, Mapping[str, Localisation]]


def numbers(verdict: Verdict) -> dict[str, Any]:
    """All numbers as plain data."""
    return {
        "schema_version": SCHEMA_VERSION,
        "versions": package_versions(),
        "search": verdict.evaluated.search,
        "terms": verdict.evaluated.errors,
        "chains": verdict.evaluated.chains_of_bin,
        "calibration_error": verdict.evaluated.calibration_error,
        "residues": {
            kind: {method: asdict(part) for method, part in methods.items()}
            for kind, methods in verdict.located.items()
        },
    }


def tables(verdict: Verdict) -> str:
    """Markdown: all methods, Fmax by likeness to training, residues."""
    errors, chains = verdict.evaluated.errors, verdict.evaluated.chains_of_bin
    parts = [methods_table(errors["all"])]
    if len(errors) > 1:
        parts.append(bins_table(errors, chains))
    if verdict.located:
        parts.append(sites_table(verdict.located))
    return "\n\n".join(parts)


def write_verdict(verdict: Verdict, out: Path) -> Iterator[Path]:
    """Write the tables, the numbers, a line per chain, and the pictures; yields each path."""
    out.mkdir(parents=True, exist_ok=True)
    evaluated = verdict.evaluated
    replace_text(out / "tables.md", tables(verdict) + "\n")
    yield out / "tables.md"
    replace_text(out / "errors.json", json.dumps(numbers(verdict), indent=2))
    yield out / "errors.json"
    yield _chains(evaluated, out / "chains.csv")
    yield save_figure(bins_figure(evaluated.errors, evaluated.chains_of_bin), out / "fmax.png")
    yield save_figure(reliability_figure(evaluated), out / "calibration.png")
    if verdict.located:
        yield save_figure(sites_figure(verdict.located), out / "residues.png")


def _chains(evaluated: Evaluated, path: Path) -> Path:
    """Best F of each chain alone, by method: which chains are hard."""
    header = ["chain", "terms", *(f"best_f_{method.replace(' ', '_')}" for method in evaluated.scores)]
    return replace_csv(path, header, _best_of_chains(evaluated))


def _best_of_chains(evaluated: Evaluated) -> Iterator[list[object]]:
    for row, chain in enumerate(evaluated.chains):
        truth = evaluated.labels[row : row + 1]
        if truth.any():
            best = (fmax(scores[row : row + 1], truth).value for scores in evaluated.scores.values())
            yield [chain, int(truth.sum()), *(f"{value:.4f}" for value in best)]


def bins_figure(errors: Mapping[str, Mapping[str, Errors]], chains: Mapping[str, int]) -> Figure:
    """Fmax of every method, for all chains and by likeness to training."""
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


def reliability_figure(evaluated: Evaluated) -> Figure:
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
            names = [name for method, name in METHODS.items() if method in methods]
            parts = [methods[method] for method in METHODS if method in methods]
            colors = [COLORS[MODEL if method in OURS else FREQUENCY] for method in METHODS if method in methods]
            axes.barh(names, [part.aupr for part in parts], color=colors)
            axes.axvline(parts[0].site_fraction, color="0.3", lw=1, ls="--")
            axes.set(xlabel="average precision", title=f"{kind}, {parts[0].chains} chains")
        panels[0].invert_yaxis()
    return figure
