"""Recipes that come with the package."""

from __future__ import annotations

from pathlib import Path

from tdddft.file_names import file_name

PACKAGE = Path(__file__).parent


def recipe_folder(package: Path, kind: str) -> Path:
    """Folder of the packed recipes of one kind; in a checkout, the folder of that name at its top."""
    packed = package / f"_{kind}"
    return packed if packed.is_dir() else package.parent / kind


def find_recipe(name: str) -> Path | None:
    """Path of a recipe given as a YAML file or by the name of a packed data set; None if it is neither."""
    if name.endswith((".yaml", ".yml")):
        return Path(name)
    if file_name(name) != name:  # a source, and perhaps longer than any name of a file
        return None
    packed = recipe_folder(PACKAGE, "datasets") / name / "recipe.yaml"
    return packed if packed.is_file() else None
