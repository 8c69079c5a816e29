"""``graphlearn demo``"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from graphlearn.base.cli.shell import out, progress
from graphlearn.base.device import DEVICE_HELP


def demo(
    out_dir: Annotated[Path, typer.Option("--out", "-o", help="where everything is written")] = Path("runs/demo"),
    data_recipe: Annotated[str, typer.Option(help="what to generate: name or YAML file")] = "tddft_demo",
    recipe: Annotated[str, typer.Option(help="how to train: name or YAML file")] = "orbevo/demo",
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="worker processes; default: all cores")
    ] = None,
    device: Annotated[str, typer.Option(help=f"of the training and the rollouts: {DEVICE_HELP}")] = "auto",
) -> None:
    """The main job, from molecules to predicted absorption spectra, in minutes on a laptop.

    Generates real-time TDDFT trajectories, trains a small ResponseOrbEvo on them, rolls it out on trajectories
    that it never saw, and prints and draws the errors. Interrupted and run again, it goes on where it was.

    Example: graphlearn demo --out runs/demo
    """
    from graphlearn.base.device import find_device
    from graphlearn.base.errors import InputError
    from graphlearn.base.plotting import save_figure
    from graphlearn.base.recipes.reading import load_recipe
    from graphlearn.orbitals.assignment import assign, check_validation
    from graphlearn.orbitals.evaluate import cheap_baselines
    from graphlearn.orbitals.evaluated_set import evaluate_sets
    from graphlearn.orbitals.folder import open_task
    from graphlearn.orbitals.recipe import OrbitalRecipe
    from graphlearn.orbitals.report import write_report
    from graphlearn.orbitals.tables import NOTE, printed_tables
    from graphlearn.training.learning_curve import learning_curve
    from graphlearn.training.packaged import model_recipe
    from graphlearn.training.session import Session
    from tdddft.cli.generate import generate_with_progress, recipe_of
    from tdddft.dataset.plan import plan
    from tdddft.dataset.store import DatasetFolder

    started = time.perf_counter()
    find_device(device)
    generation = recipe_of([data_recipe], out_dir, [])
    settings = load_recipe(model_recipe(recipe), OrbitalRecipe)
    data_plan = plan(generation)
    split = assign(data_plan.ids, settings.split)
    check_validation(settings, split)
    if not settings.split.test or not all(split[name] for name in settings.split.test):
        raise InputError(f"recipe {settings.name!r}: every test set must match a trajectory of {data_recipe}")
    method = generation.method
    out.rule("1 of 3: real-time TDDFT")
    out.print(
        f"{method.functional} / {method.basis} / {method.pseudopotential}, "
        f"{generation.propagation.steps} steps of {generation.propagation.dt_fs * 1e3:g} as"
    )
    generate_with_progress(data_plan, DatasetFolder(out_dir / "data"), jobs)

    out.rule(f"2 of 3: training {settings.architecture}")
    out.print(f"{len(split['train'])} trajectories for training; held out and never shown to the model:")
    for name in settings.split.test:
        out.print(f"  {name}: {', '.join(split[name])}")
    data = out_dir / "data"
    task = open_task(settings, data, split)
    result = Session(out_dir / "model", device).fit("training", task)

    out.rule("3 of 3: rollout on trajectories it never saw")
    baselines = cheap_baselines(result.model.num_frames)
    chosen = {name: split[name] for name in settings.split.test}
    sets = evaluate_sets(result.model, task.normalizer, data, chosen, baselines, progress)
    written = write_report(sets, out_dir, out_dir / "model" / "model.safetensors")
    written.append(save_figure(learning_curve({"Training": result}), out_dir / "figures" / "learning_curve.png"))
    out.print(*printed_tables(sets), NOTE, sep="\n")
    for path in written:
        out.print(f"wrote {path}", soft_wrap=True)
    out.print(f"finished in {time.perf_counter() - started:.0f} s")
