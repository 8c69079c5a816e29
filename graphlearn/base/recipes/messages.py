"""What is wrong with a recipe, in words."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from graphlearn.base.recipes.section import RecipeSection, kinds, sections


def explain(error: ValidationError, model: type[BaseModel]) -> str:
    """All faults that a check found, with the keys as a recipe writes them.

    Args:
        error: From pydantic.
        model: Class of the recipe.


    Returns:
        One line.
    """
    return "; ".join(_describe(dict(item), model) for item in error.errors())


def _describe(item: dict[str, Any], model: type[BaseModel]) -> str:
    location, section = _written(item["loc"], model)
    where = f"{location}: " if location else ""
    if item["type"] == "idle_key":
        prefix = f"{location}." if location else ""
        keys = item["ctx"]["keys"]
        without = " ".join(f"--set {prefix}{key}=" for key in keys)
        told = "; ".join(f"{prefix}{key} has no effect: {why}" for key, why in keys.items())
        return f"{told}; leave it out ({without} does)"
    if item["type"] == "unknown_kind":
        known = kinds(model.model_fields[location]) if location in model.model_fields else {}
        return (
            f"{location}.kind: {_kind(item['input'])!r} is not known; choose one of {', '.join(_present_words(known))}"
        )
    if item["type"] == "extra_forbidden":
        return _foreign_key(location, model) or _unknown_key(location, section, model)
    if item["type"] == "missing":
        return f"{location} is missing"
    return f"{where}{item['msg'].removeprefix('Value error, ')}"


def _present_words(known: Mapping[str, type[RecipeSection]]) -> dict[str, type[RecipeSection]]:
    """Kinds by the first word of each class; a class that has further words had them formerly."""
    first = {section: kind for kind, section in reversed(list(known.items()))}
    return {kind: section for kind, section in known.items() if first[section] == kind}


def _kind(section: Any) -> Any:
    return section.get("kind") if isinstance(section, dict) else section


def _written(place: Sequence[int | str], model: type[BaseModel]) -> tuple[str, type[BaseModel] | None]:
    """The dotted key without the tags of unions, and the section that it lies in."""
    parts: list[str] = []
    section: type[BaseModel] | None = model
    rest = [str(part) for part in place]
    while rest:
        part = rest.pop(0)
        parts.append(part)
        info = section.model_fields.get(part) if section is not None else None
        if info is None:
            continue
        known = kinds(info)
        tagged = bool(rest) and rest[0] in known
        section = known[rest.pop(0)] if tagged else next(iter(sections(info)), None)
    return ".".join(parts), section


def _foreign_key(location: str, model: type[BaseModel]) -> str | None:
    """Words for a key of another kind of its section."""
    section, _, key = location.rpartition(".")
    known = kinds(model.model_fields[section]) if section in model.model_fields else {}
    owners = [kind for kind, other in _present_words(known).items() if key in other.model_fields]
    if not owners:
        return None
    return (
        f"{location} has no effect: it belongs to {section}.kind {' or '.join(owners)}; leave it out, or write the "
        f"section anew, as {section}={{kind: {owners[0]}, {key}: ...}}"
    )


def _unknown_key(location: str, section: type[BaseModel] | None, model: type[BaseModel]) -> str:
    near = difflib.get_close_matches(location, [*model.model_fields, *_known_keys(model)], n=1)
    hint = f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join((section or model).model_fields)}"
    return f"unknown key {location!r}{hint}"


def _known_keys(model: type[BaseModel], prefix: str = "") -> list[str]:
    keys = []
    for name, info in model.model_fields.items():
        inner: list[type[RecipeSection]] = sections(info)
        for section in inner:
            keys += _known_keys(section, f"{prefix}{name}.")
        if not inner:
            keys.append(f"{prefix}{name}")
    return keys
