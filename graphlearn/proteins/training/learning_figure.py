"""The course of a training as a picture."""

from __future__ import annotations

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from graphlearn.base.plotting import STYLE
from graphlearn.proteins.training.train import ProteinTraining

LOSS, METRIC = "#4477AA", "#EE6677"
NAMES = {"fmax": "Fmax", "micro_aupr": "micro AUPR"}


def learning_curve(result: ProteinTraining, metric: str) -> Figure:
    """Loss and validation metric of each epoch, the kept one marked; beside them the pre-training, if there was one."""
    before = result.pre_training
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(9.0 if before else 5.5, 3.4), layout="constrained")
        panels = figure.subplots(1, 2 if before else 1, squeeze=False)[0]
        losses = np.array(result.losses).reshape(-1, result.steps_per_epoch).mean(1)
        values = 1 - np.array([score for _, score in result.validations])
        _panel(panels[-1], losses, values, int(values.argmax()), NAMES[metric])
        panels[-1].set_title("Terms")
        if before:
            _panel(panels[0], np.array(before.losses), np.array(before.aupr), before.epoch - 1, "AUPR of objectness")
            panels[0].set_title("Pre-training of the proposal on sites")
    return figure


def _panel(axes: matplotlib.axes.Axes, losses: np.ndarray, values: np.ndarray, kept: int, name: str) -> None:
    epochs = np.arange(1, len(losses) + 1)
    axes.plot(epochs, losses, color=LOSS, label="training loss")
    axes.set(xlabel="epoch", ylim=(0, None))
    axes.set_ylabel("mean loss of a batch", color=LOSS)
    other = axes.twinx()
    other.plot(epochs, values, "o-", color=METRIC, ms=3, lw=1)
    other.plot(epochs[kept], values[kept], "o", mfc="none", color=METRIC, ms=9)
    other.set_ylabel(f"{name} of validation", color=METRIC)
    other.set_ylim(0, None)
    other.grid(visible=False)
