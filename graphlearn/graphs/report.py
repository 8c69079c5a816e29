"""Tables and pictures of a comparison."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Any, NamedTuple

import matplotlib
import torch
from matplotlib.figure import Figure

from graphlearn.base.plotting import STYLE
from graphlearn.graphs.fit import Fit
from graphlearn.graphs.history_figure import history_figure
from graphlearn.graphs.task import Task
from graphlearn.models import HistographGNN
from graphlearn.nn import HistoryReadout

COLORS = ("#EE6677", "#4477AA", "#228833", "#CCBB44", "#66CCEE", "#AA3377", "#BBBBBB", "#EE8866", "#44BB99", "#332288")


class Cell(NamedTuple):
    """Test scores of one readout at one depth.

    Attributes:
        mean: Mean over all runs.
        std: Standard deviation over folds of the mean over seeds; over seeds where there is one split; NaN for one run.
        stderr: ``std`` over the square root of the number of folds (or seeds).
        runs: Number of runs.
        seconds: Mean seconds a run.
        epochs: Mean epochs a run.
        parameters: Parameters of the network.
    """

    mean: float
    std: float
    stderr: float
    runs: int
    seconds: float
    epochs: float
    parameters: int


def summarise(lines: Sequence[dict[str, Any]]) -> dict[tuple[int, str], Cell]:
    """Cells by depth and readout, in the order of the lines."""
    groups: dict[tuple[int, str], list[dict[str, Any]]] = {}
    for line in lines:
        groups.setdefault((line["depth"], line["readout"]), []).append(line)
    cells = {}
    for key, group in groups.items():
        folds = sorted({line["fold"] for line in group})
        if len(folds) > 1:
            values = [statistics.mean(line["score"] for line in group if line["fold"] == fold) for fold in folds]
        else:
            values = [line["score"] for line in group]
        std = statistics.stdev(values) if len(values) > 1 else math.nan
        cells[key] = Cell(
            statistics.mean(line["score"] for line in group), std, std / len(values) ** 0.5, len(group),
            statistics.mean(line["seconds"] for line in group), statistics.mean(line["epochs"] for line in group),
            group[0]["parameters"],
        )  # fmt: skip
    return cells


def markdown(lines: Sequence[dict[str, Any]]) -> str:
    """The table as markdown: readouts down, depths across; the best of each column and all within its error in bold."""
    cells = summarise(lines)
    depths, readouts = _axes(cells)
    rows = ["| readout | " + " | ".join(f"{d} layers" for d in depths) + " |", "|---" * (len(depths) + 1) + "|"]
    for readout in readouts:
        texts = []
        for depth in depths:
            if (depth, readout) not in cells:
                texts.append("")
                continue
            cell = cells[depth, readout]
            text = f"{100 * cell.mean:.1f}" + ("" if math.isnan(cell.std) else f" ± {100 * cell.std:.1f}")
            texts.append(f"**{text}**" if is_among_best(cells, depth, readout) else text)
        rows.append(f"| {readout} | " + " | ".join(texts) + " |")
    return "\n".join(rows)


def is_among_best(cells: dict[tuple[int, str], Cell], depth: int, readout: str) -> bool:
    """Whether a readout is within one standard error of the best at its depth; never where that is not known."""
    best = max((cell for (d, _), cell in cells.items() if d == depth), key=lambda cell: cell.mean)
    return cells[depth, readout].mean >= best.mean - best.stderr


def comparison_figure(lines: Sequence[dict[str, Any]], title: str) -> Figure:
    """Mean test scores with standard errors: readouts side by side, or curves over depth where there are several."""
    cells = summarise(lines)
    depths, readouts = _axes(cells)
    majority = statistics.mean(line["majority"] for line in lines)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.0, 3.8), layout="constrained")
        axes = figure.subplots()
        for i, readout in enumerate(readouts):
            color = COLORS[i % len(COLORS)]
            known = [d for d in depths if (d, readout) in cells]
            means = [100 * cells[d, readout].mean for d in known]
            errors = [100 * cells[d, readout].stderr for d in known]
            if len(depths) > 1:
                axes.errorbar(known, means, errors, color=color, marker="o", ms=4, lw=1.4, capsize=2, label=readout)
            else:
                axes.errorbar([i], means, errors, color=color, marker="o", ms=7, capsize=4)
        axes.axhline(100 * majority, color="#888888", ls=":", lw=1)
        left = axes.get_yaxis_transform()
        axes.text(1.0, 100 * majority, "without learning", color="#666666", transform=left, ha="right", va="bottom")
        metric = {"accuracy": "test accuracy (%)", "roc_auc": "test ROC-AUC (%)"}[lines[0]["metric"]]
        axes.set(ylabel=metric, title=title)
        if len(depths) > 1:
            axes.set_xscale("log", base=2)
            axes.set_xticks(depths, [str(d) for d in depths])
            axes.set_xlabel("message-passing layers")
            axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
        else:
            axes.set_xticks(range(len(readouts)), readouts, rotation=30, ha="right")
    return figure


def learning_figure(result: Fit) -> Figure:
    """Loss of the training and validation parts over epochs, and the epoch that was chosen."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(6.5, 3.6), layout="constrained")
        axes = figure.subplots()
        epochs = range(1, len(result.losses) + 1)
        axes.plot(epochs, result.losses, color="#BBBBBB", label="training")
        axes.plot(epochs, result.validation_losses, color="#EE6677", label="validation")
        axes.axvline(result.epoch, color="#222222", ls="--", lw=0.8, label="chosen epoch")
        axes.set(xlabel="epoch", ylabel="loss", title="Training")
        axes.legend(frameon=False)
    return figure


@torch.no_grad()
def weights_figure(model: HistographGNN, task: Task) -> Figure | None:
    """What the readout of a trained model looks at in graphs of the test part; None if it does not tell."""
    if not isinstance(model.readout, HistoryReadout):
        return None
    batch = next(task.batches(task.split.test[:40], 40))
    members = None if task.level == "node" else batch.batch
    _, weights = model.readout(model.history(batch.x, batch.edge_index), members, return_attention=True)
    return history_figure(weights, members)


def _axes(cells: dict[tuple[int, str], Cell]) -> tuple[list[int], list[str]]:
    return sorted({depth for depth, _ in cells}), list(dict.fromkeys(readout for _, readout in cells))
