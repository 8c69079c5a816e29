"""Compare readouts on the same network, budget and splits; every finished run is kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from graphlearn.base.errors import InputError
from graphlearn.base.files import replace_text
from graphlearn.base.machine import available_cores
from graphlearn.base.plain_data import parse_json, read_json
from graphlearn.base.recipes.reading import differing_keys
from graphlearn.base.recipes.section import without_idle
from graphlearn.base.workers.pool import map_unordered
from graphlearn.graphs.fit import Run, build_model, fit
from graphlearn.graphs.recipe import GraphRecipe
from graphlearn.graphs.task import Task, load_task
from graphlearn.training.run_folder import run_folder

EXTENSIBLE = ("readouts", "seeds", "depths", "test_folds")


def runs_of(recipe: GraphRecipe) -> list[Run]:
    """All runs of a comparison; only TU sets have more than one split. Seeds and folds come last in the order."""
    folds = recipe.test_folds if recipe.data.kind == "tu" else (0,)
    order = product(recipe.seeds, folds, recipe.depths, recipe.readouts)
    return [Run(readout, depth, seed, fold) for seed, fold, depth, readout in order]


class Comparison(NamedTuple):
    """Lines of the runs that are done, and of those that failed (with ``error`` instead of a score)."""

    done: list[dict[str, Any]]
    failed: list[dict[str, Any]]


def compare(
    recipe: GraphRecipe,
    out: Path,
    *,
    jobs: int | None = None,
    on_run: Callable[[int, dict[str, Any]], Any] | None = None,
) -> Comparison:
    """Do every run that is missing in ``<out>/runs.jsonl``.

    Args:
        recipe: What to compare.
        out: Folder; runs of the same recipe, data and network are kept and added to, with more readouts, seeds, depths
            or folds. Failed ones are tried again.
        jobs: Worker processes, one thread each; all cores by default. Results do not depend on their number.
        on_run: Called with the number of finished runs and the newest line.

    Raises:
        InputError: if the folder holds runs of another recipe, data set or network, another comparison is at work in
            it, or no run could be done.
    """
    task = load_task(recipe.data)
    parameters = {
        (readout, depth): sum(p.numel() for p in build_model(recipe, task, readout, depth).parameters())
        for readout, depth in product(recipe.readouts, recipe.depths)
    }
    with run_folder(out):
        return _compare(recipe, task, parameters, out, jobs or available_cores(), on_run)


def _compare(
    recipe: GraphRecipe,
    task: Task,
    parameters: Mapping[tuple[str, int], int],
    out: Path,
    jobs: int,
    on_run: Callable[[int, dict[str, Any]], Any] | None,
) -> Comparison:
    done = _open(recipe, task, out)
    for run, line in done.items():
        if parameters.get((run.readout, run.depth), line["parameters"]) != line["parameters"]:
            raise InputError(f"{out} holds runs of another version of readout {run.readout!r}; choose another folder")
    wanted = runs_of(recipe)
    missing = [run for run in wanted if run not in done]
    finished = len(wanted) - len(missing)
    failed = []
    with (out / "runs.jsonl").open("a") as file:
        for line in map_unordered(_run, [(recipe, run) for run in missing], jobs):
            file.write(json.dumps(line) + "\n")
            file.flush()
            finished += 1
            if "error" in line:
                failed.append(line)
            else:
                done[_key(line)] = line
            if on_run is not None:
                on_run(finished, line)
    if len(failed) == len(wanted):
        raise InputError(f"every run failed; the first: {failed[0]['error']}")
    return Comparison([done[run] for run in wanted if run in done], failed)


def read_runs(folder: Path) -> Iterator[dict[str, Any]]:
    """Lines of ``runs.jsonl`` that are done; lines that are none (cut off by a kill, damaged) are left out."""
    file = folder / "runs.jsonl"
    for text in file.read_text(errors="replace").splitlines() if file.is_file() else []:
        try:
            line = parse_json(text, file)
            whole = "error" not in line and {*Run._fields, "score", "metric", "majority", "parameters"} <= line.keys()
        except (InputError, TypeError, AttributeError):
            continue
        if whole:
            yield line


def _run(job: tuple[GraphRecipe, Run]) -> dict[str, Any]:
    recipe, run = job
    task = load_task(recipe.data, run.fold)
    try:
        result = fit(recipe, task, run)
    except InputError as error:
        return {**run._asdict(), "error": str(error)}
    return {
        **run._asdict(), "score": result.score, "validation": result.validation, "metric": task.metric,
        "majority": task.majority, "epoch": result.epoch, "epochs": result.epochs,
        "parameters": sum(p.numel() for p in result.model.parameters()), "seconds": round(result.seconds, 2),
    }  # fmt: skip


def _key(line: dict[str, Any]) -> Run:
    return Run(line["readout"], line["depth"], line["seed"], line["fold"])


def _open(recipe: GraphRecipe, task: Task, out: Path) -> dict[Run, dict[str, Any]]:
    """Runs that the folder holds; what belongs to it is written down once, and compared ever after."""
    out.mkdir(parents=True, exist_ok=True)
    file = out / "recipe.json"
    fixed = recipe.model_dump(mode="json", exclude={*EXTENSIBLE})
    fixed["data"].pop("root")
    fixed["data"]["fingerprint"] = task.fingerprint
    if file.is_file():
        stored = read_json(file)
        if not isinstance(stored, dict):
            raise InputError(f"{file}: damaged; choose another folder")
        stored = without_idle(recipe, stored)
        ran = {line["readout"] for line in read_runs(out)}
        new, old = fixed["readout_options"], stored.get("readout_options", {})
        stored["readout_options"] = {**{name: new[name] for name in new if name not in ran}, **old}
        fixed["readout_options"] = {**{name: old[name] for name in old if name not in recipe.readouts}, **new}
        if keys := differing_keys(stored, fixed):
            raise InputError(f"{out} holds runs that differ in {', '.join(keys)}; choose another folder")
    replace_text(file, json.dumps(fixed, indent=2))
    done = list(read_runs(out))
    replace_text(out / "runs.jsonl", "".join(json.dumps(line) + "\n" for line in done))
    return {_key(line): line for line in done}
