"""How the commands train, evaluate and compare predictors of protein functions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from itertools import product
from math import ceil
from pathlib import Path
from typing import Any

from graphlearn.base.cli.shell import err, out, printable, progress
from graphlearn.base.cli.signals import stop_on_signals
from graphlearn.base.errors import InputError, StoppedError
from graphlearn.base.files import replace_text
from graphlearn.base.plain_data import read_json
from graphlearn.base.plotting import save_figure
from graphlearn.proteins.evaluation.evaluate import (
    ALL,
    BEST_HIT,
    COLUMNS,
    COMBINED,
    FREQUENCY,
    LOWER_IS_BETTER,
    MODEL,
    evaluate,
)
from graphlearn.proteins.prediction.decision import Decision
from graphlearn.proteins.prediction.homology import Homologues
from graphlearn.proteins.recipe import ProteinRecipe
from graphlearn.proteins.task import ProteinTask, load_task
from graphlearn.training.compare import Column, Comparison, Run
from graphlearn.training.session import Session
from graphlearn.training.systems import EvaluationOptions, System


class ProteinSystem(System[ProteinRecipe]):
    """Predictors of protein functions."""

    recipe = ProteinRecipe

    def overrides(self, data: Path) -> list[str]:
        """The folder of the tables."""
        return [f"data.root={data.absolute()}"]

    def train(self, recipe: ProteinRecipe, data: Path | None, session: Session) -> None:
        """Pre-train the proposal where the recipe says so, then train."""
        from graphlearn.proteins.training.initialise import start_model
        from graphlearn.proteins.training.learning_figure import learning_curve
        from graphlearn.proteins.training.train import train_proteins

        task = load_task(recipe)
        _describe(task, session.folder)
        options, metric = recipe.optimisation, recipe.optimisation.select
        steps = options.epochs * ceil(len(task.data.split["train"]) / options.batch_size)
        before = recipe.pre_training.epochs if task.site_data is not None else 0
        score = ""

        def note_score(_: int, value: float) -> None:
            nonlocal score
            score = f", validation {metric} {value:.3f}"

        with stop_on_signals() as request:
            try:
                with progress("pre-training", before) if before else nullcontext() as first:
                    model = start_model(
                        recipe, task, session.folder, stop=request,
                        on_epoch=lambda epoch, value: first and first(epoch, f"validation AUPR {value:.3f}"),
                    )  # fmt: skip
                with progress("training", steps) as show:
                    result = train_proteins(
                        recipe, task, session.folder, start=model, stop=request, on_validation=note_score,
                        on_step=lambda step, _, loss: show(step, f"loss {loss:.4f}{score}"),
                    )  # fmt: skip
            except StoppedError:
                request.exit()
        out.print(f"{metric} of validation: {1 - min(s for _, s in result.validations):.3f}")
        out.print(f"wrote {session.folder}/model.safetensors")
        out.print(f"wrote {save_figure(learning_curve(result, metric), session.folder / 'learning_curve.png')}")

    def evaluate(self, folder: Path, options: EvaluationOptions) -> None:
        """Print tables of terms and residues, and write them with pictures if asked for."""
        from graphlearn.proteins.evaluation.report import Verdict, numbers, tables, write_verdict
        from graphlearn.proteins.evaluation.site_benchmark import locate
        from graphlearn.proteins.evaluation.stored import load_predictor

        options.allow_only("part", "residues", "profiles")
        part = options.part or "test"
        predictor = load_predictor(folder, options.data, profiles=options.profiles is not False)
        evaluated = predictor.judge(part)
        verdict = Verdict(evaluated, {})
        if options.residues is not False and (truth := predictor.sites(part)) is not None:
            with progress("chains with sites", len(truth.chains)) as show:
                verdict = Verdict(evaluated, locate(predictor.model, truth, on_chain=show))
        out.print(tables(verdict), markup=False, soft_wrap=True)
        out.print(
            f"{evaluated.chains_of_bin['all']} chains for {part}; expected calibration error of the network "
            f"{evaluated.calibration_error:.3f}; best hits found by {evaluated.search}",
            soft_wrap=True,
        )
        written = [*write_verdict(verdict, options.out_dir)] if options.out_dir is not None else []
        if options.json_file is not None:
            replace_text(options.json_file, json.dumps(numbers(verdict), indent=2))
            written.append(options.json_file)
        for path in written:
            out.print(f"wrote {path}", soft_wrap=True)

    def comparison(self, recipe: ProteinRecipe, data: Path | None, only: Sequence[str], device: str) -> Comparison:
        """Variants of the recipe with every seed."""
        if not recipe.comparison.variants:
            raise InputError(f"recipe {recipe.name!r} has no comparison.variants; there is nothing to compare")
        return ProteinComparison(recipe, tuple(only or recipe.comparison.variants), _fingerprint(load_task(recipe)))


@dataclass(frozen=True, eq=False)
class ProteinComparison(Comparison):
    """Variants of a predictor on the same chains.

    Attributes:
        recipe: With what is compared.
        variants: Their names.
        data_set: Fingerprint of chains, labels and split.
        homologues: The training chains, with the search of all others done; None before there is a run to do.
    """

    recipe: ProteinRecipe
    variants: tuple[str, ...]
    data_set: str
    homologues: Homologues | None = None

    title = "Test chains"
    columns = (
        *(Column(key, label, key not in LOWER_IS_BETTER, digits=3) for key, label in COLUMNS.items()),
        Column("combined_fmax", "Fmax with best hit"),
    )

    def runs(self) -> list[Run]:
        """All runs, seed by seed."""
        return [Run(variant, "", seed) for seed, variant in product(self.recipe.comparison.seeds, self.variants)]

    def settings(self, run: Run) -> dict[str, Any]:
        """What the recipe of the variant says beside the defaults, wherever the data lie."""
        hidden: dict[str, Any] = {"name": True, "data": {"root"}, "optimisation": {"seed"}}
        said = self.recipe.variant(run.variant, 0).model_dump(mode="json", exclude_defaults=True, exclude=hidden)
        return {**said, "data_set": self.data_set}

    def prepare(self) -> ProteinComparison:
        """Search the validation and test chains among the training chains, once for all runs."""
        task = load_task(self.recipe)
        homologues = Homologues.of(task)
        for part in ("validation", "test"):
            homologues.transfer(task.sequences(part))
        return replace(self, homologues=homologues)

    def do(self, run: Run, folder: Path) -> dict[str, Any]:
        """Train, and judge on the test chains."""
        from graphlearn.proteins.training.train import train_proteins

        assert self.homologues is not None
        recipe = self.recipe.variant(run.variant, run.seed)
        task = load_task(recipe)
        result = train_proteins(recipe, task, folder, homologues=self.homologues)
        decision = Decision.of(read_json(folder / "model.json"))
        transferred = self.homologues.transfer(task.sequences("test"))
        found = evaluate(result.model, task, transferred, decision, bins=task.bins)
        figures = {**found.errors[ALL][MODEL], "combined_fmax": found.errors[ALL][COMBINED]["fmax"]}
        return {
            "figures": figures, "errors": found.errors, "chains": found.chains_of_bin,
            "validation": 1 - min(score for _, score in result.validations),
            "calibration_error": found.calibration_error, "search": found.search,
            "parameters": sum(p.numel() for p in result.model.parameters()),
        }  # fmt: skip

    def references(self, lines: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
        """The best hit, and the frequencies of the terms."""
        return {method: dict(lines[0]["errors"][ALL][method]) for method in (BEST_HIT, FREQUENCY)}


def _fingerprint(task: ProteinTask) -> str:
    """Short hash of chains, labels and split."""
    content = json.dumps([task.data.sequences, task.data.terms, task.data.split])
    digest = hashlib.sha256(content.encode())
    for part in task.data.split:
        digest.update(task.labels(part).tobytes())
    return digest.hexdigest()[:16]


def _describe(task: ProteinTask, folder: Path) -> None:
    from graphlearn.proteins.data.left_out import left_out_lines, write_left_out

    parts = ", ".join(f"{len(chains)} for {part}" for part, chains in task.data.split.items())
    out.print(f"chains: {parts}; {len(task.data.terms)} terms")
    for line in left_out_lines(task.data.failures):
        err.print(printable(line), style="yellow", markup=False, soft_wrap=True)
    if (path := write_left_out(task.data.failures, folder)) is not None:
        out.print(f"wrote {path}", markup=False, soft_wrap=True)
    if task.site_data is not None:
        out.print("chains with sites: " + ", ".join(f"{len(c)} for {p}" for p, c in task.sites._asdict().items()))


SYSTEM = ProteinSystem()
