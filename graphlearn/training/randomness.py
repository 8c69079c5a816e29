"""Random numbers of a training: functions of the seed, the step and a purpose alone, so that a run can be continued."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch

SHARED, PROCESS = 1, 2  # purposes that belong to the trainer; a task takes others, from 3 on
T = TypeVar("T")


def step_generator(seed: int, step: int, *purpose: int) -> torch.Generator:
    """Random numbers of one step and one purpose, which whole numbers tell from the others.

    Args:
        seed: Of the run.
        step: Number of the step, or of the epoch.
        *purpose: Whole numbers that name the purpose.

    Returns:
        A generator on the CPU.
    """
    words = np.random.SeedSequence((abs(seed), step, *purpose)).generate_state(1)  # the generator takes 32 bits
    return torch.Generator().manual_seed(int(words[0]))


@dataclass(frozen=True)
class Share:
    """The part of every step that one of several processes takes.

    Args:
        rank: Number of the process.
        world: Number of processes.
    """

    rank: int = 0
    world: int = 1

    def of(self, rows: Sequence[T]) -> Sequence[T]:
        """Every ``world``-th row, beginning with the row ``rank``."""
        return rows[self.rank :: self.world]


ALONE = Share()


@dataclass(frozen=True)
class StepDraws:
    """Random numbers of one step; those of an item do not depend on which process has it.

    Args:
        seed: Of the run.
        step: Number of the step.
        share: Of this process.
    """

    seed: int
    step: int
    share: Share = ALONE

    def shared(self) -> torch.Generator:
        """For what is the same in all processes."""
        return step_generator(self.seed, self.step, SHARED)

    def process(self) -> torch.Generator:
        """For what each process draws for itself."""
        return step_generator(self.seed, self.step, PROCESS, self.share.rank)

    def item(self, index: int, purpose: int, group: int = 1) -> torch.Generator:
        """For one item of the batch of this process.

        Args:
            index: Position of the item in the batch of this process.
            purpose: What is drawn, from 3 on.
            group: Items that stay together where the processes share a step.

        Returns:
            A generator on the CPU.
        """
        row, inside = divmod(index, group)
        return step_generator(
            self.seed, self.step, purpose, (row * self.share.world + self.share.rank) * group + inside
        )

    def seed_everything(self) -> None:
        """Seed torch's own generators, of which dropout draws, for this step and process."""
        torch.manual_seed(int(torch.randint(2**62, (1,), generator=self.process())))
