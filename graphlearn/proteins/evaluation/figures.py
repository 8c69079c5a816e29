"""Figures of an evaluation."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from graphlearn.base.plotting import STYLE
from graphlearn.proteins.evaluation.evaluate import COMBINED, FREQUENCY, MODEL, Errors, TermEvaluation
from graphlearn.proteins.evaluation.site_benchmark import METHODS
from graphlearn.proteins.evaluation.tables import COLORS
from graphlearn.proteins.metrics.localisation import Localisation

STEPS = 10
OURS = ("objectness", "mask", "attribution", "mask and conservation")


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
            names = [name for method, name in METHODS.items() if method in methods]
            parts = [methods[method] for method in METHODS if method in methods]
            colors = [COLORS[MODEL if method in OURS else FREQUENCY] for method in METHODS if method in methods]
            axes.barh(names, [part.aupr for part in parts], color=colors)
            axes.axvline(parts[0].site_fraction, color="0.3", lw=1, ls="--")
            axes.set(xlabel="average precision", title=f"{kind}, {parts[0].chains} chains")
        panels[0].invert_yaxis()
    return figure
