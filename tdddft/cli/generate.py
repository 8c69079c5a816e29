"""``tdddft generate``"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Unpack

import typer

from graphlearn.base.cli.shell import err, out, progress
from graphlearn.base.cli.signals import stop_on_signals
from graphlearn.base.device import DEVICE_HELP
from graphlearn.base.errors import InputError, StoppedError, printable
from graphlearn.base.recipes.reading import load_recipe, parse_recipe
from graphlearn.base.workers.cluster import Cluster

if TYPE_CHECKING:
    from tdddft.dataset.generate import GenerateOptions
    from tdddft.dataset.plan import Plan
    from tdddft.dataset.recipe import GenerateRecipe
    from tdddft.dataset.run import Summary
    from tdddft.dataset.store import DatasetFolder


def generate(
    sources: Annotated[
        list[str],
        typer.Argument(
            help="a recipe (name or YAML file), or molecules: structure files or folders, qm9, rmd17:NAME, g2 names, "
            "smiles:..."
        ),
    ],
    out_dir: Annotated[Path, typer.Option("--out", "-o", help="data-set folder")],
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="worker processes; default: all cores")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="only the first molecules")] = None,
    shard: Annotated[
        str | None, typer.Option(metavar="I/N", help="every N-th molecule from the I-th; shards may run side by side")
    ] = None,
    retry: Annotated[Literal["none", "failed"], typer.Option(help="failed: try again what failed before")] = "none",
    recompute: Annotated[
        bool,
        typer.Option(
            "--recompute", help="with more steps: make trajectories again that hold no state to be lengthened from"
        ),
    ] = False,
    memory_gb: Annotated[
        float | None, typer.Option(min=0.0, help="memory for all workers together; default: what is available")
    ] = None,
    checkpoint_seconds: Annotated[
        float | None, typer.Option(min=0.0, help="shortest time between two checkpoints of a propagation; default: 30")
    ] = None,
    cluster: Annotated[
        Path | None, typer.Option(help="YAML file that says how to reach a cluster, see docs/datasets.md")
    ] = None,
    device: Annotated[
        str,
        typer.Option(help=f"where the workers propagate, cpu by default: {DEVICE_HELP}; the same numbers to rounding"),
    ] = "cpu",
    charge: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[NAME=]N",
            help="charge of the molecules whose source states none, or of the one of this name (repeat it); it must "
            "agree with what a source states",
        ),
    ] = None,
    multiplicity: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[NAME=]N",
            help="1 + number of unpaired electrons, given as --charge is: 2 for a radical, 3 for a triplet",
        ),
    ] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="change a recipe key, as propagation.steps=500; KEY= takes it out")
    ] = None,
) -> None:
    """Generate real-time TDDFT trajectories into a data-set folder.

    Run the same command again to continue after an interruption; with more propagation.steps, or further
    field.directions, what is there is lengthened and kept.

    Example: tdddft generate H2O CH3OH smiles:C=O --out runs/small
    """
    from tdddft.dataset.plan import plan
    from tdddft.dataset.store import DatasetFolder

    given = [*_by_name("charge", charge), *_by_name("multiplicity", multiplicity), *(overrides or [])]
    recipe = recipe_of(sources, out_dir, given)
    part = _shard(shard)
    generate_with_progress(
        plan(recipe, limit=limit, shard=part), DatasetFolder(out_dir, part), jobs, retry_failed=retry == "failed",
        recompute=recompute,
        memory_bytes=memory_gb * 1e9 if memory_gb else None, checkpoint_seconds=checkpoint_seconds,
        cluster=_cluster(cluster), device=device,
    )  # fmt: skip


def generate_with_progress(
    plan: Plan, folder: DatasetFolder, jobs: int | None, **options: Unpack[GenerateOptions]
) -> None:
    """Generate a plan, show how far it is, and leave with the exit code of a failure or a stop where there is one.

    Args:
        plan: What to generate.
        folder: Where.
        jobs: Worker processes; all cores by default.
        **options: See :class:`tdddft.dataset.generate.GenerateOptions`; ``stop`` and ``on_record`` are set here.

    Raises:
        typer.Exit: if a trajectory failed, or a signal stopped the run.
    """
    from tdddft.dataset.generate import run_plan

    with progress("trajectories", len(plan.ids)) as show, stop_on_signals() as stop:

        def update(record: dict[str, object], summary: Summary) -> None:
            note = f"{len(summary.failed)} failed" if summary.failed else ""
            show(summary.done + len(summary.failed), note, summary.fraction)
            if record["status"] == "failed":
                said = printable(f"failed: {record['id']}: {record['error']}")
                err.print(said, style="yellow", markup=False, soft_wrap=True)

        options |= {"stop": stop, "on_record": update}
        summary = run_plan(plan, folder, jobs=jobs, **options)
    counts = f"{summary.done} of {summary.total} trajectories in {folder.root}, {len(summary.failed)} failed"
    out.print(counts, markup=False, soft_wrap=True)
    if summary.stopped:
        stop.exit()
    _say_linear_error(plan, folder)
    if summary.failed:
        err.print("'tdddft status' lists the failures; add --retry failed to try them again", style="yellow")
        raise typer.Exit(1)


def _say_linear_error(plan: Plan, folder: DatasetFolder) -> None:
    """Measure the error of a linear propagation, once per data set, and print it."""
    from tdddft.dataset.linear_error import linear_error

    with stop_on_signals() as stop:
        try:
            error = linear_error(plan, folder, stop)
        except StoppedError:
            stop.exit()
    if error is not None:
        out.print(str(error), markup=False, soft_wrap=True)


def recipe_of(sources: list[str], out_dir: Path, overrides: list[str]) -> GenerateRecipe:
    """The recipe that the command line asks for.

    Args:
        sources: A recipe, or molecules.
        out_dir: Data-set folder, which names a recipe of molecules.
        overrides: Changes of keys, ``a.b=c``.

    Returns:
        The recipe.

    Raises:
        InputError: for a recipe beside other sources, an unknown key or a bad value.
    """
    from tdddft.dataset.packaged import find_recipe
    from tdddft.dataset.recipe import GenerateRecipe

    found = find_recipe(sources[0])
    if found is None:
        data = {"name": out_dir.resolve().name, "molecules": sources}
        return parse_recipe(data, GenerateRecipe, overrides, where="command line")
    if len(sources) > 1:
        raise InputError("give one recipe, or a list of molecules, not both")
    return load_recipe(found, GenerateRecipe, overrides)


def _by_name(key: str, given: list[str] | None) -> list[str]:
    """The option --charge or --multiplicity as a change of the recipe: one number for all, or numbers by name."""
    given = given or []
    pairs = [text.rpartition("=") for text in given]
    for text, (_, _, number) in zip(given, pairs, strict=True):
        if not re.fullmatch(r"[+-]?\d{1,6}", number, re.ASCII):
            raise InputError(f"--{key} {text}: write it as N or NAME=N with a whole number N, for example -2")
    alone = [int(number) for _, equals, number in pairs if not equals]
    if not given or (len(alone) == len(given) == 1):
        return [f"{key}={alone[0]}"] if given else []
    if alone:
        raise InputError(f"--{key}: give one number for all molecules, or NAME=N for each")
    return [f"{key}=" + json.dumps({name: int(number) for name, _, number in pairs})]


def _shard(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    match = re.fullmatch(r"(\d+)/(\d+)", text)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise InputError(f"--shard {text}: write it as I/N with I from 1 to N, for example 2/8")
    return int(match[1]), int(match[2])


def _cluster(path: Path | None) -> Cluster | None:
    return None if path is None else load_recipe(path, Cluster)
