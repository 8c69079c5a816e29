"""The course of trainings as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from graphlearn.base.plotting import STYLE
from graphlearn.training.task import TrainingResult

LOSS, METRIC = "#EE6677", "#4477AA"


def learning_curve(stages: Mapping[str, TrainingResult[Any]]) -> Figure:
    """Loss of every step, its running mean, and the metric of each validation, the kept one marked.

    Args:
        stages: Trainings by title, one panel each, side by side.

    Returns:
        The figure; losses that are all above zero stand on a logarithmic axis.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(6.5 if len(stages) == 1 else 5.0 * len(stages), 3.6), layout="constrained")
        panels = figure.subplots(1, len(stages), squeeze=False)[0]
        for axes, (title, result) in zip(panels, stages.items(), strict=True):
            axes.set_title(title)
            _draw_losses(axes, np.asarray(result.losses))
            if result.validations:
                _draw_validations(axes.twinx(), result)
    return figure


def _draw_losses(axes: Axes, losses: np.ndarray) -> None:
    known = np.isfinite(losses)
    steps, losses = np.arange(1, len(losses) + 1)[known], losses[known]
    axes.plot(steps, losses, color="#BBBBBB", lw=0.5, label="batch")
    width = max(1, len(losses) // 50)
    if len(losses):
        mean = np.convolve(losses, np.ones(width) / width, mode="valid")
        axes.plot(steps[width - 1 :], mean, color=LOSS, label=f"mean of {width}")
    if len(losses) and losses.min() > 0:
        axes.set_yscale("log")
    axes.set(xlabel="step", ylabel="loss")
    axes.legend(frameon=False, loc="upper right", ncols=2)


def _draw_validations(axes: Axes, result: TrainingResult[Any]) -> None:
    metric, best = result.metrics[0], result.best
    at = [step for step, _ in result.validations]
    axes.plot(at, [f[metric.name] for _, f in result.validations], "o-", color=METRIC, ms=3, lw=1, label="validation")
    if best is not None:
        axes.plot(best.step, best.figures[metric.name], "o", mfc="none", color=METRIC, ms=9, label="kept")
    axes.set_ylabel(metric.label, color=METRIC)
    axes.grid(visible=False)
    axes.legend(frameon=False, loc="upper right", bbox_to_anchor=(1.0, 0.84))
