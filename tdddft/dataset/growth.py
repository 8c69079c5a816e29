"""Growth of a finished data set: more steps, more directions, and nothing else."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from graphlearn.base.errors import InputError
from graphlearn.base.recipes.reading import differing_keys, recipe_hash
from tdddft.dataset.recipe import GenerateRecipe
from tdddft.dataset.store import DatasetFolder
from tdddft.trajectory.last_state import has_last_state

STEPS, DIRECTIONS = "propagation.steps", "field.directions"


def forbidden_changes(old: GenerateRecipe, new: GenerateRecipe) -> list[str]:
    """Keys in which a recipe differs from that of a folder, other than by more steps and further directions.

    Args:
        old: Recipe of the folder.
        new: Recipe of a run.

    Returns:
        Dotted keys; none where the new recipe is the old one, or a growth of it.
    """
    before, after = old.model_dump(mode="json"), new.model_dump(mode="json")
    keys = differing_keys(before, after)
    if STEPS in keys and new.propagation.steps > old.propagation.steps:
        keys.remove(STEPS)
    if DIRECTIONS in keys:
        first, now = before["field"]["directions"], after["field"].get("directions")
        if isinstance(first, list) and isinstance(now, list) and now[: len(first)] == first:
            keys.remove(DIRECTIONS)
    return keys


def earlier_hashes(recipe: GenerateRecipe, steps: int | None) -> set[str]:
    """Hashes of the recipes that grow into this one, for trajectories of so many steps.

    Args:
        recipe: Recipe of the folder.
        steps: Steps of a trajectory.

    Returns:
        Hashes, that of the recipe itself among them where it has so many steps.
    """
    times = recipe.propagation
    if steps is None or steps > times.steps or steps % times.save_every:
        return {recipe_hash(recipe)}
    shorter = recipe.model_copy(update={"propagation": times.model_copy(update={"steps": steps})})
    directions = getattr(recipe.field, "directions", ())
    if not isinstance(directions, tuple):
        return {recipe_hash(shorter)}
    fields: list[Any] = [
        recipe.field.model_copy(update={"directions": directions[:k]}) for k in range(1, len(directions))
    ]
    return {recipe_hash(r) for r in (shorter, *(shorter.model_copy(update={"field": f}) for f in fields))}


def grow(folder: DatasetFolder, old: GenerateRecipe, new: GenerateRecipe, *, recompute: bool) -> None:
    """Note in the index how many steps its trajectories have, before the recipe of the folder changes.

    Args:
        folder: The folder, held by this run.
        old: Its recipe.
        new: What that grows into.
        recompute: Whether trajectories that cannot be lengthened are made again.

    Raises:
        InputError: if there are such, and they are not to be made again. Nothing is changed then.
    """
    done = {i: r for i, r in folder.done_records().items() if folder.path(i).is_file()}
    if new.propagation.steps > old.propagation.steps:
        without = [i for i in done if not has_last_state(folder.path(i))]
        if without and not recompute:
            raise InputError(
                f"{folder.root}: {len(without)} of {len(done)} trajectories hold no state to go on from (the first is "
                f"{without[0]}): they were made by an earlier version, or with propagation.keep_state false; "
                "--recompute makes these again, and keeps each until the longer one is there"
            )
        (folder.root / "linear_error.json").unlink(missing_ok=True)
    for record in done.values():
        if "steps" not in record:
            folder.append({**record, "steps": old.propagation.steps})
    folder.log(f"grows: {', '.join(differing_keys(old.model_dump(mode='json'), new.model_dump(mode='json')))}")


def to_lengthen(folder: DatasetFolder, recipe: GenerateRecipe, ids: Collection[str]) -> frozenset[str]:
    """Those of the trajectories whose file is intact, shorter than the recipe asks for, and can be gone on with.

    Args:
        folder: The folder.
        recipe: Its recipe.
        ids: Which trajectories to look at.

    Returns:
        Their ids.
    """
    records, steps = folder.done_records(), recipe.propagation.steps
    shorter = [i for i in ids if i in records and records[i].get("steps", steps) < steps]
    return frozenset(i for i in shorter if folder.checksum_matches(records[i]) and has_last_state(folder.path(i)))
