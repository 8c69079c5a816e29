"""Variants of a predictor on the same chains, each with several seeds; every finished run is kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from graphlearn.base.errors import ContractError, InputError
from graphlearn.base.file_names import file_name
from graphlearn.base.files import replace_text
from graphlearn.base.machine import available_cores
from graphlearn.base.plain_data import read_json
from graphlearn.base.workers.pool import map_unordered
from graphlearn.proteins.evaluation.evaluate import evaluate
from graphlearn.proteins.prediction.decision import Decision
from graphlearn.proteins.prediction.homology import Homologues
from graphlearn.proteins.recipe import ProteinRecipe
from graphlearn.proteins.task import ProteinTask, load_task
from graphlearn.proteins.training.train import train_proteins
from graphlearn.training.run_folder import run_folder

RESULT = "result.json"


class ProteinRun(NamedTuple):
    """One training of a comparison."""

    variant: str
    seed: int

    def folder(self, out: Path) -> Path:
        """Where its model and result are kept."""
        return out / f"{file_name(self.variant)}-{self.seed}"


class ProteinComparison(NamedTuple):
    """Results of the runs that are done, and of those that failed (with ``error``)."""

    done: list[dict[str, Any]]
    failed: list[dict[str, Any]]


class _Job(NamedTuple):
    run: ProteinRun
    recipe: ProteinRecipe
    homologues: Homologues
    folder: Path


def runs_of(recipe: ProteinRecipe) -> list[ProteinRun]:
    """All runs, seed by seed.

    Raises:
        InputError: if the recipe names no variant.
    """
    if not recipe.comparison.variants:
        raise InputError(f"recipe {recipe.name!r} has no comparison.variants; there is nothing to compare")
    return [ProteinRun(v, s) for s, v in product(recipe.comparison.seeds, recipe.comparison.variants)]


def compare(
    recipe: ProteinRecipe,
    out: Path,
    *,
    jobs: int | None = None,
    on_run: Callable[[int, dict[str, Any]], Any] | None = None,
) -> ProteinComparison:
    """Train and judge every run that has no result in ``out``; a run that was cut off goes on where it was.

    Args:
        recipe: What to compare.
        out: Folder; more variants and seeds can be added later, failed runs are tried again.
        jobs: Worker processes of one thread each; all cores by default. Results do not depend on their number.
        on_run: Called with the number of finished runs and the newest result.

    Raises:
        InputError: if a result in the folder belongs to another recipe, another comparison is at work in it, or no run
            could be done.
    """
    wanted = runs_of(recipe)
    with run_folder(out):
        return _compare(recipe, wanted, out, jobs or available_cores(), on_run)


def _compare(
    recipe: ProteinRecipe,
    wanted: list[ProteinRun],
    out: Path,
    jobs: int,
    on_run: Callable[[int, dict[str, Any]], Any] | None,
) -> ProteinComparison:
    recipes = {run: recipe.variant(run.variant, run.seed) for run in wanted}
    done = {run: found for run in wanted if (found := _stored(run, recipes[run], out)) is not None}
    missing = [run for run in wanted if run not in done]
    failed = []
    if missing:
        homologues = _searched(load_task(recipe))
        work = [_Job(run, recipes[run], homologues, run.folder(out)) for run in missing]
        for line in map_unordered(_do, work, jobs):
            run = ProteinRun(line["variant"], line["seed"])
            if "error" in line:
                failed.append(line)
            else:
                done[run] = line
            if on_run is not None:
                on_run(len(done) + len(failed), line)
    if not done:
        raise InputError(f"every run failed; the first: {failed[0]['error']}")
    return ProteinComparison([done[run] for run in wanted if run in done], failed)


def _searched(task: ProteinTask) -> Homologues:
    """The training chains, with the search of validation and test chains done once for all runs."""
    homologues = Homologues.of(task)
    for part in ("validation", "test"):
        homologues.transfer(task.sequences(part))
    return homologues


def _stored(run: ProteinRun, recipe: ProteinRecipe, out: Path) -> dict[str, Any] | None:
    file = run.folder(out) / RESULT
    if not file.is_file():
        return None
    try:
        found: dict[str, Any] = read_json(file, finite=False)
        same = found["fingerprint"] == recipe.fingerprint
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{file}: damaged ({error}); remove it, and the run is judged again") from None
    if not same:
        raise InputError(f"{file} is of another recipe; choose another folder, or remove {file.parent}")
    return found


def _do(job: _Job) -> dict[str, Any]:
    run, recipe = job.run, job.recipe
    try:
        task = load_task(recipe)
        result = train_proteins(recipe, task, job.folder, homologues=job.homologues)
        facts = read_json(job.folder / "model.json")
        found = evaluate(
            result.model, task, job.homologues.transfer(task.sequences("test")), Decision.of(facts), bins=task.bins
        )
    except (InputError, ContractError, RuntimeError) as error:
        return {**run._asdict(), "error": str(error)}
    line = {
        **run._asdict(), "fingerprint": recipe.fingerprint, "errors": found.errors,
        "chains": found.chains_of_bin, "validation": 1 - min(score for _, score in result.validations),
        "calibration_error": found.calibration_error, "search": found.search,
        "parameters": sum(p.numel() for p in result.model.parameters()),
    }  # fmt: skip
    replace_text(job.folder / RESULT, json.dumps(line, indent=2))
    return line
