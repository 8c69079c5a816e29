"""``graphlearn train``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tdddft.cli.shell import out, progress


def train(
    recipe: Annotated[str, typer.Argument(help="recipe: a YAML file or a packed one, as orbevo/demo")],
    data: Annotated[Path, typer.Option(help="data-set folder made by 'tdddft generate'")],
    out_dir: Annotated[Path, typer.Option("--out", "-o", help="run folder")],
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="change a key, as optimisation.steps=500")
    ] = None,
) -> None:
    """Train OrbEvo on trajectories; run it again to continue.

    Example: graphlearn train orbevo/demo --data runs/small --out runs/model
    """
    from graphlearn.datasets import TDDFTTrajectories
    from graphlearn.recipes import model_recipe
    from graphlearn.training.figures import learning_curve
    from graphlearn.training.loop import train as train_model
    from graphlearn.training.recipe import TrainRecipe
    from graphlearn.training.split import assign
    from tdddft.figures import save_figure
    from tdddft.recipe import load_recipe

    settings = load_recipe(model_recipe(recipe), TrainRecipe, overrides or [])
    names = assign(TDDFTTrajectories(data).names, settings.split)["train"]
    out.print(f"training on {len(names)} trajectories")
    with progress("training", settings.optimisation.steps) as show:
        result = train_model(
            settings, TDDFTTrajectories(data, select=names, **settings.geometry), out_dir,
            on_step=lambda step, _, loss: show(step, f"loss {loss:.3f}"),
        )  # fmt: skip
    out.print(f"wrote {out_dir}/model.safetensors")
    out.print(f"wrote {save_figure(learning_curve(result.losses), out_dir / 'learning_curve.png')}")
