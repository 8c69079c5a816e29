"""Recipes as commands take them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from graphlearn.graphs.recipe import GraphRecipe
    from graphlearn.proteins.recipe import ProteinRecipe

DATA_HELP = "folder of the data set; default for graphs and proteins: below $GRAPHLEARN_DATA or data"


def graph_recipe(name: str, data: Path | None, overrides: list[str]) -> GraphRecipe:
    """The recipe of a graph or node prediction, with the folder of its data."""
    from graphlearn.base.recipes.reading import load_recipe
    from graphlearn.graphs.recipe import GraphRecipe
    from graphlearn.training.packaged import model_recipe

    root = [f"data.root={data}"] if data else []
    return load_recipe(model_recipe(name), GraphRecipe, [*overrides, *root])


def protein_recipe(name: str, data: Path | None, overrides: list[str]) -> ProteinRecipe:
    """The recipe of a predictor of protein functions, with the folder of its data."""
    from graphlearn.base.recipes.reading import load_recipe
    from graphlearn.proteins.recipe import ProteinRecipe
    from graphlearn.training.packaged import model_recipe

    root = [f"data.root={data.absolute()}"] if data else []
    return load_recipe(model_recipe(name), ProteinRecipe, [*overrides, *root])


def recipe_task(name: str) -> str:
    """What a recipe trains: its ``task``; without one, ``graphs`` where it names its own data, else ``orbitals``."""
    from graphlearn.base.plain_data import read_yaml
    from graphlearn.training.packaged import model_recipe

    content = read_yaml(model_recipe(name))
    if not isinstance(content, dict):
        return "orbitals"
    return str(content.get("task", "graphs" if "data" in content else "orbitals"))
