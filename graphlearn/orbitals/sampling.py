"""Which windows a step of training sees, and how they are varied."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch.utils.data import Sampler

from graphlearn.orbitals.data.batch import OrbitalBatch
from graphlearn.training.randomness import ALONE, Share, StepDraws, step_generator

PUSH, SIGNS, STATES = range(3, 6)  # purposes of random numbers


class StepSampler(Sampler[list[int]]):
    """For each step the windows of one process: any trajectory, any start, all equally likely.

    Args:
        ends: Running number of windows at the end of each trajectory.
        batch_size: Windows per step, over all processes.
        seed: Of all draws.
        first_step: Where to begin.
        steps: Where to end.
        windows_per_trajectory: Windows that are drawn from one trajectory.
        share: Which trajectories of the step this process takes.
    """

    def __init__(
        self,
        ends: Sequence[int],
        batch_size: int,
        seed: int,
        first_step: int,
        steps: int,
        *,
        windows_per_trajectory: int = 1,
        share: Share = ALONE,
    ) -> None:
        self.ends, self.batch_size, self.seed = torch.tensor([0, *ends]), batch_size, seed
        self.first_step, self.steps = first_step, steps
        self.windows_per_trajectory, self.share = windows_per_trajectory, share

    def __iter__(self) -> Iterator[list[int]]:
        for step in range(self.first_step, self.steps):
            random = step_generator(self.seed, step)
            trajectories, each = self.batch_size // self.windows_per_trajectory, self.windows_per_trajectory
            drawn = torch.randint(int(self.ends[-1]), (trajectories, 1), generator=random)
            if each > 1:
                trajectory = torch.searchsorted(self.ends, drawn, right=True)
                first, stop = self.ends[trajectory - 1], self.ends[trajectory]
                share = torch.rand(len(drawn), each, generator=random, dtype=torch.float64)
                drawn = first + (share * (stop - first)).long()
            yield drawn[self.share.rank :: self.share.world].flatten().tolist()

    def __len__(self) -> int:
        return self.steps - self.first_step


def flip_signs(batch: OrbitalBatch, draws: StepDraws) -> OrbitalBatch:
    """Turn the sign of a random half of the orbitals, with all their changes: the physics is the same.

    Args:
        batch: Windows.
        draws: Random numbers of the step.

    Returns:
        The batch with other signs.
    """
    signs = torch.ones_like(batch.occupations)
    for index, states in enumerate((batch.occupations > 0).sum(1).tolist()):
        random = draws.item(index - index % batch.windows_per_trajectory, SIGNS, batch.windows_per_trajectory)
        signs[index, :states] -= 2.0 * torch.randint(2, (states,), generator=random).to(signs)
    signs = signs.to(batch.c0)
    modes = batch.modes
    if modes is not None:
        modes = tuple(p.flipped(sign) for p, sign in zip(modes, signs, strict=True))
    sign = signs[batch.batch][:, :, None, None]
    wide = sign[..., None, None]
    target = None if batch.target is None else batch.target * wide
    return replace(batch, c0=batch.c0 * sign, delta=batch.delta * wide, target=target, modes=modes)


def sample_states(batch: OrbitalBatch, count: int, draws: StepDraws) -> OrbitalBatch:
    """Let the network predict some states of each molecule only, drawn at random; padding is drawn last.

    Args:
        batch: Windows.
        count: Number of states of each molecule.
        draws: Random numbers of the step.

    Returns:
        The batch with ``states`` and the target of these.

    Source: OrbEvo (arXiv 2603.03511), state sampling of the DM variant.
    """
    molecules, padded = batch.occupations.shape
    chosen = torch.empty(molecules, min(count, padded), dtype=torch.int64)
    for index, states in enumerate((batch.occupations > 0).sum(1).tolist()):
        order = torch.randperm(states, generator=draws.item(index, STATES, batch.windows_per_trajectory))
        order = torch.cat([order, torch.arange(states, padded)])
        chosen[index] = order[:count].sort().values
    states = chosen.to(batch.batch.device)
    target = batch.target
    if target is not None:
        target = torch.take_along_dim(target, states[batch.batch][:, :, None, None, None, None], dim=1)
    return replace(batch, states=states, target=target)


def bundle_of(batch: OrbitalBatch, index: int, history: Tensor, field_samples: int) -> OrbitalBatch:
    """The batch of one bundle of a longer window: its history, its stretch of the field, its target.

    Args:
        batch: With the target of several bundles.
        index: Which bundle.
        history: Frames before it, [N, S, 9, R, T, 2].
        field_samples: Samples of the field that the model takes.

    Returns:
        The batch that the model takes.
    """
    frames = batch.delta.shape[-2]
    shift = index * field_samples // 2
    assert batch.target is not None
    return replace(
        batch,
        delta=history,
        field_strength=batch.field_strength[:, shift : shift + field_samples],
        target=batch.target[..., index * frames : (index + 1) * frames, :],
    )
