"""What a training works on: a network, its batches, its loss, and how it is validated.

The trainer (:class:`graphlearn.training.trainer.Trainer`) knows nothing else of a task; a system of its own needs a
class with these attributes and methods, and no change here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import torch
from torch import Tensor, nn

from graphlearn.training.card import ModelCard
from graphlearn.training.randomness import Share, StepDraws
from graphlearn.training.recipe import Optimisation

M = TypeVar("M", bound=nn.Module)
B = TypeVar("B")


@dataclass(frozen=True)
class Metric:
    """A figure of a validation.

    Attributes:
        name: Its key among the figures, and on the model card.
        higher_is_better: Its direction.
        label: For axes and tables.
        reject: Weights of this value or a worse one are not kept.
    """

    name: str
    higher_is_better: bool
    label: str
    reject: float | None = None


@dataclass(frozen=True)
class Budget:
    """How long a training lasts.

    Attributes:
        steps: Steps of the optimiser.
        warmup_steps: Those in which the learning rate rises.
        validate_every: Steps between validations; the last step has one too. None without validation.
        patience: Validations without a better one after which the training ends; None for never.
    """

    steps: int
    warmup_steps: int = 0
    validate_every: int | None = None
    patience: int | None = None


class Validation(NamedTuple):
    """Figures by name after a number of steps."""

    step: int
    figures: dict[str, float]


def best_validation(metrics: Sequence[Metric], validations: Iterable[Validation]) -> Validation | None:
    """The validation whose weights are kept.

    Args:
        metrics: The first one decides, the others where it is equal.
        validations: In the order of their steps; of equal ones the first is taken.

    Returns:
        The best one, or None where none is good enough to be kept.
    """
    signs = [1.0 if metric.higher_is_better else -1.0 for metric in metrics]

    def rank(validation: Validation) -> list[float]:
        return [sign * validation.figures[metric.name] for sign, metric in zip(signs, metrics, strict=True)]

    return max((v for v in validations if _is_kept(metrics[0], v.figures[metrics[0].name])), key=rank, default=None)


def _is_kept(metric: Metric, value: float) -> bool:
    if math.isnan(value) or metric.reject is None:
        return not math.isnan(value)
    return value > metric.reject if metric.higher_is_better else value < metric.reject


@dataclass
class TrainingResult(Generic[M]):
    """A trained network and the course of its training.

    Attributes:
        model: In evaluation mode, with the weights of the best validation, or the last ones without validation.
        losses: Mean loss of each step; NaN where a step had nothing to learn from.
        validations: Figures of each validation.
        metrics: What they measure; the first one chose the weights.
        seconds: Wall time, that of earlier runs of the same training included.
    """

    model: M
    losses: list[float]
    validations: list[Validation] = field(default_factory=list)
    metrics: tuple[Metric, ...] = ()
    seconds: float = 0.0

    @property
    def best(self) -> Validation | None:
        """The validation whose weights were kept; None where the last weights were."""
        return best_validation(self.metrics, self.validations)

    def to_dict(self) -> dict[str, Any]:
        """What a model card says of the training: metric, its direction, and its value at each validation."""
        if not self.metrics:
            return {"steps": len(self.losses), "metric": None, "validations": []}
        metric, best = self.metrics[0], self.best
        return {
            "steps": len(self.losses),
            "metric": metric.name,
            "higher_is_better": metric.higher_is_better,
            "best_step": best.step if best else None,
            "best": best.figures[metric.name] if best else None,
            "validations": [[step, figures[metric.name]] for step, figures in self.validations],
        }


class Task(Protocol[M, B]):
    """What the trainer asks of a task."""

    @property
    def model(self) -> M:
        """The network, built from the seed; the trainer moves it to the device."""

    @property
    def identity(self) -> str:
        """Names recipe and data; the state of another training is not continued."""

    @property
    def optimisation(self) -> Optimisation:
        """Of the recipe."""

    @property
    def budget(self) -> Budget:
        """How long the training lasts."""

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """What :meth:`validate` measures; empty without validation.

        The first one chooses the weights, the others decide between equal values.
        """

    def batches(self, first_step: int, share: Share) -> Iterable[B]:
        """The batches from a step on to the last one, one per step, on the CPU.

        The batch of a step follows from the seed and the number of the step alone.

        Args:
            first_step: Step to begin with.
            share: Which part of each step this process takes.

        Returns:
            One batch per step.

        Raises:
            InputError: if a step is too small for the number of processes.
        """
        ...

    def loss(self, model: M, batch: B, draws: StepDraws) -> Tensor:
        """Loss of a batch.

        Args:
            model: On the device where everything is computed, see :func:`device_of`.
            batch: One of :meth:`batches`.
            draws: Random numbers of the step; torch's own generators are seeded for the step already.

        Returns:
            Weighted sum of the loss and sum of the weights [2]; they are added over the processes, and their ratio is
            what is learned. :func:`nothing_to_learn` where the batch teaches nothing.
        """
        ...

    def validate(self, model: M) -> Mapping[str, float]:
        """Figures by name, those of ``metrics`` among them; called on one process, without gradients.

        Args:
            model: The weights to judge (those of the moving average where there is one), in evaluation mode.

        Returns:
            Those of :attr:`metrics` and, where wanted, more.
        """
        ...

    def card(self, result: TrainingResult[M]) -> ModelCard | Mapping[str, Any] | None:
        """The card of the model, or its content beside class and arguments; None where no model is to be written.

        Args:
            result: Of the training that is done.

        Returns:
            JSON-able.
        """
        ...


def device_of(model: nn.Module) -> torch.device:
    """Where the parameters of a network are."""
    return next(model.parameters()).device


def nothing_to_learn(model: nn.Module) -> Tensor:
    """Loss and weight of a batch that teaches nothing, [2]; all parameters take part, with gradient zero."""
    zero = torch.stack([p.sum() for p in model.parameters()]).sum() * 0.0
    return torch.stack([zero, zero.detach()])
