"""The training loop: push-forward learning of bundles of frames."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
from accelerate import Accelerator, DistributedDataParallelKwargs
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from graphlearn.base.errors import InputError, StoppedError
from graphlearn.base.recipes.reading import recipe_hash
from graphlearn.models import OrbitalModel
from graphlearn.orbitals.compatibility import check_fits
from graphlearn.orbitals.data.batch import Normalizer
from graphlearn.orbitals.data.trajectories import OrbitalTrajectory, TDDFTTrajectories
from graphlearn.orbitals.data.windows import TDDFTWindows, Window
from graphlearn.orbitals.loss import UnrolledLoss
from graphlearn.orbitals.push_forward import training_batch
from graphlearn.orbitals.recipe import Optimisation, TrainRecipe
from graphlearn.orbitals.sampling import StepDraws, StepSampler, flip_signs, sample_states, step_loader
from graphlearn.orbitals.simulation import simulation_of
from graphlearn.orbitals.validation import DIVERGED, validation_score
from graphlearn.training.checkpoint import save_model
from graphlearn.training.run_folder import BEST, load_best, run_folder
from graphlearn.training.state import TrainingState
from graphlearn.training.weights import save_tensors

OnStep = Callable[[int, int, float], None]
OnValidation = Callable[[int, float], None]
PRECISIONS = {"float32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass
class TrainingResult:
    """A trained model with its normalisation, the loss of every step and the score of every validation."""

    model: OrbitalModel
    normalizer: Normalizer
    losses: list[float]
    validations: list[tuple[int, float]]


def train(
    recipe: TrainRecipe,
    data: TDDFTTrajectories,
    folder: Path,
    *,
    validation: TDDFTTrajectories | None = None,
    on_step: OnStep | None = None,
    on_validation: OnValidation | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> TrainingResult:
    """Train OrbEvo, writing checkpoints; run again, it goes on from the last one.

    Every random choice is drawn from the seed and the number of the step alone, so that a stopped and continued run
    equals an uninterrupted one bit for bit on a CPU with the same number of threads. Under ``torchrun`` each step is
    shared by all processes.

    Args:
        recipe: Model and optimisation.
        data: Training trajectories.
        folder: Where ``training_state.safetensors`` and, at the end, the model are written.
        validation: Trajectories whose rollouts choose the weights to keep; without them the last are kept.
        on_step: Called with (step, steps, loss) after every step.
        on_validation: Called with (step, score) after every validation.
        stop: Asked after every step; True writes a checkpoint and ends with StoppedError.

    Raises:
        InputError: if the folder holds the state of another recipe, another training is at work in it, or model and
            data do not fit together.
        StoppedError: if ``stop`` said so.
    """
    unused = DistributedDataParallelKwargs(find_unused_parameters=True)  # linear response has no use for some biases
    accelerator = Accelerator(cpu=not torch.cuda.is_available(), kwargs_handlers=[unused])
    with run_folder(folder) if accelerator.is_main_process else nullcontext():
        return _train(recipe, data, folder, accelerator, validation, on_step, on_validation, stop)


def _train(
    recipe: TrainRecipe,
    data: TDDFTTrajectories,
    folder: Path,
    accelerator: Accelerator,
    validation: TDDFTTrajectories | None,
    on_step: OnStep | None,
    on_validation: OnValidation | None,
    stop: Callable[[], bool],
) -> TrainingResult:
    options = recipe.optimisation
    torch.manual_seed(options.seed)
    normalizer = Normalizer.fit(data)
    windows = TDDFTWindows(data)
    model = recipe.build_model(average_degree=average_degree(windows.ground_state(i) for i in range(len(data))))
    model = model.to(accelerator.device)
    for given in (data, validation):
        if given is not None and any(getattr(given, name) != value for name, value in model.geometry.items()):
            raise InputError("read the data with the model's own cutoff: TDDFTTrajectories(..., **recipe.geometry)")
    if options.batch_size // options.windows_per_trajectory < accelerator.num_processes:
        raise InputError(f"batch_size {options.batch_size} is too small for {accelerator.num_processes} processes")
    for i in range(len(data)):
        check_fits(model, normalizer, windows.ground_state(i), options.unroll_bundles)
    if validation is not None:
        for i in range(min(recipe.validation.trajectories, len(validation))):
            check_fits(model, normalizer, validation[i])
    behind = (options.push_forward_bundles + 1) * model.num_frames
    windows = TDDFTWindows(data, options.unroll_bundles * model.num_frames, history=behind)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay, fused=True
    )
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(options.ema_decay)) if options.ema_decay else None
    scaler = torch.amp.GradScaler(accelerator.device.type, enabled=options.precision == "fp16")
    identity = f"{recipe_hash(recipe)}:{','.join(data.names)}:{normalizer.to_dict()}"
    state = TrainingState(identity, model, optimizer, average, scaler, worst=DIVERGED)
    state.load(folder)
    kept: nn.Module = average.module if average is not None else model
    step = _Step(accelerator, model, optimizer, scaler, normalizer, options)
    sampler = StepSampler(
        windows.ends, options.batch_size, options.seed, len(state.losses), options.steps,
        in_a_row=options.windows_per_trajectory, rank=accelerator.process_index, world=accelerator.num_processes,
    )  # fmt: skip
    main = accelerator.is_main_process
    for drawn in step_loader(windows, sampler, options.workers):
        number = len(state.losses)
        loss, asked = step(number, drawn, stop())
        state.losses.append(loss)
        if average is not None:
            average.update_parameters(model)
        number += 1
        validate = validation is not None and (number % recipe.validation.every == 0 or number == options.steps)
        if main and validate and validation is not None:
            assert isinstance(kept, OrbitalModel)
            score = validation_score(kept, normalizer, validation, recipe.validation.trajectories)
            if state.is_better(score):
                save_tensors(folder / BEST, dict(kept.state_dict()))
            state.validations.append((number, score))
            if on_validation is not None:
                on_validation(number, score)
        if main and (asked or validate or number % options.checkpoint_every == 0 or number == options.steps):
            state.save(folder)
        if main and on_step is not None:
            on_step(number, options.steps, loss)
        if asked and number < options.steps:
            accelerator.wait_for_everyone()
            raise StoppedError(f"stopped after step {number} of {options.steps}")
    accelerator.wait_for_everyone()
    if state.has_best:
        load_best(kept, folder)
    assert isinstance(kept, OrbitalModel)
    if main:
        facts = {
            "recipe": recipe.model_dump(mode="json"), "trained_on": data.names,
            "validated_on": validation.names if validation else [], "validations": state.validations,
            "simulation": simulation_of(data),
        }  # fmt: skip
        save_model(folder, kept, {"normalizer": normalizer.to_dict(), **facts})
    return TrainingResult(kept.eval(), normalizer, state.losses, state.validations)


class _Step:
    """One step of the optimiser on the windows of this process."""

    def __init__(
        self,
        accelerator: Accelerator,
        model: OrbitalModel,
        optimizer: torch.optim.Optimizer,
        scaler: torch.amp.GradScaler,
        normalizer: Normalizer,
        options: Optimisation,
    ) -> None:
        self.accelerator, self.model, self.optimizer, self.scaler = accelerator, model, optimizer, scaler
        self.normalizer, self.options = normalizer, options
        self.loss = accelerator.prepare(UnrolledLoss(model, options.unroll_bundles))
        self.model.train()

    def __call__(self, number: int, windows: list[Window], stop: bool) -> tuple[float, bool]:
        """Returns the loss and whether any process was asked to stop."""
        options, device = self.options, self.accelerator.device
        rank, world = self.accelerator.process_index, self.accelerator.num_processes
        draws = StepDraws(options.seed, number, rank, world, options.windows_per_trajectory)
        torch.manual_seed(int(torch.randint(2**62, (1,), generator=draws.process())))
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(number, options)
        with torch.autocast(device.type, PRECISIONS[options.precision], enabled=options.precision != "float32"):
            batch, weight = training_batch(windows, self.normalizer, self.model, options, draws)
            if options.flip_signs:
                batch = flip_signs(batch, draws)
            if options.states is not None:
                batch = sample_states(batch, options.states, draws)
            sums = self.loss(batch, weight)
        everywhere = self._sum(torch.cat([sums.detach(), sums.new_tensor([float(stop)])]))
        loss = float(everywhere[0] / everywhere[1])
        if not math.isfinite(loss):
            raise RuntimeError(f"the loss of step {number} is {loss}; lower optimisation.learning_rate")
        self.optimizer.zero_grad()
        self.scaler.scale(sums[0] * (world / everywhere[1])).backward()
        self.scaler.unscale_(self.optimizer)
        nn.utils.clip_grad_norm_(self.model.parameters(), options.gradient_clip)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return loss, bool(everywhere[2] > 0)

    def _sum(self, values: Tensor) -> Tensor:
        """Sum over processes."""
        total = self.accelerator.reduce(values, "sum")
        assert isinstance(total, Tensor)
        return total


def learning_rate(step: int, options: Optimisation) -> float:
    """Linear warm-up, then half a cosine to zero."""
    if step < options.warmup_steps:
        return options.learning_rate * (step + 1) / options.warmup_steps
    progress = (step - options.warmup_steps) / max(1, options.steps - options.warmup_steps)
    return options.learning_rate * 0.5 * (1.0 + math.cos(math.pi * progress))


def average_degree(items: Iterable[OrbitalTrajectory]) -> float:
    """Mean number of edges an atom."""
    counts = [(t.edge_index.shape[1], len(t.numbers)) for t in items]
    edges, atoms = map(sum, zip(*counts, strict=True))
    return max(1.0, edges / atoms)
