"""``tdddft status``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tdddft.cli.shell import out
from tdddft.errors import InputError
from tdddft.folder import DatasetFolder
from tdddft.generation import collect_molecules, trajectory_ids
from tdddft.recipe import GenerateRecipe, load_recipe


def status(folder: Annotated[Path, typer.Argument(help="data-set folder")]) -> None:
    """Count finished, failed and missing trajectories of a data set.

    Example: tdddft status runs/small
    """
    if not (folder / "recipe.yaml").is_file():
        raise InputError(f"{folder} is not a data-set folder (no recipe.yaml); make one with 'tdddft generate'")
    recipe = load_recipe(folder / "recipe.yaml", GenerateRecipe)
    wanted = [i for m in collect_molecules(recipe) for i in trajectory_ids(m, recipe)]
    records = DatasetFolder(folder).records()
    failed = {i: r for i, r in records.items() if r["status"] == "failed"}
    done = sum(r["status"] == "done" for r in records.values())
    out.print(f"{done} finished, {len(failed)} failed, {len(wanted) - len(records)} missing of {len(wanted)}")
    for identifier, record in failed.items():
        out.print(f"  failed: {identifier}: {record['error']}", markup=False, soft_wrap=True)
