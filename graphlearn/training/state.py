"""Everything that changes while a model is trained, in memory and on disk."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from graphlearn.base.errors import ContractError, InputError
from graphlearn.base.plain_data import parse_json
from graphlearn.training.task import Metric, Validation, best_validation
from graphlearn.training.weights import reason, save_tensors

FILE_NAME = "training_state.safetensors"
STATE_VERSION = 2


@dataclass
class TrainingState:
    """Weights, optimiser, moving average and scaler, with the course of the training so far.

    Attributes:
        identity: Names the recipe and the data; the state of another one is not continued.
        model: The network.
        optimizer: Its optimiser.
        average: Moving average of the weights, if there is one.
        scaler: Scale of the loss, for fp16.
        metrics: What validations measure.
        losses: Loss of each step.
        validations: Figures of each validation.
        best: Weights of the best validation, by name, on the CPU; empty where there is none.
        seconds: Wall time so far.
    """

    identity: str
    model: nn.Module
    optimizer: torch.optim.Optimizer
    average: AveragedModel | None
    scaler: torch.amp.GradScaler
    metrics: tuple[Metric, ...] = ()
    losses: list[float] = field(default_factory=list)
    validations: list[Validation] = field(default_factory=list)
    best: dict[str, Tensor] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def kept(self) -> nn.Module:
        """The network that is validated and stored: the moving average where there is one."""
        return self.model if self.average is None else self.average.module

    def add_validation(self, figures: Mapping[str, float]) -> None:
        """Note a validation of the present weights, and keep these where it is the best so far."""
        self.validations.append(Validation(len(self.losses), dict(figures)))
        if best_validation(self.metrics, self.validations) is self.validations[-1]:
            self.best = {k: v.detach().to("cpu", copy=True) for k, v in self.kept.state_dict().items()}

    def since_best(self) -> int:
        """Number of validations after the best one; of all where none was good enough."""
        best = best_validation(self.metrics, self.validations)
        return len(self.validations) - (self.validations.index(best) + 1 if best else 0)

    def save(self, folder: Path) -> None:
        """Write the state; one file, replaced in one step.

        Args:
            folder: Of the training.

        Raises:
            InputError: if it cannot be written.
        """
        parts = {"model": self.model.state_dict(), "best": self.best}
        if self.average is not None:
            parts["average"] = self.average.state_dict()
        tensors = {f"{part}.{name}": tensor for part, named in parts.items() for name, tensor in named.items()}
        for index, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{k}": torch.as_tensor(v) for k, v in state.items()}
        facts = {
            "state_version": STATE_VERSION, "identity": self.identity, "losses": self.losses,
            "validations": self.validations, "seconds": self.seconds, "scaler": self.scaler.state_dict(),
        }  # fmt: skip
        save_tensors(folder / FILE_NAME, tensors, {"facts": json.dumps(facts)})

    def load(self, folder: Path) -> None:
        """Go on from the state in a folder, if there is one.

        Args:
            folder: Of the training.

        Raises:
            InputError: if it belongs to another recipe or data set, or was written by another version.
            ContractError: if the file is damaged.
        """
        file = folder / FILE_NAME
        if not file.is_file():
            return
        try:
            with safe_open(file, framework="pt") as handle:
                facts = parse_json(handle.metadata()["facts"], file, finite=False)
                version, identity = facts.get("state_version", 1), facts["identity"]
                tensors = {key: handle.get_tensor(key) for key in handle.keys()}  # noqa: SIM118
            if version == STATE_VERSION and identity == self.identity:
                self._take(facts, tensors)
        except (OSError, KeyError, TypeError, AttributeError, ValueError, RuntimeError, SafetensorError) as error:
            raise ContractError(f"{file}: damaged ({reason(error)}); remove it to start again") from None
        if version != STATE_VERSION:
            raise InputError(
                f"{file} was written by another version of graphlearn (state version {str(version)[:20]}, this one "
                f"goes on from {STATE_VERSION}); finish with that version, or remove the file to start again"
            )
        if identity != self.identity:
            raise InputError(f"{folder} holds the training of another recipe or data set; choose another folder")

    def _take(self, facts: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        self.model.load_state_dict(_below("model.", tensors))
        if self.average is not None:
            self.average.load_state_dict(_below("average.", tensors))
        state: dict[int, dict[str, Tensor]] = {}
        for key, tensor in _below("optimizer.", tensors).items():
            index, name = key.split(".")
            state.setdefault(int(index), {})[name] = tensor
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": state})
        self.scaler.load_state_dict(facts["scaler"])
        self.losses = [float(loss) for loss in facts["losses"]]
        self.validations = [
            Validation(int(step), {str(k): float(v) for k, v in figures.items()})
            for step, figures in facts["validations"]
        ]
        self.best, self.seconds = _below("best.", tensors), float(facts["seconds"])


def _below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
