"""Variants of a model of orbitals, trained on the same trajectories."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from graphlearn.orbitals.evaluate import FROZEN, ZERO, cheap_baselines
from graphlearn.orbitals.evaluated_set import drop_nonfinite, evaluate_sets
from graphlearn.orbitals.folder import open_task, split_folder
from graphlearn.orbitals.recipe import OrbitalRecipe
from graphlearn.training.compare import Column, Comparison, Run
from graphlearn.training.recipe import variant_recipe
from graphlearn.training.trainer import Trainer

COMPARED = ("wavefunction_nrmse", "dipole_nrmse", "absorption_nrmse")


@dataclass(frozen=True)
class OrbitalComparison(Comparison):
    """Variants of a model on the same trajectories.

    Attributes:
        recipe: With what is compared.
        data: Folder of the trajectories.
        variants: Their names.
        columns: Errors of rollouts by test set.
        sets: Names of the test sets.
        device: Where to compute.
    """

    recipe: OrbitalRecipe
    data: Path
    variants: tuple[str, ...]
    columns: tuple[Column, ...]
    sets: tuple[str, ...]
    device: str = "auto"

    title = "Error over signal of rollouts"

    def runs(self) -> list[Run]:
        """All runs, seed by seed."""
        return [Run(variant, "", seed) for seed, variant in product(self.recipe.comparison.seeds, self.variants)]

    def settings(self, run: Run) -> dict[str, Any]:
        """What the recipe of the variant says beside the defaults, and which trajectory is used for what."""
        recipe = variant_recipe(self.recipe, self.recipe.comparison, run.variant, 0)
        said = recipe.model_dump(mode="json", exclude_defaults=True, exclude={"name": True, "optimisation": {"seed"}})
        split = json.dumps(split_folder(recipe, self.data), sort_keys=True)
        return {**said, "data_set": hashlib.sha256(split.encode()).hexdigest()[:16]}

    def do(self, run: Run, folder: Path) -> dict[str, Any]:
        """Train, and roll out on the test sets.

        Args:
            run: Variant and seed.
            folder: Of the training.

        Returns:
            Errors and the course of the training, for JSON.
        """
        recipe = variant_recipe(self.recipe, self.recipe.comparison, run.variant, run.seed)
        split = split_folder(recipe, self.data)
        task = open_task(recipe, self.data, split)
        result = Trainer(self.device).fit(task, folder)
        baselines = {name: b for name, b in cheap_baselines(result.model.num_frames).items() if name in (FROZEN, ZERO)}
        chosen = {name: split[name] for name in self.sets}
        results = evaluate_sets(result.model, task.normalizer, self.data, chosen, baselines)
        errors = {name: drop_nonfinite(s.errors) for name, s in results.items()}
        kind = type(result.model).__name__
        figures = {f"{name}: {key}": errors[name][kind][key] for name in self.sets for key in COMPARED}
        return {"figures": figures, "errors": errors, "seconds": round(result.seconds, 2), "training": result.to_dict()}

    def references(self, lines: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
        """A Hamiltonian that stays as it is, and no motion at all."""
        errors = lines[0]["errors"]
        return {
            method: {f"{name}: {key}": errors[name][method][key] for name in self.sets for key in COMPARED}
            for method in (FROZEN, ZERO)
        }
