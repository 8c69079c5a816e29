"""Learning from the model's own output: the history of a window is what the model makes of the bundles before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from graphlearn.models import OrbitalModel
from graphlearn.orbitals.data.batch import Normalizer, OrbitalBatch, collate
from graphlearn.orbitals.data.windows import Window
from graphlearn.orbitals.recipe import OrbitalOptimisation
from graphlearn.orbitals.sampling import PUSH
from graphlearn.training.randomness import StepDraws


def training_batch(
    windows: Sequence[Window],
    normalizer: Normalizer,
    model: OrbitalModel,
    options: OrbitalOptimisation,
    draws: StepDraws,
) -> tuple[OrbitalBatch, Tensor]:
    """Batch windows; replace the history of some by what the model makes of the bundles before (push-forward).

    The number of bundles that the model runs on its own is drawn for the whole batch; windows too early for it keep
    their true history. One that starts within the first bundle has nothing before it to push from and gets
    ``first_bundle_weight``.

    Args:
        windows: Trajectory and last frame of the history of each.
        normalizer: Units of the network.
        model: Makes the histories.
        options: Share and length of what is pushed.
        draws: Random numbers of the step.

    Returns:
        The batch, on the device of the model, and the weight of each molecule [B].

    Source: Brandstetter et al., Message Passing Neural PDE Solvers, ICLR 2022; OrbEvo (arXiv 2603.03511).
    """
    device, frames = next(model.parameters()).device, model.num_frames
    depth = int(torch.randint(1, options.push_forward_bundles + 1, (1,), generator=draws.shared()))
    together = options.windows_per_trajectory
    chances = [torch.rand(1, generator=draws.item(i, PUSH, together)) for i in range(len(windows))]
    pushed = torch.cat(chances) < options.push_forward
    pushed &= torch.tensor([frame >= depth * frames for _, frame in windows])
    batch = collate(windows, normalizer, frames, bundles=options.unroll_bundles, windows_per_trajectory=together).to(
        device
    )
    if pushed.any():
        own = push([w for w, p in zip(windows, pushed.tolist(), strict=True) if p], depth, normalizer, model)
        delta = batch.delta.clone()
        delta[pushed.to(device)[batch.batch], : own.shape[1]] = own
        batch = replace(batch, delta=delta)
    weight = torch.tensor([options.first_bundle_weight if frame < frames else 1.0 for _, frame in windows])
    return batch, weight.to(device)


@torch.no_grad()
def push(windows: Sequence[Window], depth: int, normalizer: Normalizer, model: OrbitalModel) -> Tensor:
    """The history that the model makes for itself, starting some bundles before each window.

    Args:
        windows: Trajectories and last frames of history.
        depth: Number of bundles.
        normalizer: Units of the network.
        model: Makes the histories.

    Returns:
        [N, S, 9, R, T, 2], normalised, on the device of the model.
    """
    device, was_training = next(model.parameters()).device, model.training
    model.eval()
    own: Tensor | None = None
    for bundle in range(depth, 0, -1):
        before = collate([(t, frame - bundle * model.num_frames) for t, frame in windows], normalizer, model.num_frames)
        before = before.to(device)
        own = model(before if own is None else replace(before, delta=own))
    model.train(was_training)
    torch.clear_autocast_cache()  # what was cast without gradients must not be used with them
    assert own is not None
    return own.to(before.c0.dtype)
