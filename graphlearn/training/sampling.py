"""Which windows a step of training sees, and how they are varied."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Sampler

from graphlearn.datasets.batch import OrbitalBatch
from graphlearn.datasets.windows import TDDFTWindows, Window


def step_generator(seed: int, step: int, purpose: int = 0) -> torch.Generator:
    """Random numbers of one step: a function of the seed and the step alone, so that a run can be continued."""
    words = np.random.SeedSequence((abs(seed), step, purpose)).generate_state(1)  # the generator takes 32 bits
    return torch.Generator().manual_seed(int(words[0]))


class StepSampler(Sampler[list[int]]):
    """For each step the windows of one process: any trajectory, any start, all equally likely.

    Args:
        windows: How many there are.
        batch_size: Windows a step, over all processes.
        seed: Of all draws.
        first_step: Where to begin.
        steps: Where to end.
        rank: This process.
        world: Number of processes; each takes every ``world``-th window of the step.
    """

    def __init__(
        self, windows: int, batch_size: int, seed: int, first_step: int, steps: int, rank: int = 0, world: int = 1
    ) -> None:
        self.windows, self.batch_size, self.seed = windows, batch_size, seed
        self.first_step, self.steps, self.rank, self.world = first_step, steps, rank, world

    def __iter__(self) -> Iterator[list[int]]:
        for step in range(self.first_step, self.steps):
            drawn = torch.randint(self.windows, (self.batch_size,), generator=step_generator(self.seed, step))
            yield drawn[self.rank :: self.world].tolist()

    def __len__(self) -> int:
        return self.steps - self.first_step


def step_loader(windows: TDDFTWindows, sampler: StepSampler, workers: int) -> DataLoader[list[Window]]:
    """The windows of each step in turn; with workers, they are read ahead."""
    return DataLoader(windows, batch_sampler=sampler, num_workers=workers, collate_fn=_as_list)  # type: ignore[arg-type]


def _as_list(windows: list[Window]) -> list[Window]:
    return windows


def flip_signs(batch: OrbitalBatch, random: torch.Generator) -> OrbitalBatch:
    """Turn the sign of a random half of the orbitals, with all their changes: the physics is the same."""
    signs = 1.0 - 2.0 * torch.randint(2, batch.occupations.shape, generator=random).to(batch.c0)
    particles = batch.particles
    if particles is not None:
        particles = tuple(p.flipped(sign) for p, sign in zip(particles, signs, strict=True))
    sign = signs[batch.batch][:, :, None, None]
    wide = sign[..., None, None]
    target = None if batch.target is None else batch.target * wide
    return replace(batch, c0=batch.c0 * sign, delta=batch.delta * wide, target=target, particles=particles)


def sample_states(batch: OrbitalBatch, count: int, random: torch.Generator) -> OrbitalBatch:
    """Let the network predict some states of each molecule only, drawn at random; padding is drawn last.

    Source: OrbEvo (arXiv 2603.03511), state sampling of the DM variant.
    """
    scores = torch.rand(batch.occupations.shape, generator=random) + (batch.occupations.cpu() == 0)
    states = scores.argsort(dim=1)[:, :count].sort(dim=1).values.to(batch.batch.device)
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
