"""How the commands train, evaluate and compare models of orbitals."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphlearn.base.cli.shell import out, progress
from graphlearn.base.device import find_device
from graphlearn.base.errors import ConvergenceError, InputError
from graphlearn.base.files import replace_text
from graphlearn.orbitals.assignment import assign, check_validation, test_sets
from graphlearn.orbitals.baselines import LinearResponse, NearestGeometry
from graphlearn.orbitals.data.trajectories import TDDFTTrajectories
from graphlearn.orbitals.evaluate import COLUMNS, FROZEN, NEAREST, ZERO, Baseline, Prediction, cheap_baselines, evaluate
from graphlearn.orbitals.recipe import TRAIN, VALIDATION, OrbitalRecipe
from graphlearn.orbitals.report import EvaluatedSet, drop_nonfinite, summarise, write_report
from graphlearn.orbitals.task import OrbitalTask
from graphlearn.orbitals.terminal import NOTE, error_tables
from graphlearn.training.checkpoint import load_orbevo
from graphlearn.training.compare import Column, Comparison, Run
from graphlearn.training.recipe import variant_recipe
from graphlearn.training.session import Session
from graphlearn.training.systems import EvaluationOptions, System
from graphlearn.training.trainer import Trainer

if TYPE_CHECKING:
    import numpy as np

    from tdddft.trajectory.trajectory import Trajectory

COMPARED = ("wavefunction_nrmse", "dipole_nrmse", "absorption_nrmse")


class OrbitalSystem(System[OrbitalRecipe]):
    """Models that predict the electrons in time."""

    recipe = OrbitalRecipe

    def train(self, recipe: OrbitalRecipe, data: Path | None, session: Session) -> None:
        """Train on the part of a data-set folder that the recipe says."""
        split = split_folder(recipe, data)
        out.print(", ".join(f"{len(ids)} for {section}" for section, ids in split.items()))
        task = open_task(recipe, required(data), split)
        out.print(f"{recipe.architecture} with {sum(p.numel() for p in task.model.parameters()):,} parameters")
        session.report({"Training": session.fit("training", task)})

    def evaluate(self, folder: Path, options: EvaluationOptions) -> None:
        """Errors on trajectories that were not trained on, beside those of the baselines."""
        options.allow_only("ids", "casida", "limit")
        data = required(options.data)
        device = find_device(options.device)
        network, normalizer, facts = load_orbevo(folder)
        network.to(device)
        read = partial(TDDFTTrajectories, data, **network.geometry)
        every = TDDFTTrajectories(data)
        chosen = {"chosen": options.ids} if options.ids else test_sets(every.names, facts, data)
        if not chosen:
            raise InputError(f"the model was trained on every trajectory of {data}; name some with --id")
        baselines: dict[str, Baseline] = cheap_baselines(network.num_frames)
        trained = [n for n in facts["trained_on"] if n in every.files]
        if trained:
            nearest = NearestGeometry(read(select=trained))
            baselines[NEAREST] = lambda t: Prediction(rolled_out=nearest(t))
        if options.casida is not None:
            response = LinearResponse(options.casida)
            baselines[f"linear response, {options.casida} states"] = lambda t: _unless_unconverged(response, t)
        sets: dict[str, EvaluatedSet] = {}
        for name, names in chosen.items():
            subset = read(select=names[: options.limit], cache=0)
            with progress(name, len(subset)) as show:
                sets[name] = summarise(evaluate(network, normalizer, subset, baselines), show)
        out.print(*error_tables({name: s.errors for name, s in sets.items()}), NOTE, sep="\n")
        if options.out_dir is not None:
            for path in write_report(sets, options.out_dir):
                out.print(f"wrote {path}", soft_wrap=True)
        if options.json_file is not None:
            content = {
                name: {"trajectories": list(s.rows), "errors": drop_nonfinite(s.errors)} for name, s in sets.items()
            }
            replace_text(options.json_file, json.dumps(content, indent=2))

    def comparison(self, recipe: OrbitalRecipe, data: Path | None, only: Sequence[str], device: str) -> Comparison:
        """Variants of the recipe with every seed, on its test sets."""
        if not recipe.comparison.variants:
            raise InputError(f"recipe {recipe.name!r} has no comparison.variants; there is nothing to compare")
        split = split_folder(recipe, data)
        sets = tuple(name for name, ids in split.items() if ids and name not in (TRAIN, VALIDATION))
        if not sets:
            raise InputError(f"recipe {recipe.name!r}: split names no test set to compare on")
        columns = tuple(Column(f"{s}: {key}", f"{s}: {COLUMNS[key]}", False) for s in sets for key in COMPARED)
        return OrbitalComparison(
            recipe, required(data), tuple(only or recipe.comparison.variants), columns, sets, device
        )


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
        """Train, and roll out on the test sets."""
        recipe = variant_recipe(self.recipe, self.recipe.comparison, run.variant, run.seed)
        split = split_folder(recipe, self.data)
        task = open_task(recipe, self.data, split)
        result = Trainer(self.device).fit(task, folder)
        baselines = {name: b for name, b in cheap_baselines(result.model.num_frames).items() if name in (FROZEN, ZERO)}
        errors = {}
        for name in self.sets:
            subset = TDDFTTrajectories(self.data, select=split[name], cache=0, **recipe.geometry)
            errors[name] = drop_nonfinite(summarise(evaluate(result.model, task.normalizer, subset, baselines)).errors)
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


def required(data: Path | None) -> Path:
    """The folder of the trajectories.

    Raises:
        InputError: if none was given.
    """
    if data is None:
        raise InputError("give --data: the folder of trajectories, made by 'tdddft generate'")
    return data


def split_folder(recipe: OrbitalRecipe, data: Path | None) -> dict[str, list[str]]:
    """Ids of a data-set folder by their use, see :func:`graphlearn.orbitals.assignment.assign`."""
    folder = required(data)
    split = assign(TDDFTTrajectories(folder).names, recipe.split, folder)
    check_validation(recipe, split)
    return split


def open_task(recipe: OrbitalRecipe, data: Path, split: Mapping[str, Sequence[str]]) -> OrbitalTask:
    """The task of a recipe on the parts of a data-set folder.

    Args:
        recipe: Model and optimisation.
        data: Folder of the trajectories.
        split: Ids by use.
    """
    parts = (TRAIN, VALIDATION)
    sets = {s: TDDFTTrajectories(data, select=split[s], **recipe.geometry) for s in parts if s in split}
    return OrbitalTask.create(recipe, sets[TRAIN], sets.get(VALIDATION))


def _unless_unconverged(method: Callable[[Trajectory], np.ndarray], trajectory: Trajectory) -> Prediction:
    """What a method predicts; nothing, and a word on the screen, where its equations are not solved."""
    try:
        return Prediction(rolled_out=method(trajectory))
    except ConvergenceError as error:
        out.print(f"left out of linear response: {error}", style="yellow")
        return Prediction()


SYSTEM = OrbitalSystem()
