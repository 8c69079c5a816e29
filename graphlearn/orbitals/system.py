"""How the commands train, evaluate and compare models of orbitals."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from graphlearn.base.cli.shell import out, progress
from graphlearn.base.device import find_device
from graphlearn.base.errors import ConvergenceError, InputError
from graphlearn.base.files import replace_text
from graphlearn.orbitals.assignment import test_sets
from graphlearn.orbitals.baselines import GroundStates, LinearPropagation, LinearResponse, NearestGeometry
from graphlearn.orbitals.comparison import COMPARED, OrbitalComparison
from graphlearn.orbitals.data.trajectories import TDDFTTrajectories
from graphlearn.orbitals.evaluate import COLUMNS, NEAREST, Baseline, Prediction, cheap_baselines
from graphlearn.orbitals.evaluated_set import evaluate_sets
from graphlearn.orbitals.folder import open_task, required, split_folder
from graphlearn.orbitals.model_folder import load_orbital_model
from graphlearn.orbitals.recipe import TRAIN, VALIDATION, OrbitalRecipe
from graphlearn.orbitals.report import write_report
from graphlearn.orbitals.tables import NOTE, printed_tables
from graphlearn.training.compare import Column
from graphlearn.training.session import Session
from graphlearn.training.systems import EvaluationOptions, System
from tdddft.electronic.method_names import KERNEL_LEVELS

if TYPE_CHECKING:
    import numpy as np

    from graphlearn.training.compare import Comparison
    from tdddft.trajectory import Trajectory


class OrbitalSystem(System[OrbitalRecipe]):
    """Models that predict the electrons in time."""

    recipe = OrbitalRecipe

    def train(self, recipe: OrbitalRecipe, data: Path | None, session: Session) -> None:
        """Train on the part of a data-set folder that the recipe says.

        Args:
            recipe: What to train.
            data: Data-set folder.
            session: Trains, with a progress bar.
        """
        split = split_folder(recipe, data)
        out.print(", ".join(f"{len(ids)} for {section}" for section, ids in split.items()))
        task = open_task(recipe, required(data), split)
        out.print(f"{recipe.architecture} with {sum(p.numel() for p in task.model.parameters()):,} parameters")
        session.report({"Training": session.fit("training", task)})

    def evaluate(self, folder: Path, options: EvaluationOptions) -> None:
        """Errors on trajectories that were not trained on, beside those of the baselines.

        Args:
            folder: Of the model.
            options: Of the command.
        """
        options.allow_only("ids", "casida", "kernels", "limit", "model_class")
        data = required(options.data)
        device = find_device(options.device)
        network, normalizer, card = load_orbital_model(folder, options.model_class)
        network.to(device)
        every = TDDFTTrajectories(data)
        chosen = {"chosen": options.ids} if options.ids else test_sets(every.names, card, data)
        if not chosen:
            raise InputError(f"the model was trained on every trajectory of {data}; name some with --id")
        baselines: dict[str, Baseline] = cheap_baselines(network.num_frames)
        trained = [n for n in card.trained_on if n in every.files]
        if trained:
            nearest = NearestGeometry(TDDFTTrajectories(data, select=trained))
            baselines[NEAREST] = lambda t: Prediction(rolled_out=nearest(t))
        states = GroundStates()
        if options.casida is not None:
            response = LinearResponse(options.casida, states)
            baselines[f"linear response, {options.casida} states"] = partial(_unless_unconverged, response)
        for level in options.kernels or ():
            if level not in KERNEL_LEVELS:
                raise InputError(f"--kernel {level}: choose one of {', '.join(KERNEL_LEVELS)}")
            baselines[f"linear kernel, {level}"] = partial(_unless_unconverged, LinearPropagation(level, states))
        limited = {name: ids[: options.limit] for name, ids in chosen.items()}
        sets = evaluate_sets(network, normalizer, data, limited, baselines, progress)
        out.print(*printed_tables(sets), NOTE, sep="\n")
        if options.out_dir is not None:
            for path in write_report(sets, options.out_dir, folder / "model.safetensors"):
                out.print(f"wrote {path}", soft_wrap=True)
        if options.json_file is not None:
            replace_text(options.json_file, json.dumps({name: s.to_dict() for name, s in sets.items()}, indent=2))

    def comparison(self, recipe: OrbitalRecipe, data: Path | None, only: Sequence[str], device: str) -> Comparison:
        """Variants of the recipe with every seed, on its test sets.

        Args:
            recipe: With what is compared.
            data: Data-set folder.
            only: Names of variants; none for all.
            device: Where each run computes.

        Returns:
            What to run.
        """
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


def _unless_unconverged(method: Callable[[Trajectory], np.ndarray], trajectory: Trajectory) -> Prediction:
    """What a method predicts; nothing, and a word on the screen, where its equations are not solved."""
    try:
        return Prediction(rolled_out=method(trajectory))
    except ConvergenceError as error:
        out.print(f"left out of a baseline: {error}", style="yellow")
        return Prediction()


SYSTEM = OrbitalSystem()
