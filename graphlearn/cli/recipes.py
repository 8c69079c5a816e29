"""Recipes as commands take them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from graphlearn.training.graphs.recipe import GraphRecipe

DATA_HELP = "folder of the data set; default for graphs: below $GRAPHLEARN_DATA or data, where PyG downloads it to"


def graph_recipe(name: str, data: Path | None, overrides: list[str]) -> GraphRecipe:
    """The recipe of a graph or node prediction, with the folder of its data."""
    from graphlearn.recipes import model_recipe
    from graphlearn.training.graphs.recipe import GraphRecipe
    from tdddft.recipe_files import load_recipe

    root = [f"data.root={data}"] if data else []
    return load_recipe(model_recipe(name), GraphRecipe, [*overrides, *root])


def is_graph_recipe(name: str) -> bool:
    """Whether a recipe names its own data set, as those of graph and node prediction do."""
    import yaml

    from graphlearn.recipes import model_recipe

    path = model_recipe(name)
    try:
        content = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError, UnicodeDecodeError):
        return False  # the reader of recipes says what is wrong
    return isinstance(content, dict) and "data" in content
