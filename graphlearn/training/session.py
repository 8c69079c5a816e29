"""A training as a command runs it: with a progress bar, stopped by signals."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphlearn.base.cli.shell import out, progress
from graphlearn.base.cli.signals import stop_on_signals
from graphlearn.base.device import find_device
from graphlearn.base.errors import StoppedError
from graphlearn.base.plotting import save_figure
from graphlearn.training.learning_curve import learning_curve
from graphlearn.training.task import B, M, Task, TrainingResult
from graphlearn.training.trainer import Trainer


@dataclass(frozen=True)
class Session:
    """Where a command trains and what it says.

    Attributes:
        folder: Of the run.
        device: See :func:`graphlearn.base.device.find_device`.
    """

    folder: Path
    device: str = "auto"

    def __post_init__(self) -> None:
        find_device(self.device)
        out.quiet = out.quiet or int(os.environ.get("RANK", 0)) > 0  # of several processes one prints

    def fit(self, title: str, task: Task[M, B], folder: Path | None = None) -> TrainingResult[M]:
        """Train with a progress bar; a signal writes a checkpoint and ends the command.

        Args:
            title: Of the bar.
            task: What to train.
            folder: Where; that of the session by default.

        Returns:
            The trained network and the course of the training.
        """
        validated = ""

        def show_value(_: int, value: float) -> None:
            nonlocal validated
            validated = f", {task.metrics[0].label} {value:.3f}"

        with stop_on_signals() as request, progress(title, task.budget.steps) as show:
            trainer = Trainer(
                self.device,
                on_step=lambda step, _, loss: show(step, f"loss {loss:.4g}{validated}"),
                on_validation=show_value,
                stop=request,
            )
            try:
                return trainer.fit(task, folder or self.folder)
            except StoppedError:
                request.exit()

    def report(self, stages: Mapping[str, TrainingResult[Any]]) -> None:
        """Say what was kept and written, and draw the course of the trainings.

        Args:
            stages: Trainings by title; the model that is written is that of the last one.
        """
        if out.quiet:
            return
        result = list(stages.values())[-1]
        if result.best is not None:
            metric = result.metrics[0]
            out.print(f"kept step {result.best.step}: {metric.label} {result.best.figures[metric.name]:.4g}")
        out.print(f"wrote {self.folder}/model.safetensors", soft_wrap=True)
        out.print(f"wrote {save_figure(learning_curve(stages), self.folder / 'learning_curve.png')}", soft_wrap=True)
