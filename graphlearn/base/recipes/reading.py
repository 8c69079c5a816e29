"""Recipe files: YAML checked against a typed model, with overrides from the command line."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from graphlearn.base.errors import InputError
from graphlearn.base.plain_data import parse_yaml, read_yaml
from graphlearn.base.recipes.messages import explain
from graphlearn.base.recipes.section import STORED, RecipeSection, without_foreign_keys

R = TypeVar("R", bound=BaseModel)
S = TypeVar("S", bound=RecipeSection)


def load_recipe(
    path: Path, model: type[R], overrides: Sequence[str] = (), context: Mapping[str, Any] | None = None
) -> R:
    """Read a YAML recipe, apply ``a.b=c`` overrides, and check every key and value.

    ``a.b=`` takes a key out, so that its default holds.

    Args:
        path: YAML file.
        model: Class of the recipe.
        overrides: ``a.b=c``.
        context: What validators may ask for.

    Returns:
        The recipe.

    Raises:
        InputError: for a missing or unreadable file, an unknown key (with the nearest known one), or a bad value.
    """
    return parse_recipe(_read(path), model, overrides, where=str(path), context=context)


def load_stored(path: Path, model: type[S]) -> S:
    """Read a resolved recipe that a program wrote, see :func:`parse_stored`.

    Args:
        path: The file.
        model: Class of the recipe.

    Returns:
        The recipe.

    Raises:
        InputError: as for :func:`load_recipe`.
    """
    return parse_stored(_read(path), model, where=str(path))


def stored_hash(path: Path) -> str:
    """:func:`recipe_hash` of a resolved recipe as it was when its file was written."""
    return _hash(_read(path))


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise InputError(f"no such recipe: {path}")
    data = read_yaml(path)
    if not isinstance(data, dict):
        raise InputError(f"{path}: a recipe is a YAML mapping, this is {type(data).__name__}")
    return data


def parse_recipe(
    data: Mapping[str, Any],
    model: type[R],
    overrides: Sequence[str] = (),
    where: str = "recipe",
    context: Mapping[str, Any] | None = None,
) -> R:
    """Check plain data against a recipe model after applying ``a.b=c`` overrides.

    Args:
        data: Content of a recipe.
        model: Class of the recipe.
        overrides: ``a.b=c``.
        where: What error messages call it.
        context: What validators may ask for.

    Returns:
        The recipe.

    Raises:
        InputError: for an unknown key or a bad value.
    """
    try:
        return model.model_validate(_changed(data, overrides), context=dict(context or {}))
    except ValidationError as error:
        raise InputError(f"{where}: {explain(error, model)}") from None


def parse_stored(data: Mapping[str, Any], model: type[S], overrides: Sequence[str] = (), where: str = "recipe") -> S:
    """Check plain data that a program wrote: a resolved recipe, as folders and model cards hold it.

    Until version 0.1 a resolved recipe held every key of every kind. Keys that have no effect beside the others are
    left out here; they had none then. What is left is checked like any recipe.

    Args:
        data: Content of a resolved recipe.
        model: Class of the recipe.
        overrides: ``a.b=c``.
        where: What error messages call it.

    Returns:
        The recipe.

    Raises:
        InputError: as for :func:`parse_recipe`.
    """
    merged = without_foreign_keys(model, _changed(data, overrides))
    used = parse_recipe(merged, model, where=where, context={STORED: True})
    return parse_recipe(used.model_dump(mode="json"), model, where=where)


def recipe_hash(recipe: BaseModel) -> str:
    """Short hash of the resolved recipe; equal recipes give equal data sets."""
    return _hash(recipe.model_dump(mode="json"))


def _hash(data: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:16]


def differing_keys(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Dotted keys whose values differ between two resolved recipes.

    Args:
        old: One resolved recipe.
        new: The other one.
        prefix: Key under which both stand, for recipes inside others.


    Returns:
        The keys.
    """
    keys: list[str] = []
    for key in sorted(set(old) | set(new)):
        a, b = old.get(key), new.get(key)
        if isinstance(a, dict) and isinstance(b, dict):
            keys += differing_keys(a, b, f"{prefix}{key}.")
        elif a != b:
            keys.append(f"{prefix}{key}")
    return keys


def _changed(data: Mapping[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    merged = copy.deepcopy(dict(data))
    for override in overrides:
        key, equals, value = override.partition("=")
        if not equals or not key:
            raise InputError(f"--set {override!r}: write it as section.key=value")
        place, (*sections, last) = merged, key.split(".")
        for section in sections:
            place = place.setdefault(section, {})
            if not isinstance(place, dict):
                raise InputError(f"--set {override!r}: {section!r} is a value, not a section")
        if value.strip():
            place[last] = parse_yaml(value, f"--set {override[:200]!r}")
        else:
            place.pop(last, None)
    return merged
