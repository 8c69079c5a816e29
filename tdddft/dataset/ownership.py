"""Who may write into a data-set folder: one run per folder or shard, of one recipe and its molecules."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import yaml

from graphlearn.base.errors import InputError
from graphlearn.base.files import remove_temporaries, replace_bytes, replace_text
from graphlearn.base.locks import is_locked, lock
from graphlearn.base.recipes.reading import differing_keys, load_stored
from tdddft.dataset.growth import forbidden_changes, grow
from tdddft.dataset.index import read_index
from tdddft.dataset.recipe import GenerateRecipe
from tdddft.dataset.selection_table import parse_selection
from tdddft.dataset.store import DatasetFolder


@contextmanager
def locked(folder: DatasetFolder, recipe: GenerateRecipe, selection: str, *, recompute: bool = False) -> Iterator[None]:
    """Hold a folder, or a shard of it, for one run at a time, as the folder of a recipe and its molecules.

    Several shards of one division may hold the folder together; a run that dies releases it.

    Args:
        folder: The folder.
        recipe: What the folder is for.
        selection: Table of the chosen molecules (:func:`tdddft.molecules.selection.selection_table`).
        recompute: Whether trajectories that a longer run cannot go on from are made again.

    Yields:
        Nothing.

    Raises:
        InputError: if another run holds it, it belongs to another recipe (the differing keys are named; more steps
            and further directions are none) or to other molecules, or it is not writable. Nothing is changed then.
    """
    try:
        folder.root.mkdir(parents=True, exist_ok=True)
        _refuse_links(folder)
        (folder.root / ".lock").touch()
    except OSError as error:
        raise InputError(f"cannot write to {folder.root}: {error.strerror}; choose another --out") from None
    with ExitStack() as stack:
        locks = [lock(folder.root / ".lock", shared=folder.shard is not None)]
        locks += [lock(folder.root / f".lock{folder.suffix}")] if folder.shard else []
        if not all(stack.enter_context(one) for one in locks) or _divided_otherwise(folder):
            raise InputError(
                f"another run is generating into {folder.root}; wait for it, choose another --out, or divide "
                "the work with --shard 1/2 and --shard 2/2"
            )
        _claim(folder, recipe, selection, recompute)
        _drop_bad_lines(folder)
        yield


def _refuse_links(folder: DatasetFolder) -> None:
    """A folder from elsewhere must not have us write outside of it."""
    own = [folder.trajectories, folder.unfinished, folder.root / "log", folder.selection]
    own += [p for pattern in ("index*.jsonl", ".lock*", "run*.json") for p in folder.root.glob(pattern)]
    for path in own:
        if folder.leaves(path):
            raise InputError(f"{path} is a link that leaves the folder; nothing is written through it, remove it")


def _divided_otherwise(folder: DatasetFolder) -> bool:
    """Whether a run holds a shard of another division."""
    if folder.shard is None:
        return False
    others = (p for p in folder.root.glob(".lock-*of*") if not p.name.endswith(f"of{folder.shard[1]}"))
    return any(is_locked(p) for p in others)


def _claim(folder: DatasetFolder, recipe: GenerateRecipe, selection: str, recompute: bool) -> None:
    """Make the folder that of a recipe and its molecules, unless it is that of others."""
    file, new = folder.recipe_file, recipe.model_dump(mode="json")
    before = load_stored(file, GenerateRecipe) if file.exists() else recipe
    old = before.model_dump(mode="json")
    in_use = folder.shard is not None or any(folder.trajectories.glob("*.h5"))
    grows = old != new and in_use
    if grows and (keys := forbidden_changes(before, recipe)):
        raise InputError(
            f"{folder.root} was made with another recipe; these keys differ: "
            f"{', '.join(keys)}. Choose another --out, or the same settings"
        )
    if grows and folder.shard is not None:
        raise InputError(
            f"{folder.root} grows ({', '.join(differing_keys(old, new))}); run the command once without --shard, "
            "--limit 1 is enough, then the shards"
        )
    table = folder.chosen()
    if (old == new or grows) and folder.selection.is_file():
        changed = table.changed(parse_selection(selection.encode()))
        if changed is not None:
            raise InputError(
                f"{folder.root}: the sources give another {changed} than before; choose another --out, or restore "
                "the files that the molecules came from; if selection.csv is what changed, 'tdddft validate "
                "--repair' writes it again"
            )
    if grows:
        grow(folder, before, recipe, recompute=recompute)
    elif old != new:
        for stale in (*folder.unfinished.glob("*.h5"), *folder.root.glob("index*.jsonl")):
            stale.unlink()
    for place in (folder.root, folder.trajectories, folder.unfinished):
        place.mkdir(exist_ok=True)
        remove_temporaries(place, others_write=folder.shard is not None)
    if old != new or table.bad or not folder.selection.is_file():
        replace_text(folder.selection, selection)
    if old != new or not file.exists():
        replace_text(file, yaml.safe_dump(new, sort_keys=False))


def _drop_bad_lines(folder: DatasetFolder) -> None:
    """Write the index, or that of this shard, without the lines that cannot be used, and note them in the log."""
    for index in folder.indices() if folder.shard is None else [folder.index]:
        if index.is_file():
            _, bad, good = read_index(index)
            if bad:
                replace_bytes(index, b"".join(line + b"\n" for line in good))
            for line in bad:
                folder.log(f"dropped {line}")
