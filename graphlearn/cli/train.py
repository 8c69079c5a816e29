"""``graphlearn train``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graphlearn.base.device import DEVICE_HELP

CODE_HELP = "run the class of your own, package.module:Class, that the recipe names"
CLASS_HELP = "class of your own, package.module:Class, that the model folder names; its code is run"
DATA_HELP = "folder of the data set; default for graphs and proteins: below $GRAPHLEARN_DATA or data"


def train(
    recipe: Annotated[str, typer.Argument(help="recipe: a YAML file or a packed one, as orbevo/demo")],
    out_dir: Annotated[Path, typer.Option("--out", "-o", help="run folder")],
    data: Annotated[Path | None, typer.Option(help=DATA_HELP)] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="change a key, as optimisation.steps=500")
    ] = None,
    allow_code: Annotated[bool, typer.Option("--allow-code", help=CODE_HELP)] = False,
    device: Annotated[str, typer.Option(help=DEVICE_HELP)] = "auto",
) -> None:
    """Train ResponseOrbEvo or OrbEvo on trajectories, a predictor of protein functions, or a graph or node predictor.

    Interrupted and run again, it goes on from the last checkpoint. One training at a time works in a folder.

    A recipe of graph prediction is trained on its first test fold, with its first readout, depth and seed.

    Example: graphlearn train orbevo/demo --data runs/small --out runs/model

    Example: graphlearn train protein_rpn/ec --out runs/ec

    Example: graphlearn train histograph/mutag --out runs/mutag_model
    """
    from graphlearn.training.session import Session
    from graphlearn.training.systems import load_training_recipe

    system, settings = load_training_recipe(recipe, overrides or [], data, allow_code=allow_code)
    system.train(settings, data, Session(out_dir, device))
