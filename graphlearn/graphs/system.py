"""How the commands train and compare predictors of graphs and nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from graphlearn.base.cli.shell import out
from graphlearn.base.plotting import save_figure
from graphlearn.graphs.data.prepared import load_graph_data
from graphlearn.graphs.recipe import GraphRecipe
from graphlearn.graphs.task import SCORES, GraphTask, build_model
from graphlearn.graphs.weights_figure import weights_figure
from graphlearn.training.compare import Column, Comparison, Run
from graphlearn.training.session import Session
from graphlearn.training.systems import System
from graphlearn.training.trainer import Trainer

COMMONEST = "the commonest class"


class GraphSystem(System[GraphRecipe]):
    """Predictors of graphs and nodes."""

    recipe = GraphRecipe

    def overrides(self, data: Path) -> list[str]:
        """The folder of the data set."""
        return [f"data.root={data}"]

    def train(self, recipe: GraphRecipe, data: Path | None, session: Session) -> None:
        """Train on the first test fold, with the first readout, depth and seed.

        Args:
            recipe: Of the training.
            data: Folder of the data set; that of the recipe by default.
            session: Folder, device and signals of the command.
        """
        fold = recipe.test_folds[0]
        graphs = load_graph_data(recipe.data, fold)
        sizes = [len(part) for part in graphs.split]
        out.print("{} for training, {} for choosing the epoch, {} for the test".format(*sizes))
        task = GraphTask.create(recipe, graphs, recipe.readouts[0], recipe.depths[0], recipe.seeds[0], fold)
        result = session.fit("training", task)
        session.report({"Training": result})
        score = f"test {SCORES[graphs.metric]} {100 * task.test(result.model):.1f} %"
        out.print(f"{score} ({COMMONEST}: {100 * graphs.majority:.1f} %)")
        picture = weights_figure(result.model, graphs)
        if picture is not None:
            out.print(f"wrote {save_figure(picture, session.folder / 'history.png')}", soft_wrap=True)

    def comparison(self, recipe: GraphRecipe, data: Path | None, only: Sequence[str], device: str) -> Comparison:
        """Readouts at every depth, with every seed, on every test fold.

        Args:
            recipe: What to compare.
            data: Folder of the data set; that of the recipe by default.
            only: Readouts in place of those of the recipe.
            device: As for ``--device``.


        Returns:
            The comparison, ready to run.
        """
        recipe, graphs = recipe.only(only) if only else recipe, load_graph_data(recipe.data)
        for readout, depth in product(recipe.readouts, recipe.depths):
            build_model(recipe, graphs, readout, depth)
        column = Column("score", f"test {SCORES[graphs.metric]} (%)", factor=100.0, digits=1)
        return GraphComparison(recipe, recipe.data.name, (column,), graphs.fingerprint, device)


@dataclass(frozen=True)
class GraphComparison(Comparison):
    """Readouts on the same network, budget and splits.

    Attributes:
        recipe: Readouts, depths, seeds and folds.
        title: The data set.
        columns: The score of the test part.
        data_set: Fingerprint of the data set.
        device: Where to compute.
    """

    recipe: GraphRecipe
    title: str
    columns: tuple[Column, ...]
    data_set: str
    device: str = "auto"

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
        """Train on one fold, and test once.

        Args:
            run: Readout, depth, seed and fold.
            folder: Of the run.


        Returns:
            Score and what belongs to it, by name.
        """
        graphs, depth = load_graph_data(self.recipe.data, run.fold), int(run.setting.split()[0])
        task = GraphTask.create(self.recipe, graphs, run.variant, depth, run.seed, run.fold)
        result = Trainer(self.device).fit(task)
        assert result.best is not None
        return {
            "figures": {"score": task.test(result.model)}, "validation": result.best.figures[graphs.metric],
            "metric": graphs.metric, "majority": graphs.majority,
            "epoch": result.best.step // task.steps_per_epoch, "epochs": len(result.losses) // task.steps_per_epoch,
            "parameters": sum(p.numel() for p in result.model.parameters()), "seconds": round(result.seconds, 2),
        }  # fmt: skip

    def references(self, lines: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
        """The score without learning."""
        return {COMMONEST: {"score": sum(line["majority"] for line in lines) / len(lines)}}


SYSTEM = GraphSystem()
