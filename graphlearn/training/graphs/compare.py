"""Compare readouts on the same network, budget and splits; every finished run is kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

from graphlearn.training.graphs.fit import Run, build_model, fit
from graphlearn.training.graphs.recipe import GraphRecipe
from graphlearn.training.graphs.task import load_task
from tdddft.errors import InputError
from tdddft.pool import available_cores, map_unordered
from tdddft.recipe import differing_keys

EXTENSIBLE = ("readouts", "seeds", "depths", "test_folds")


def runs_of(recipe: GraphRecipe) -> list[Run]:
    """All runs of a comparison; only TU sets have more than one split. Seeds and folds come last in the order."""
    folds = recipe.test_folds if recipe.data.kind == "tu" else (0,)
    order = product(recipe.seeds, folds, recipe.depths, recipe.readouts)
    return [Run(readout, depth, seed, fold) for seed, fold, depth, readout in order]


def compare(
    recipe: GraphRecipe,
    out: Path,
    *,
    jobs: int | None = None,
    on_run: Callable[[int, dict[str, Any]], Any] | None = None,
) -> list[dict[str, Any]]:
    """Do every run that is missing in ``<out>/runs.jsonl``, and return the lines of all of them.

    Args:
        recipe: What to compare.
        out: Folder; runs of the same recipe are kept and added to, with more readouts, seeds, depths or folds.
        jobs: Worker processes, one thread each; all cores by default. Results do not depend on their number.
        on_run: Called with the number of finished runs and the newest line.

    Raises:
        InputError: if the folder holds another recipe's runs, or the data set or a readout cannot be used.
    """
    task = load_task(recipe.data)
    for readout, depth in product(recipe.readouts, recipe.depths):
        build_model(recipe, task, readout, depth)
    done = _open(recipe, out)
    wanted = runs_of(recipe)
    missing = [run for run in wanted if run not in done]
    finished = len(wanted) - len(missing)
    with (out / "runs.jsonl").open("a") as file:
        for line in map_unordered(_run, [(recipe, run) for run in missing], jobs or available_cores()):
            file.write(json.dumps(line) + "\n")
            file.flush()
            finished += 1
            done[_key(line)] = line
            if on_run is not None:
                on_run(finished, line)
    return [done[run] for run in wanted]


def read_runs(folder: Path) -> Iterator[dict[str, Any]]:
    """Lines of ``runs.jsonl``; a last line that was cut off by a kill is left out."""
    file = folder / "runs.jsonl"
    for text in file.read_text().splitlines() if file.is_file() else []:
        try:
            yield json.loads(text)
        except json.JSONDecodeError:
            continue


def _run(job: tuple[GraphRecipe, Run]) -> dict[str, Any]:
    recipe, run = job
    task = load_task(recipe.data, run.fold)
    result = fit(recipe, task, run)
    return {
        **run._asdict(), "score": result.score, "validation": result.validation, "metric": task.metric,
        "majority": task.majority, "epoch": result.epoch, "epochs": result.epochs,
        "parameters": sum(p.numel() for p in result.model.parameters()), "seconds": round(result.seconds, 2),
    }  # fmt: skip


def _key(line: dict[str, Any]) -> Run:
    return Run(line["readout"], line["depth"], line["seed"], line["fold"])


def _open(recipe: GraphRecipe, out: Path) -> dict[Run, dict[str, Any]]:
    out.mkdir(parents=True, exist_ok=True)
    file = out / "recipe.json"
    fixed = recipe.model_dump(mode="json", exclude={*EXTENSIBLE})
    fixed["data"].pop("root")
    if file.is_file():
        keys = differing_keys(json.loads(file.read_text()), fixed)
        if keys:
            raise InputError(
                f"{out} holds runs of another recipe (differs in {', '.join(keys)}); choose another folder"
            )
    else:
        file.write_text(json.dumps(fixed, indent=2))
    lines = out / "runs.jsonl"
    if lines.is_file() and not lines.read_text().endswith("\n"):
        lines.write_text("".join(json.dumps(line) + "\n" for line in read_runs(out)))
    return {_key(line): line for line in read_runs(out)}
