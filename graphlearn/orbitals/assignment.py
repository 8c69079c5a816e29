"""Which trajectory is used for what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from graphlearn.base.errors import InputError
from graphlearn.base.recipes.reading import parse_stored
from graphlearn.orbitals.data.split import draw_parts, molecule_groups
from graphlearn.orbitals.model_folder import OrbitalCard
from graphlearn.orbitals.recipe import HELD_OUT, LARGER, TRAIN, VALIDATION, OrbitalRecipe, Split


def assign(names: Sequence[str], split: Split, folder: str | Path | None = None) -> dict[str, list[str]]:
    """Ids by use: every test set under its own name, ``validation`` if there is one, ``train``; each id once.

    Args:
        names: Ids.
        split: The rules, in the order of their application.
        folder: Data-set folder; sizes and identities of molecules come from there.

    Returns:
        Test sets as the rules name them, ``train``, and those that are drawn.

    Raises:
        InputError: if nothing is left to train on, or a drawn set is empty.
    """
    result: dict[str, list[str]] = {name: [] for name in split.test}
    left = []
    for name in names:
        section = next((s for s, patterns in split.test.items() if _matches(name, patterns)), None)
        if section is not None:
            result[section].append(name)
        elif _matches(name, split.train):
            left.append(name)
    groups = [[name] for name in left]
    if split.largest_in_training is not None or split.by_molecule:
        if folder is None:
            raise InputError("split: by_molecule and largest_in_training need a data-set folder")
        molecules = molecule_groups(folder, set(left))
        limit = split.largest_in_training
        small = [m for m in molecules if limit is None or m.heavy_atoms <= limit]
        if limit is not None:
            result[LARGER] = [n for m in molecules if m.heavy_atoms > limit for n in m.names]
        groups = [m.names for m in small] if split.by_molecule else [[n] for m in small for n in m.names]
    parts = draw_parts(groups, split.validation, split.held_out, split.seed)
    drawn = dict(zip((TRAIN, VALIDATION, HELD_OUT), parts, strict=True))
    drawn[TRAIN].sort(key={name: i for i, name in enumerate(names)}.__getitem__)
    for section, wanted in ((HELD_OUT, split.held_out), (VALIDATION, split.validation), (TRAIN, 1.0)):
        if wanted:
            result[section] = drawn[section]
    empty = [s for s, ids in result.items() if not ids and s not in split.test]
    if empty:
        what = "for training" if TRAIN in empty else f"for {' and '.join(empty)}"
        total = sum(map(len, groups))
        raise InputError(f"split: no trajectory is left {what}; {len(names)} were given, {total} could be drawn from")
    return result


def check_validation(recipe: OrbitalRecipe, split: Mapping[str, Sequence[str]]) -> None:
    """Refuse a recipe that says how to validate where there is no trajectory to validate on.

    Args:
        recipe: The recipe.
        split: Ids by name of the set.

    Raises:
        InputError: if validation would have no effect.
    """
    if VALIDATION not in split and "validation" in recipe.model_fields_set:
        raise InputError(f"recipe {recipe.name!r}: validation has no effect: split.validation is 0")


def test_sets(names: Sequence[str], card: OrbitalCard, folder: str | Path) -> dict[str, list[str]]:
    """The test sets of a trained model in a data-set folder, by name.

    Those of its recipe, if they are there and none of their ids was seen in training; else all that was neither trained
    nor validated on.

    Args:
        names: Ids in the folder.
        card: Of the model.
        folder: Data-set folder.

    Returns:
        Ids by test set.
    """
    seen = {*card.trained_on, *card.validated_on}
    rest = [n for n in names if n not in seen]
    try:
        split = parse_stored(card.recipe["split"], Split)
        sets = {s: ids for s, ids in assign(names, split, folder).items() if s not in (TRAIN, VALIDATION) and ids}
    except (KeyError, ValueError, InputError):
        sets = {}
    if not sets or any(seen.intersection(ids) for ids in sets.values()):
        return {"not seen in training": rest} if rest else {}
    return sets


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, p) for p in patterns)
