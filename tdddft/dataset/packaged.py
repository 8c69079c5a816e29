"""Recipes that come with the package."""

from __future__ import annotations

from pathlib import Path

from graphlearn.base.file_names import file_name
from graphlearn.base.recipes.packaged import packed_folder


def find_recipe(name: str) -> Path | None:
    """Path of a recipe given as a YAML file or by the name of a packed data set; None if it is neither."""
    if name.endswith((".yaml", ".yml")):
        return Path(name)
    if file_name(name) != name:  # a source, and perhaps longer than any name of a file
        return None
    packed = packed_folder("datasets") / name / "recipe.yaml"
    return packed if packed.is_file() else None
