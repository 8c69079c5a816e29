"""The training loop: push-forward learning of bundles of frames."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from accelerate import Accelerator
from torch import Tensor

from graphlearn.datasets.batch import Normalizer, OrbitalBatch, collate
from graphlearn.datasets.trajectories import OrbitalTrajectory, TDDFTTrajectories
from graphlearn.models import OrbEvo
from graphlearn.training.checkpoint import load_training_state, save_model, save_training_state
from graphlearn.training.compatibility import check_fits
from graphlearn.training.loss import orbital_loss
from graphlearn.training.recipe import Optimisation, TrainRecipe
from tdddft.errors import InputError
from tdddft.recipe_files import recipe_hash

OnStep = Callable[[int, int, float], None]


@dataclass
class TrainingResult:
    """A trained model with its normalisation and the loss of every step."""

    model: OrbEvo
    normalizer: Normalizer
    losses: list[float]


def train(
    recipe: TrainRecipe, data: TDDFTTrajectories, folder: Path, *, on_step: OnStep | None = None
) -> TrainingResult:
    """Train OrbEvo, writing checkpoints; run again, it goes on from the last one.

    Every random choice is drawn from the seed and the number of the step alone, so that a stopped and continued run
    equals an uninterrupted one bit for bit on a CPU with the same number of threads.

    Args:
        recipe: Model and optimisation.
        data: Training trajectories.
        folder: Where ``training_state.safetensors`` and, at the end, the model are written.
        on_step: Called with (step, steps, loss) after every step.

    Raises:
        InputError: if the folder holds the state of another recipe.
    """
    options = recipe.optimisation
    accelerator = Accelerator()
    torch.manual_seed(options.seed)
    normalizer = Normalizer.fit(data)
    model = recipe.build_model(average_degree=average_degree(data))
    if (data.cutoff_angstrom, data.shells) != (model.cutoff_angstrom, model.shells):
        raise InputError("read the data with the model's own cutoff: TDDFTTrajectories(..., **recipe.geometry)")
    for i in range(len(data)):
        check_fits(model, normalizer, data[i])
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay, fused=True
    )
    identity = f"{recipe_hash(recipe)}:{','.join(data.names)}:{normalizer.to_dict()}"
    facts = load_training_state(folder, model, optimizer, identity)
    losses: list[float] = [] if facts is None else facts["losses"]
    ready, optimizer = accelerator.prepare(model, optimizer)
    model.train()
    for step in range(len(losses), options.steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, options)
        random = torch.Generator().manual_seed(_step_seed(options.seed, step))
        torch.manual_seed(_step_seed(options.seed, step))
        batch, weight = sample_batch(data, normalizer, model, options, random, accelerator.device)
        loss = orbital_loss(ready(batch), batch, weight)
        optimizer.zero_grad()
        accelerator.backward(loss)
        accelerator.clip_grad_norm_(model.parameters(), options.gradient_clip)
        optimizer.step()
        losses.append(float(loss.detach()))
        if not math.isfinite(losses[-1]):
            raise RuntimeError(f"the loss of step {step} is {losses[-1]}; lower optimisation.learning_rate")
        if (step + 1) % options.checkpoint_every == 0 or step + 1 == options.steps:
            save_training_state(folder, model, optimizer, identity, losses)
        if on_step is not None:
            on_step(step + 1, options.steps, losses[-1])
    model.eval()
    facts = {"recipe": recipe.model_dump(mode="json"), "trained_on": data.names}
    save_model(folder, model, {"normalizer": normalizer.to_dict(), **facts})
    return TrainingResult(model, normalizer, losses)


def sample_batch(
    data: TDDFTTrajectories,
    normalizer: Normalizer,
    model: OrbEvo,
    options: Optimisation,
    random: torch.Generator,
    device: torch.device | str = "cpu",
) -> tuple[OrbitalBatch, Tensor]:
    """Draw windows; replace the history of some by what the model makes of the bundles before (push-forward).

    Windows start anywhere in any trajectory. The number of bundles that the model runs on its own is drawn for the
    whole batch; windows too early for it keep their true history. One that starts within the first bundle has nothing
    before it to push from and gets ``first_bundle_weight``.

    Returns:
        The batch and the weight of each molecule [B].
    """
    frames = model.num_frames
    windows = []
    for index in torch.randint(len(data), (options.batch_size,), generator=random).tolist():
        last = data[index].num_frames - 1 - frames
        windows.append((data[index], int(torch.randint(last + 1, (1,), generator=random))))
    depth = int(torch.randint(1, options.push_forward_bundles + 1, (1,), generator=random))
    pushed = torch.rand(len(windows), generator=random) < options.push_forward
    pushed &= torch.tensor([frame >= depth * frames for _, frame in windows])
    batch = collate(windows, normalizer, frames).to(device)
    if pushed.any():
        own = _push([window for window, p in zip(windows, pushed.tolist(), strict=True) if p], depth, normalizer, model)
        delta = batch.delta.clone()
        delta[pushed.to(device)[batch.batch], : own.shape[1]] = own
        batch = replace(batch, delta=delta)
    weight = torch.tensor([options.first_bundle_weight if frame < frames else 1.0 for _, frame in windows])
    return batch, weight.to(device)


@torch.no_grad()
def _push(windows: list[tuple[OrbitalTrajectory, int]], depth: int, normalizer: Normalizer, model: OrbEvo) -> Tensor:
    """The history that the model makes for itself, starting ``depth`` bundles before each window."""
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    own: Tensor | None = None
    for bundle in range(depth, 0, -1):
        before = collate([(t, frame - bundle * model.num_frames) for t, frame in windows], normalizer, model.num_frames)
        before = before.to(device)
        own = model(before if own is None else replace(before, delta=own))
    model.train(was_training)
    assert own is not None
    return own


def learning_rate(step: int, options: Optimisation) -> float:
    """Linear warm-up, then half a cosine to zero."""
    if step < options.warmup_steps:
        return options.learning_rate * (step + 1) / options.warmup_steps
    progress = (step - options.warmup_steps) / max(1, options.steps - options.warmup_steps)
    return options.learning_rate * 0.5 * (1.0 + math.cos(math.pi * progress))


def average_degree(data: TDDFTTrajectories) -> float:
    """Mean number of edges an atom."""
    atoms = sum(len(data[i].numbers) for i in range(len(data)))
    edges = sum(data[i].edge_index.shape[1] for i in range(len(data)))
    return max(1.0, edges / atoms)


def _step_seed(seed: int, step: int) -> int:
    return (seed * 1_000_003 + step) % 2**63
