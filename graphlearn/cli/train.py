"""``graphlearn train``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graphlearn.base.cli.shell import err, out, printable, progress
from graphlearn.cli.recipes import DATA_HELP, graph_recipe, protein_recipe, recipe_task


def train(
    recipe: Annotated[str, typer.Argument(help="recipe: a YAML file or a packed one, as orbevo/demo")],
    out_dir: Annotated[Path, typer.Option("--out", "-o", help="run folder")],
    data: Annotated[Path | None, typer.Option(help=DATA_HELP)] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="change a key, as optimisation.steps=500")
    ] = None,
) -> None:
    """Train ResponseOrbEvo or OrbEvo on trajectories, a predictor of protein functions, or a graph or node predictor.

    Training on trajectories and of proteins goes on where it stopped when the same command is run again; that of
    graphs, which takes minutes, and the pre-training of proteins start anew. One training at a time works in a folder.

    A recipe of graph prediction is trained on its first test fold, with its first readout, depth and seed.

    Example: graphlearn train orbevo/demo --data runs/small --out runs/model

    Example: graphlearn train protein_rpn/ec --out runs/ec

    Example: graphlearn train histograph/mutag --out runs/mutag_model
    """
    from graphlearn.base.errors import InputError

    task = recipe_task(recipe)
    if task == "graphs":
        _train_graphs(recipe, data, out_dir, overrides or [])
    elif task == "proteins":
        _train_proteins(recipe, data, out_dir, overrides or [])
    elif data is None:
        raise InputError("give --data: the folder of trajectories to train on, made by 'tdddft generate'")
    else:
        _train_orbevo(recipe, data, out_dir, overrides or [])


def _train_orbevo(recipe: str, data: Path, out_dir: Path, overrides: list[str]) -> None:
    import os

    from graphlearn.base.cli.signals import stop_on_signals
    from graphlearn.base.errors import StoppedError
    from graphlearn.base.plotting import save_figure
    from graphlearn.base.recipes.reading import load_recipe
    from graphlearn.datasets import TDDFTTrajectories
    from graphlearn.orbitals.assignment import assign, check_validation
    from graphlearn.orbitals.recipe import TRAIN, VALIDATION, OrbitalRecipe
    from graphlearn.orbitals.task import OrbitalTask
    from graphlearn.training.learning_curve import learning_curve
    from graphlearn.training.packaged import model_recipe
    from graphlearn.training.trainer import Trainer

    settings = load_recipe(model_recipe(recipe), OrbitalRecipe, overrides)
    split = assign(TDDFTTrajectories(data).names, settings.split, data)
    check_validation(settings, split)
    sets = {s: TDDFTTrajectories(data, select=split[s], **settings.geometry) for s in (TRAIN, VALIDATION) if s in split}
    out.quiet = int(os.environ.get("RANK", 0)) > 0  # under torchrun one process speaks
    out.print(", ".join(f"{len(ids)} for {section}" for section, ids in split.items()))
    size = sum(p.numel() for p in settings.build_model().parameters())
    out.print(f"{settings.architecture} with {size:,} parameters")
    steps = settings.optimisation.steps
    score = ""

    def note_score(_: int, value: float) -> None:
        nonlocal score
        score = f", rollout nRMSE {value:.3f}"

    with stop_on_signals() as request:
        try:
            with progress("training", steps) as show:
                trainer = Trainer(
                    on_step=lambda step, _, loss: show(step, f"loss {loss:.3f}{score}"), on_validation=note_score,
                    stop=request,
                )  # fmt: skip
                result = trainer.fit(OrbitalTask.create(settings, sets[TRAIN], sets.get(VALIDATION)), out_dir)
        except StoppedError:
            request.exit()
    if out.quiet:
        return
    out.print(f"wrote {out_dir}/model.safetensors")
    figure = learning_curve({"Training": result})
    out.print(f"wrote {save_figure(figure, out_dir / 'learning_curve.png')}")


def _train_proteins(recipe: str, data: Path | None, out_dir: Path, overrides: list[str]) -> None:
    import math
    from contextlib import nullcontext

    from graphlearn.base.cli.signals import stop_on_signals
    from graphlearn.base.errors import StoppedError
    from graphlearn.base.plotting import save_figure
    from graphlearn.proteins.data.left_out import left_out_lines, write_left_out
    from graphlearn.proteins.task import load_task
    from graphlearn.proteins.training.initialise import start_model
    from graphlearn.proteins.training.learning_figure import learning_curve
    from graphlearn.proteins.training.train import train_proteins

    settings = protein_recipe(recipe, data, overrides)
    task = load_task(settings)
    parts = ", ".join(f"{len(chains)} for {part}" for part, chains in task.data.split.items())
    out.print(f"chains: {parts}; {len(task.data.terms)} terms")
    for line in left_out_lines(task.data.failures):
        err.print(printable(line), style="yellow", markup=False, soft_wrap=True)
    if (path := write_left_out(task.data.failures, out_dir)) is not None:
        out.print(f"wrote {path}", markup=False, soft_wrap=True)
    if task.site_data is not None:
        out.print("chains with sites: " + ", ".join(f"{len(c)} for {p}" for p, c in task.sites._asdict().items()))
    options, metric = settings.optimisation, settings.optimisation.select
    steps = options.epochs * math.ceil(len(task.data.split["train"]) / options.batch_size)
    before = settings.pre_training.epochs if task.site_data is not None else 0
    score = ""

    def note_score(_: int, value: float) -> None:
        nonlocal score
        score = f", validation {metric} {value:.3f}"

    with stop_on_signals() as request:
        try:
            with progress("pre-training", before) if before else nullcontext() as first:
                model = start_model(
                    settings, task, out_dir, stop=request,
                    on_epoch=lambda epoch, value: first and first(epoch, f"validation AUPR {value:.3f}"),
                )  # fmt: skip
            with progress("training", steps) as show:
                result = train_proteins(
                    settings, task, out_dir, start=model, stop=request, on_validation=note_score,
                    on_step=lambda step, _, loss: show(step, f"loss {loss:.4f}{score}"),
                )  # fmt: skip
        except StoppedError:
            request.exit()
    out.print(f"{metric} of validation: {1 - min(s for _, s in result.validations):.3f}")
    out.print(f"wrote {out_dir}/model.safetensors")
    out.print(f"wrote {save_figure(learning_curve(result, metric), out_dir / 'learning_curve.png')}")


def _train_graphs(recipe: str, data: Path | None, out_dir: Path, overrides: list[str]) -> None:
    from graphlearn.base.cli.signals import stop_on_signals
    from graphlearn.base.errors import StoppedError
    from graphlearn.base.plotting import save_figure
    from graphlearn.graphs.fit import Run, fit
    from graphlearn.graphs.report import learning_figure, weights_figure
    from graphlearn.graphs.task import load_task
    from graphlearn.training.checkpoint import save_model
    from graphlearn.training.run_folder import run_folder

    settings = graph_recipe(recipe, data, overrides)
    run = Run(settings.readouts[0], settings.depths[0], settings.seeds[0], settings.test_folds[0])
    task = load_task(settings.data, run.fold)
    sizes = [len(part) for part in task.split]
    out.print("{} for training, {} for choosing the epoch, {} for the test".format(*sizes))
    with run_folder(out_dir), stop_on_signals() as request:
        try:
            with progress("epochs", settings.budget.epochs) as show:
                result = fit(
                    settings, task, run, stop=request,
                    on_epoch=lambda epoch, loss: show(epoch, f"validation loss {loss:.3f}"),
                )  # fmt: skip
        except StoppedError:
            request.exit()
        figures = {"test_score": result.score, "validation_score": result.validation, "metric": task.metric}
        facts = {"recipe": settings.model_dump(mode="json"), "run": run._asdict(), "epoch": result.epoch, **figures}
        save_model(out_dir, result.model, facts)
    out.print(
        f"epoch {result.epoch} of {result.epochs}: test {task.metric} {100 * result.score:.1f} % "
        f"(the commonest class: {100 * task.majority:.1f} %)"
    )
    out.print(f"wrote {out_dir}/model.safetensors")
    out.print(f"wrote {save_figure(learning_figure(result), out_dir / 'learning_curve.png')}")
    picture = weights_figure(result.model, task)
    if picture is not None:
        out.print(f"wrote {save_figure(picture, out_dir / 'history.png')}")
