"""``tdddft generate``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tdddft.cli.shell import err, out, progress
from tdddft.errors import InputError
from tdddft.generation import Summary, collect_molecules, generate as generate_dataset, trajectory_ids
from tdddft.recipe import GenerateRecipe
from tdddft.recipe_files import load_recipe, parse_recipe
from tdddft.recipes import find_recipe


def generate(
    sources: Annotated[
        list[str],
        typer.Argument(
            help="a recipe (name or YAML file), or molecules: xyz/extxyz/sdf/smi files, g2 names, smiles:..."
        ),
    ],
    out_dir: Annotated[Path, typer.Option("--out", "-o", help="data-set folder")],
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="worker processes; default: all cores")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="only the first molecules")] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="change a recipe key, as field.sigma_fs=0.3")
    ] = None,
) -> None:
    """Generate real-time TDDFT trajectories into a data-set folder.

    Run the same command again to continue after an interruption; failures are tried again.

    Example: tdddft generate H2O CH3OH smiles:C=O --out runs/small
    """
    recipe = recipe_of(sources, out_dir, overrides or [])
    molecules = collect_molecules(recipe, limit)
    count = sum(len(trajectory_ids(m, recipe)) for m in molecules)
    with progress("trajectories", count) as show:

        def update(record: dict[str, object], summary: Summary) -> None:
            show(summary.done + len(summary.failed), f"{len(summary.failed)} failed" if summary.failed else "")
            if record["status"] == "failed":
                err.print(f"failed: {record['id']}: {record['error']}", style="yellow", markup=False, soft_wrap=True)

        summary = generate_dataset(recipe, out_dir, jobs=jobs, molecules=molecules, on_record=update)
        show(summary.done + len(summary.failed))
    out.print(f"{summary.done} of {summary.total} trajectories in {out_dir}, {len(summary.failed)} failed")
    if summary.failed:
        raise typer.Exit(1)


def recipe_of(sources: list[str], out_dir: Path, overrides: list[str]) -> GenerateRecipe:
    """The recipe that the command line asks for."""
    found = find_recipe(sources[0])
    if found is None:
        data = {"name": out_dir.resolve().name, "molecules": sources}
        return parse_recipe(data, GenerateRecipe, overrides, where="command line")
    if len(sources) > 1:
        raise InputError("give one recipe, or a list of molecules, not both")
    return load_recipe(found, GenerateRecipe, overrides)
