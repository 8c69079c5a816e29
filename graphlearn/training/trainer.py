"""The trainer: any task, on any device, stopped and continued at any step."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from graphlearn.base.errors import StoppedError
from graphlearn.training.checkpoint import save_model
from graphlearn.training.processes import Processes, join_processes
from graphlearn.training.randomness import StepDraws
from graphlearn.training.run_folder import run_folder
from graphlearn.training.schedule import make_optimizer, make_schedule
from graphlearn.training.state import TrainingState
from graphlearn.training.task import B, M, Task, TrainingResult

PRECISIONS = {"float32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def _never() -> bool:
    return False


@dataclass(frozen=True)
class Trainer:
    """Trains any task; run again with the same folder, it goes on from the last checkpoint.

    Every random choice is drawn from the seed and the number of the step alone, so that a stopped and continued run
    equals an uninterrupted one bit for bit on a CPU with the same number of threads. Under ``torchrun`` each step is
    shared by all processes.

    Args:
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        on_step: Called with (step, steps, loss) after every step.
        on_validation: Called with (step, value of the metric that chooses) after every validation.
        stop: Asked after every step; True writes a checkpoint and ends with StoppedError.
    """

    device: str = "auto"
    on_step: Callable[[int, int, float], object] | None = None
    on_validation: Callable[[int, float], object] | None = None
    stop: Callable[[], bool] = _never

    def fit(self, task: Task[M, B], folder: Path | None = None) -> TrainingResult[M]:
        """Train.

        Args:
            task: What to train.
            folder: Where ``training_state.safetensors`` and, at the end, the model are written; None to write nothing.

        Returns:
            The trained network and the course of the training.

        Raises:
            InputError: if the folder holds the state of another recipe, another training is at work in it, or the
                device cannot be used.
            StoppedError: if ``stop`` said so.
            RuntimeError: if the loss is no longer finite.
        """
        processes = join_processes(self.device)
        with run_folder(folder) if folder is not None and processes.is_main else nullcontext():
            return _Run(self, task, folder, processes)()


class _Loss(nn.Module):
    """The loss of a task as one module, which can be shared among processes."""

    def __init__(self, task: Task[Any, Any]) -> None:
        super().__init__()
        self.task, self.model = task, task.model

    def forward(self, batch: Any, draws: StepDraws) -> Tensor:
        return self.task.loss(self.model, batch, draws)


class _Run(Generic[M, B]):
    """One call of :meth:`Trainer.fit`."""

    def __init__(self, trainer: Trainer, task: Task[M, B], folder: Path | None, processes: Processes) -> None:
        self.trainer, self.task, self.folder, self.processes = trainer, task, folder, processes
        options, device = task.optimisation, processes.device
        model = task.model.to(device)
        self.optimizer = make_optimizer(options.optimizer, model, options.learning_rate, options.weight_decay)
        ema: Any = get_ema_multi_avg_fn  # which torch leaves without types
        average = AveragedModel(model, multi_avg_fn=ema(options.ema_decay)) if options.ema_decay else None
        self.scaler = torch.amp.GradScaler(device.type, enabled=options.precision == "fp16")
        self.state = TrainingState(task.identity, model, self.optimizer, average, self.scaler, task.metrics)
        if folder is not None:
            self.state.load(folder)
        self.loss = processes.wrap(_Loss(task))
        self.schedule = make_schedule(
            options.schedule, self.optimizer, options.learning_rate, task.budget.steps, task.budget.warmup_steps,
            first=len(self.state.losses),
        )  # fmt: skip

    def __call__(self) -> TrainingResult[M]:
        state, started = self.state, time.perf_counter() - self.state.seconds
        if not self._is_done():
            for batch in self.task.batches(len(state.losses), self.processes.share):
                asked = self._step(batch, self.trainer.stop())
                state.seconds = time.perf_counter() - started
                self._after_step(asked)
                if self._is_done():
                    break
        self.processes.wait()
        return self._finish()

    def _is_done(self) -> bool:
        """Whether all steps are done or the patience is used up, on which all processes agree."""
        budget, state = self.task.budget, self.state
        if budget.patience is None:
            return len(state.losses) >= budget.steps
        done = len(state.losses) >= budget.steps or state.since_best() >= budget.patience
        told = torch.tensor(float(done and self.processes.is_main), device=self.processes.device)
        return bool(self.processes.sum(told) > 0)

    def _step(self, batch: B, stop: bool) -> bool:
        """One step of the optimiser; returns whether any process was asked to stop."""
        options, device, number = self.task.optimisation, self.processes.device, len(self.state.losses)
        draws = StepDraws(options.seed, number, self.processes.share)
        draws.seed_everything()
        self.state.model.train()
        with torch.autocast(device.type, PRECISIONS[options.precision], enabled=options.precision != "float32"):
            sums = self.loss(batch, draws)
        total, weight, asked = self.processes.sum(torch.cat([sums.detach(), sums.new_tensor([float(stop)])])).unbind()
        learns = bool(weight != 0)
        loss = float(total / weight) if learns else math.nan
        if learns and not math.isfinite(loss):
            raise RuntimeError(f"the loss of step {number} is {loss}; lower optimisation.learning_rate")
        if learns:
            self.optimizer.zero_grad()
            self.scaler.scale(sums[0] * (self.processes.share.world / weight)).backward()
            self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.state.model.parameters(), options.gradient_clip)
            self.scaler.step(self.optimizer)
            self.scaler.update()
        with warnings.catch_warnings():  # a step that fp16 or an empty batch left out is no mistake
            warnings.filterwarnings("ignore", "Detected call of `lr_scheduler.step", UserWarning)
            self.schedule.step()
        if self.state.average is not None:
            self.state.average.update_parameters(self.state.model)
        self.state.losses.append(loss)
        return bool(asked > 0)

    def _after_step(self, asked: bool) -> None:
        """Validate, write a checkpoint, report, and stop, each where it is due."""
        state, budget, trainer = self.state, self.task.budget, self.trainer
        number = len(state.losses)
        last = number == budget.steps
        validate = budget.validate_every is not None and (last or number % budget.validate_every == 0)
        if self.processes.is_main:
            if validate:
                self._validate()
            due = asked or validate or last or number % self.task.optimisation.checkpoint_every == 0
            if self.folder is not None and due:
                state.save(self.folder)
            if trainer.on_step is not None:
                trainer.on_step(number, budget.steps, state.losses[-1])
        if asked and not last:
            self.processes.wait()
            raise StoppedError(f"stopped after step {number} of {budget.steps}")

    @torch.no_grad()
    def _validate(self) -> None:
        state = self.state
        model: Any = state.kept.eval()
        state.add_validation(self.task.validate(model))
        if self.trainer.on_validation is not None:
            number, figures = state.validations[-1]
            self.trainer.on_validation(number, figures[state.metrics[0].name])

    def _finish(self) -> TrainingResult[M]:
        state = self.state
        model: Any = state.kept
        if state.best:
            model.load_state_dict(state.best)
        result: TrainingResult[M] = TrainingResult(
            model.eval(), state.losses, state.validations, state.metrics, state.seconds
        )
        if self.folder is not None and self.processes.is_main:
            card = self.task.card(result)
            if card is not None:
                save_model(self.folder, model, card)
        return result
