"""Everything that changes while a model is trained, in memory and on disk."""

from __future__ import annotations

import copy
import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from graphlearn.base.errors import ContractError, InputError
from graphlearn.base.plain_data import parse_json
from graphlearn.training.run_folder import BEST, load_best
from graphlearn.training.weights import reason, save_tensors

FILE_NAME = "training_state.safetensors"


@dataclass
class TrainingState:
    """Weights, optimiser, moving average and scaler, with the course of the training so far.

    Args:
        identity: Names the recipe and the data; the state of another one is not continued.
        model: The model.
        optimizer: Its optimiser.
        average: Moving average of the weights, if there is one.
        scaler: Scale of the loss, for fp16.
        losses: Loss of each step.
        validations: (step, score) of each validation; the lowest score is the best.
        worst: Weights of this score or a higher one are not kept.
    """

    identity: str
    model: nn.Module
    optimizer: torch.optim.Optimizer
    average: nn.Module | None
    scaler: torch.amp.GradScaler
    losses: list[float] = field(default_factory=list)
    validations: list[tuple[int, float]] = field(default_factory=list)
    worst: float = math.inf

    def save(self, folder: Path) -> None:
        """Write the state; one file, replaced in one step."""
        tensors = {f"model.{k}": v for k, v in self.model.state_dict().items()}
        if self.average is not None:
            tensors |= {f"average.{k}": v for k, v in self.average.state_dict().items()}
        for index, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{k}": torch.as_tensor(v) for k, v in state.items()}
        facts = {
            "identity": self.identity, "losses": self.losses, "validations": self.validations,
            "scaler": self.scaler.state_dict(),
        }  # fmt: skip
        save_tensors(folder / FILE_NAME, tensors, {"facts": json.dumps(facts)})

    def load(self, folder: Path) -> None:
        """Go on from the state in a folder, if there is one.

        Where the best weights were removed, the validations so far no longer count.

        Raises:
            InputError: if it belongs to another recipe or data set.
            ContractError: if the file, or that of the best weights, is damaged.
        """
        file = folder / FILE_NAME
        if not file.is_file():
            return
        try:
            with safe_open(file, framework="pt") as handle:
                facts = parse_json(handle.metadata()["facts"], file, finite=False)
                identity = facts["identity"]
                tensors = {key: handle.get_tensor(key) for key in handle.keys()}  # noqa: SIM118
            if identity == self.identity:
                self._take(facts, tensors)
        except (OSError, KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
            raise ContractError(f"{file}: damaged ({reason(error)}); remove it to start again") from None
        if identity != self.identity:
            raise InputError(f"{folder} holds the training of another recipe or data set; choose another folder")
        if not self.has_best:
            return
        if (folder / BEST).is_file():
            load_best(copy.deepcopy(self.model), folder)
        else:
            self.validations = []

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
        self.validations = [(int(step), float(score)) for step, score in facts["validations"]]

    def is_better(self, score: float) -> bool:
        """Whether the weights of this score are to be kept: it is below all others, and below the worst."""
        return score < (self.best[1] if self.best else self.worst)

    @property
    def has_best(self) -> bool:
        """Whether weights of a validation were kept."""
        return self.best is not None and self.best[1] < self.worst

    @property
    def best(self) -> tuple[int, float] | None:
        """Step and score of the best validation."""
        return min(self.validations, key=lambda v: v[1], default=None)


def _below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
