"""How the commands train, evaluate and compare predictors of protein functions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

from graphlearn.base.cli.shell import err, out, progress
from graphlearn.base.errors import InputError, printable
from graphlearn.base.files import replace_text
from graphlearn.proteins.data.training_data import (
    ProteinTrainingData,
    left_out_lines,
    load_training_data,
    write_left_out,
)
from graphlearn.proteins.evaluation.evaluate import (
    ALL,
    BEST_HIT,
    COLUMNS,
    COMBINED,
    FREQUENCY,
    LOWER_IS_BETTER,
    MODEL,
    evaluate,
    stored_data,
    stored_recipe,
)
from graphlearn.proteins.evaluation.report import ProteinEvaluation
from graphlearn.proteins.evaluation.site_benchmark import held_out_sites, site_benchmark
from graphlearn.proteins.prediction.homology import Homologues
from graphlearn.proteins.prediction.predictor import ProteinPredictor
from graphlearn.proteins.recipe import ProteinRecipe
from graphlearn.proteins.training.task import train_proteins
from graphlearn.training.compare import Column, Comparison, Run
from graphlearn.training.session import Session
from graphlearn.training.systems import EvaluationOptions, System
from graphlearn.training.trainer import Trainer


class ProteinSystem(System[ProteinRecipe]):
    """Predictors of protein functions."""

    recipe = ProteinRecipe

    def overrides(self, data: Path) -> list[str]:
        """The folder of the tables."""
        return [f"data.root={data.absolute()}"]

    def train(self, recipe: ProteinRecipe, data: Path | None, session: Session) -> None:
        """Pre-train the proposal where the recipe says so, then train.

        Args:
            recipe: What to train; it names the data.
            data: Not used, see :meth:`overrides`.
            session: Trains, with a progress bar.
        """
        known = load_training_data(recipe)
        _describe(known, session.folder)
        session.report(train_proteins(recipe, known, session.folder, session.fit))

    def evaluate(self, folder: Path, options: EvaluationOptions) -> None:
        """Print tables of terms and residues, and write them with figures if asked for.

        Args:
            folder: Of the model.
            options: Of the command.
        """
        options.allow_only("part", "residues", "profiles")
        part = options.part or "test"
        predictor = ProteinPredictor(folder, device=options.device)
        recipe = stored_recipe(predictor, options.data, profiles=options.profiles is not False)
        data = stored_data(predictor, recipe)
        found = ProteinEvaluation(evaluate(predictor, data, part))
        if options.residues is not False and (known := held_out_sites(recipe, data, part)) is not None:
            with progress("chains with sites", len(known.chains)) as show:
                found = replace(found, sites=site_benchmark(predictor.model, known, on_chain=show))
        out.print(found.to_markdown(), markup=False, soft_wrap=True)
        out.print(
            f"{found.terms.chains_of_bin[ALL]} chains for {part}; expected calibration error of the network "
            f"{found.terms.calibration_error:.3f}; best hits found by {found.terms.search}",
            soft_wrap=True,
        )
        written = [*found.write(options.out_dir)] if options.out_dir is not None else []
        if options.json_file is not None:
            replace_text(options.json_file, json.dumps(found.to_dict(), indent=2))
            written.append(options.json_file)
        for path in written:
            out.print(f"wrote {path}", soft_wrap=True)

    def comparison(self, recipe: ProteinRecipe, data: Path | None, only: Sequence[str], device: str) -> Comparison:
        """Variants of the recipe with every seed.

        Args:
            recipe: With what is compared; it names the data.
            data: Not used, see :meth:`overrides`.
            only: Names of variants; none for all.
            device: Where each run computes.

        Returns:
            The comparison, ready to run.

        Raises:
            InputError: if the recipe names no variants.
        """
        if not recipe.comparison.variants:
            raise InputError(f"recipe {recipe.name!r} has no comparison.variants; there is nothing to compare")
        known = load_training_data(recipe)
        queries = known.sequences("validation") | (known.sequences("test") if "test" in known.data.split else {})
        return ProteinComparison(
            recipe, tuple(only or recipe.comparison.variants), known.fingerprint, Homologues.of(known), queries, device
        )


@dataclass(frozen=True, eq=False)
class ProteinComparison(Comparison):
    """Variants of a predictor on the same chains.

    Attributes:
        recipe: With what is compared.
        variants: Their names.
        data_set: Fingerprint of chains, labels and split.
        homologues: The training chains.
        queries: Sequences of the validation and test chains, by name.
        device: Where each run computes.
    """

    recipe: ProteinRecipe
    variants: tuple[str, ...]
    data_set: str
    homologues: Homologues
    queries: Mapping[str, str]
    device: str = "auto"

    title = "Test chains"
    columns = (
        *(Column(key, label, key not in LOWER_IS_BETTER, digits=3) for key, label in COLUMNS.items()),
        Column("combined_fmax", "Fmax with best hit"),
    )

    def runs(self) -> list[Run]:
        """All runs, seed by seed."""
        return [Run(variant, "", seed) for seed, variant in product(self.recipe.comparison.seeds, self.variants)]

    def settings(self, run: Run) -> dict[str, Any]:
        """Settings of the recipe of the variant other than the defaults, wherever the data lie."""
        hidden: dict[str, Any] = {"name": True, "data": {"root"}, "optimisation": {"seed"}}
        said = self.recipe.variant(run.variant, 0).model_dump(mode="json", exclude_defaults=True, exclude=hidden)
        return {**said, "data_set": self.data_set}

    def prepare(self) -> ProteinComparison:
        """The same, with the search of validation and test chains done once for all runs."""
        self.homologues.transfer(self.queries)
        return self

    def do(self, run: Run, folder: Path) -> dict[str, Any]:
        """Train, and evaluate on the test chains.

        Args:
            run: Which variant and seed.
            folder: Of its model.

        Returns:
            Figures and errors on the test chains, number of chains per bin, validation score, calibration error, search
            program and number of parameters.
        """
        recipe = self.recipe.variant(run.variant, run.seed)
        data, trainer = load_training_data(recipe), Trainer(self.device)
        stages = train_proteins(recipe, data, folder, lambda _, task, place: trainer.fit(task, place), self.homologues)
        predictor = ProteinPredictor(folder, device=self.device)
        predictor.homologues = self.homologues
        found, best = evaluate(predictor, data), stages["Terms"].best
        return {
            "figures": {**found.errors[ALL][MODEL], "combined_fmax": found.errors[ALL][COMBINED]["fmax"]},
            "errors": found.errors, "chains": found.chains_of_bin,
            "validation": best and best.figures[recipe.optimisation.select],
            "calibration_error": found.calibration_error, "search": found.search,
            "parameters": sum(p.numel() for p in predictor.model.parameters()),
        }  # fmt: skip

    def references(self, lines: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
        """The best hit, and the frequencies of the terms."""
        return {method: dict(lines[0]["errors"][ALL][method]) for method in (BEST_HIT, FREQUENCY)}


def _describe(data: ProteinTrainingData, folder: Path) -> None:
    parts = ", ".join(f"{len(chains)} for {part}" for part, chains in data.data.split.items())
    out.print(f"chains: {parts}; {len(data.data.terms)} terms")
    for line in left_out_lines(data.data.failures):
        err.print(printable(line), style="yellow", markup=False, soft_wrap=True)
    if (path := write_left_out(data.data.failures, folder)) is not None:
        out.print(f"wrote {path}", markup=False, soft_wrap=True)
    if data.site_data is not None:
        out.print("chains with sites: " + ", ".join(f"{len(c)} for {p}" for p, c in data.sites._asdict().items()))


SYSTEM = ProteinSystem()
