"""Which windows a step of training sees, and how they are varied."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Sampler

from graphlearn.orbitals.data.batch import OrbitalBatch
from graphlearn.orbitals.data.windows import TDDFTWindows, Window

SHARED, PROCESS, PUSH, SIGNS, STATES = range(1, 6)  # purposes of random numbers


def step_generator(seed: int, step: int, *purpose: int) -> torch.Generator:
    """Random numbers of one step: a function of the seed and the step alone, so that a run can be continued."""
    words = np.random.SeedSequence((abs(seed), step, *purpose)).generate_state(1)  # the generator takes 32 bits
    return torch.Generator().manual_seed(int(words[0]))


@dataclass(frozen=True)
class StepDraws:
    """Random numbers of one step; those of a window do not depend on which process has it.

    Args:
        seed: Of the run.
        step: Its number.
        rank: This process.
        world: Number of processes.
        in_a_row: Windows that are drawn from one trajectory.
    """

    seed: int
    step: int
    rank: int = 0
    world: int = 1
    in_a_row: int = 1

    def shared(self) -> torch.Generator:
        """What concerns all windows."""
        return step_generator(self.seed, self.step, SHARED)

    def process(self) -> torch.Generator:
        """What this process draws for itself."""
        return step_generator(self.seed, self.step, PROCESS, self.rank)

    def window(self, index: int, purpose: int) -> torch.Generator:
        """What concerns one window of this process, for one purpose."""
        row, inside = divmod(index, self.in_a_row)
        return step_generator(self.seed, self.step, purpose, (row * self.world + self.rank) * self.in_a_row + inside)


class StepSampler(Sampler[list[int]]):
    """For each step the windows of one process: any trajectory, any start, all equally likely.

    Args:
        ends: Running number of windows at the end of each trajectory.
        batch_size: Windows a step, over all processes.
        seed: Of all draws.
        first_step: Where to begin.
        steps: Where to end.
        in_a_row: Windows that are drawn from one trajectory.
        rank: This process.
        world: Number of processes; each takes every ``world``-th trajectory of the step.
    """

    def __init__(
        self,
        ends: Sequence[int],
        batch_size: int,
        seed: int,
        first_step: int,
        steps: int,
        *,
        in_a_row: int = 1,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        self.ends, self.batch_size, self.in_a_row, self.seed = torch.tensor([0, *ends]), batch_size, in_a_row, seed
        self.first_step, self.steps, self.rank, self.world = first_step, steps, rank, world

    def __iter__(self) -> Iterator[list[int]]:
        for step in range(self.first_step, self.steps):
            random = step_generator(self.seed, step)
            drawn = torch.randint(int(self.ends[-1]), (self.batch_size // self.in_a_row, 1), generator=random)
            if self.in_a_row > 1:
                trajectory = torch.searchsorted(self.ends, drawn, right=True)
                first, stop = self.ends[trajectory - 1], self.ends[trajectory]
                share = torch.rand(len(drawn), self.in_a_row, generator=random, dtype=torch.float64)
                drawn = first + (share * (stop - first)).long()
            yield drawn[self.rank :: self.world].flatten().tolist()

    def __len__(self) -> int:
        return self.steps - self.first_step


def step_loader(windows: TDDFTWindows, sampler: StepSampler, workers: int) -> DataLoader[list[Window]]:
    """The windows of each step in turn; with workers, they are read ahead."""
    return DataLoader(windows, batch_sampler=sampler, num_workers=workers, collate_fn=_as_list)  # type: ignore[arg-type]


def _as_list(windows: list[Window]) -> list[Window]:
    return windows


def flip_signs(batch: OrbitalBatch, draws: StepDraws) -> OrbitalBatch:
    """Turn the sign of a random half of the orbitals, with all their changes: the physics is the same."""
    signs = torch.ones_like(batch.occupations)
    for index, states in enumerate((batch.occupations > 0).sum(1).tolist()):
        random = draws.window(index - index % batch.windows_in_a_row, SIGNS)
        signs[index, :states] -= 2.0 * torch.randint(2, (states,), generator=random).to(signs)
    signs = signs.to(batch.c0)
    particles = batch.particles
    if particles is not None:
        particles = tuple(p.flipped(sign) for p, sign in zip(particles, signs, strict=True))
    sign = signs[batch.batch][:, :, None, None]
    wide = sign[..., None, None]
    target = None if batch.target is None else batch.target * wide
    return replace(batch, c0=batch.c0 * sign, delta=batch.delta * wide, target=target, particles=particles)


def sample_states(batch: OrbitalBatch, count: int, draws: StepDraws) -> OrbitalBatch:
    """Let the network predict some states of each molecule only, drawn at random; padding is drawn last.

    Source: OrbEvo (arXiv 2603.03511), state sampling of the DM variant.
    """
    molecules, padded = batch.occupations.shape
    chosen = torch.empty(molecules, min(count, padded), dtype=torch.int64)
    for index, states in enumerate((batch.occupations > 0).sum(1).tolist()):
        order = torch.randperm(states, generator=draws.window(index, STATES))
        order = torch.cat([order, torch.arange(states, padded)])
        chosen[index] = order[:count].sort().values
    states = chosen.to(batch.batch.device)
    target = batch.target
    if target is not None:
        target = torch.take_along_dim(target, states[batch.batch][:, :, None, None, None, None], dim=1)
    return replace(batch, states=states, target=target)


def bundle_of(batch: OrbitalBatch, index: int, history: Tensor, field_samples: int) -> OrbitalBatch:
    """The batch of one bundle of a longer window: its history, its stretch of the field, its target."""
    frames = batch.delta.shape[-2]
    shift = index * field_samples // 2
    assert batch.target is not None
    return replace(
        batch,
        delta=history,
        field_strength=batch.field_strength[:, shift : shift + field_samples],
        target=batch.target[..., index * frames : (index + 1) * frames, :],
    )
