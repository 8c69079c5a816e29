"""How the commands train and compare predictors of graphs and nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from graphlearn.base.cli.shell import out, progress
from graphlearn.base.cli.signals import stop_on_signals
from graphlearn.base.errors import StoppedError
from graphlearn.base.plotting import save_figure
from graphlearn.graphs.fit import Run as GraphRun, fit
from graphlearn.graphs.recipe import GraphRecipe
from graphlearn.graphs.report import learning_figure, weights_figure
from graphlearn.graphs.task import load_task
from graphlearn.training.checkpoint import save_model
from graphlearn.training.compare import Column, Comparison, Run
from graphlearn.training.run_folder import run_folder
from graphlearn.training.session import Session
from graphlearn.training.systems import System

COMMONEST = "the commonest class"


class GraphSystem(System[GraphRecipe]):
    """Predictors of graphs and nodes."""

    recipe = GraphRecipe

    def overrides(self, data: Path) -> list[str]:
        """The folder of the data set."""
        return [f"data.root={data}"]

    def train(self, recipe: GraphRecipe, data: Path | None, session: Session) -> None:
        """Train on the first test fold, with the first readout, depth and seed."""
        run = GraphRun(recipe.readouts[0], recipe.depths[0], recipe.seeds[0], recipe.test_folds[0])
        task = load_task(recipe.data, run.fold)
        sizes = [len(part) for part in task.split]
        out.print("{} for training, {} for choosing the epoch, {} for the test".format(*sizes))
        with run_folder(session.folder), stop_on_signals() as request:
            try:
                with progress("epochs", recipe.optimisation.epochs) as show:
                    result = fit(
                        recipe, task, run, stop=request,
                        on_epoch=lambda epoch, loss: show(epoch, f"validation loss {loss:.3f}"),
                    )  # fmt: skip
            except StoppedError:
                request.exit()
            figures = {"test_score": result.score, "validation_score": result.validation, "metric": task.metric}
            facts = {"recipe": recipe.model_dump(mode="json"), "run": run._asdict(), "epoch": result.epoch, **figures}
            save_model(session.folder, result.model, facts)
        out.print(
            f"epoch {result.epoch} of {result.epochs}: test {task.metric} {100 * result.score:.1f} % "
            f"({COMMONEST}: {100 * task.majority:.1f} %)"
        )
        out.print(f"wrote {session.folder}/model.safetensors")
        out.print(f"wrote {save_figure(learning_figure(result), session.folder / 'learning_curve.png')}")
        picture = weights_figure(result.model, task)
        if picture is not None:
            out.print(f"wrote {save_figure(picture, session.folder / 'history.png')}")

    def comparison(self, recipe: GraphRecipe, data: Path | None, only: Sequence[str], device: str) -> Comparison:
        """Readouts at every depth, with every seed, on every test fold."""
        recipe, task = recipe.only(only) if only else recipe, load_task(recipe.data)
        name = {"accuracy": "test accuracy (%)", "roc_auc": "test ROC-AUC (%)"}[task.metric]
        column = Column("score", name, factor=100.0, digits=1)
        return GraphComparison(recipe, recipe.data.name, (column,), task.fingerprint)


@dataclass(frozen=True)
class GraphComparison(Comparison):
    """Readouts on the same network, budget and splits.

    Attributes:
        recipe: Readouts, depths, seeds and folds.
        title: The data set.
        columns: The score of the test part.
        data_set: Fingerprint of the data set.
    """

    recipe: GraphRecipe
    title: str
    columns: tuple[Column, ...]
    data_set: str

    def runs(self) -> list[Run]:
        """Seeds and folds come last in the order; only TU sets have more than one split."""
        recipe = self.recipe
        folds = recipe.test_folds if recipe.data.kind == "tu" else (0,)
        order = product(recipe.seeds, folds, recipe.depths, recipe.readouts)
        return [Run(readout, f"{depth} layers", seed, fold) for seed, fold, depth, readout in order]

    def settings(self, run: Run) -> dict[str, Any]:
        """Data with their fingerprint, network, budget, and the options of the readout."""
        listed = {"readouts", "depths", "seeds", "test_folds", "readout_options", "name"}
        fixed = self.recipe.model_dump(mode="json", exclude_defaults=True, exclude={*listed})
        fixed["data"] = {key: value for key, value in fixed["data"].items() if key != "root"}
        options = self.recipe.readout_options.get(run.variant)
        return {**fixed, "data_set": self.data_set, **({"readout_options": options} if options else {})}

    def do(self, run: Run, folder: Path) -> dict[str, Any]:
        """Train on one fold, and test once."""
        task = load_task(self.recipe.data, run.fold)
        depth = int(run.setting.split()[0])
        result = fit(self.recipe, task, GraphRun(run.variant, depth, run.seed, run.fold))
        return {
            "figures": {"score": result.score}, "validation": result.validation, "metric": task.metric,
            "majority": task.majority, "epoch": result.epoch, "epochs": result.epochs,
            "parameters": sum(p.numel() for p in result.model.parameters()), "seconds": round(result.seconds, 2),
        }  # fmt: skip

    def references(self, lines: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
        """The score without learning."""
        return {COMMONEST: {"score": sum(line["majority"] for line in lines) / len(lines)}}


SYSTEM = GraphSystem()
