"""Learning trajectories as a task of the trainer: push-forward learning of bundles of frames."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from graphlearn.base.errors import InputError
from graphlearn.base.recipes.reading import recipe_hash
from graphlearn.models import OrbitalModel
from graphlearn.orbitals.compatibility import check_fits
from graphlearn.orbitals.data.batch import Normalizer
from graphlearn.orbitals.data.trajectories import OrbitalTrajectory, TDDFTTrajectories
from graphlearn.orbitals.data.windows import TDDFTWindows, Window
from graphlearn.orbitals.loss import unrolled_loss
from graphlearn.orbitals.model_folder import OrbitalCard
from graphlearn.orbitals.push_forward import training_batch
from graphlearn.orbitals.recipe import OrbitalOptimisation, OrbitalRecipe
from graphlearn.orbitals.sampling import StepSampler, flip_signs, sample_states
from graphlearn.orbitals.simulation import SimulationSettings
from graphlearn.orbitals.validation import ROLLOUT_ERROR, validation_score
from graphlearn.training.randomness import Share, StepDraws
from graphlearn.training.task import Budget, Metric, TrainingResult


@dataclass
class OrbitalTask:
    """A model of orbitals, its trajectories, and how it learns from them; see :class:`graphlearn.training.task.Task`.

    Attributes:
        recipe: Model and optimisation.
        data: Training trajectories.
        validation: Trajectories whose rollouts choose the weights to keep; without them the last are kept.
        model: The network.
        normalizer: Its units, of the training trajectories.
        windows: What batches are drawn from.
    """

    recipe: OrbitalRecipe
    data: TDDFTTrajectories
    validation: TDDFTTrajectories | None
    model: OrbitalModel
    normalizer: Normalizer
    windows: TDDFTWindows

    @classmethod
    def create(
        cls, recipe: OrbitalRecipe, data: TDDFTTrajectories, validation: TDDFTTrajectories | None = None
    ) -> OrbitalTask:
        """Build the model of a recipe, and check that it and the data fit together.

        Args:
            recipe: Model and optimisation.
            data: Training trajectories, read with ``recipe.geometry``.
            validation: Trajectories whose rollouts choose the weights to keep, read likewise.

        Returns:
            The task, with its model on the CPU.

        Raises:
            InputError: if model and data do not fit together.
        """
        options = recipe.optimisation
        torch.manual_seed(options.seed)
        normalizer = Normalizer.fit(data)
        windows = TDDFTWindows(data)
        starts = [windows.ground_state(index) for index in range(len(data))]
        model = recipe.build_model(average_degree=average_degree(starts))
        for given in (data, validation):
            if given is not None and any(getattr(given, name) != value for name, value in model.geometry.items()):
                raise InputError("read the data with the model's own cutoff: TDDFTTrajectories(..., **recipe.geometry)")
        for start in starts:
            check_fits(model, normalizer, start, options.unroll_bundles)
        if validation is not None:
            for i in range(min(recipe.validation.trajectories, len(validation))):
                check_fits(model, normalizer, validation[i])
        history = (options.push_forward_bundles + 1) * model.num_frames
        windows = TDDFTWindows(data, options.unroll_bundles * model.num_frames, history=history)
        return cls(recipe, data, validation, model, normalizer, windows)

    @property
    def identity(self) -> str:
        """Recipe, names of the trajectories, and their units."""
        return f"{recipe_hash(self.recipe)}:{','.join(self.data.names)}:{self.normalizer.to_dict()}"

    @property
    def optimisation(self) -> OrbitalOptimisation:
        """Of the recipe."""
        return self.recipe.optimisation

    @property
    def budget(self) -> Budget:
        """Steps, and rollouts now and then where there are trajectories for them."""
        every = self.recipe.validation.every if self.validation is not None else None
        return Budget(self.optimisation.steps, self.optimisation.warmup_steps, validate_every=every)

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """The error of rollouts, where there are trajectories for them."""
        return () if self.validation is None else (ROLLOUT_ERROR,)

    def batches(self, first_step: int, share: Share) -> Iterable[list[Window]]:
        """The windows of each step; with ``optimisation.workers`` they are read ahead.

        Args:
            first_step: Step to begin with.
            share: Which trajectories of each step this process takes.

        Returns:
            Windows, a list per step.

        Raises:
            InputError: if there are fewer trajectories in a step than processes.
        """
        options = self.optimisation
        if options.batch_size // options.windows_per_trajectory < share.world:
            raise InputError(f"batch_size {options.batch_size} is too small for {share.world} processes")
        sampler = StepSampler(
            self.windows.ends, options.batch_size, options.seed, first_step, options.steps,
            windows_per_trajectory=options.windows_per_trajectory, share=share,
        )  # fmt: skip
        return DataLoader(
            self.windows,
            batch_sampler=sampler,
            num_workers=options.workers,
            collate_fn=_as_list,
        )

    def loss(self, model: OrbitalModel, batch: list[Window], draws: StepDraws) -> Tensor:
        """Loss of one bundle or several.

        Args:
            model: Predicts the next bundle.
            batch: Windows.
            draws: Random numbers of the step.

        Returns:
            Numerator and denominator, [2].
        """
        options = self.optimisation
        joined, weight = training_batch(batch, self.normalizer, model, options, draws)
        if options.flip_signs:
            joined = flip_signs(joined, draws)
        if options.states is not None:
            joined = sample_states(joined, options.states, draws)
        return unrolled_loss(model, joined, weight, options.unroll_bundles)

    def validate(self, model: OrbitalModel) -> dict[str, float]:
        """Error of rollouts of the validation trajectories."""
        assert self.validation is not None
        count = self.recipe.validation.trajectories
        return {ROLLOUT_ERROR.name: validation_score(model, self.normalizer, self.validation, count)}

    def card(self, result: TrainingResult[OrbitalModel]) -> OrbitalCard:
        """Units, recipe, ids that were seen, the simulations learned from, and the course of the training."""
        content = {
            "normalizer": self.normalizer.to_dict(),
            "recipe": self.recipe.model_dump(mode="json"),
            "trained_on": self.data.names,
            "validated_on": self.validation.names if self.validation else [],
            "training": result.to_dict(),
            "simulation": SimulationSettings.from_dataset(self.data).to_dict(),
        }
        return OrbitalCard.describe(result.model, content)


def average_degree(items: Iterable[OrbitalTrajectory]) -> float:
    """Mean number of edges per atom."""
    counts = [(t.edge_index.shape[1], len(t.numbers)) for t in items]
    edges, atoms = map(sum, zip(*counts, strict=True))
    return max(1.0, edges / atoms)


def _as_list(windows: list[Window]) -> list[Window]:
    return windows
