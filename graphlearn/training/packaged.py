"""Recipes and trained models that come with the package."""

from __future__ import annotations

from pathlib import Path

from graphlearn.base.errors import InputError
from graphlearn.base.recipes.packaged import packed_folder


def model_recipe(name: str) -> Path:
    """Path of a recipe given as a YAML file or as ``system/recipe``, for example ``orbevo/demo``.

    Args:
        name: Path, or ``system/recipe``.

    Returns:
        Path of the recipe.

    Raises:
        InputError: for an unknown name; the known ones are listed.
    """
    if name.endswith((".yaml", ".yml")):
        return Path(name)
    folder = packed_folder("models")
    file = folder / f"{name}.yaml"
    if not file.is_file():
        known = sorted(str(p.relative_to(folder).with_suffix("")) for p in folder.glob("*/*.yaml"))
        raise InputError(f"no recipe {name!r}; give a YAML file or one of {', '.join(known)}")
    return file


def model_folder(name: str) -> Path:
    """Folder of a trained model given by its path or, of those that come with the package, by its name.

    Args:
        name: Path, or ``system/model``.

    Returns:
        The folder.

    Raises:
        InputError: for an unknown name; the known ones are listed.
    """
    if Path(name).is_dir():
        return Path(name)
    folder = packed_folder("models")
    if (folder / name / "model.json").is_file():
        return folder / name
    known = sorted(str(p.parent.relative_to(folder)) for p in folder.glob("*/*/model.json"))
    raise InputError(f"no model {name!r}; give a folder that 'graphlearn train' wrote or one of {', '.join(known)}")
