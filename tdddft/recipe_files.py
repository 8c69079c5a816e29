"""Recipe files: YAML checked against a typed model, with overrides from the command line."""

from __future__ import annotations

import copy
import difflib
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from tdddft.errors import InputError
from tdddft.plain_data import parse_yaml, read_yaml

R = TypeVar("R", bound=BaseModel)


class Strict(BaseModel):
    """A section of a recipe; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def load_recipe(path: Path, model: type[R], overrides: Sequence[str] = ()) -> R:
    """Read a YAML recipe, apply ``a.b=c`` overrides, and check every key and value.

    Raises:
        InputError: for a missing or unreadable file, an unknown key (with the nearest known one), or a bad value.
    """
    if not path.is_file():
        raise InputError(f"no such recipe: {path}")
    data = read_yaml(path)
    if not isinstance(data, dict):
        raise InputError(f"{path}: a recipe is a YAML mapping, this is {type(data).__name__}")
    return parse_recipe(data, model, overrides, where=str(path))


def parse_recipe(data: Mapping[str, Any], model: type[R], overrides: Sequence[str] = (), where: str = "recipe") -> R:
    """Check plain data against a recipe model after applying ``a.b=c`` overrides."""
    merged = copy.deepcopy(dict(data))
    for override in overrides:
        _apply(merged, override)
    try:
        return model.model_validate(merged)
    except ValidationError as error:
        raise InputError(f"{where}: {_explain(error, model)}") from None


def recipe_hash(recipe: BaseModel) -> str:
    """Short hash of the resolved recipe; equal recipes give equal data sets."""
    text = json.dumps(recipe.model_dump(mode="json"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def differing_keys(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Dotted keys whose values differ between two resolved recipes."""
    keys: list[str] = []
    for key in sorted(set(old) | set(new)):
        a, b = old.get(key), new.get(key)
        if isinstance(a, dict) and isinstance(b, dict):
            keys += differing_keys(a, b, f"{prefix}{key}.")
        elif a != b:
            keys.append(f"{prefix}{key}")
    return keys


def _apply(data: dict[str, Any], override: str) -> None:
    key, equals, value = override.partition("=")
    if not equals or not key:
        raise InputError(f"--set {override!r}: write it as section.key=value")
    *sections, last = key.split(".")
    for section in sections:
        data = data.setdefault(section, {})
        if not isinstance(data, dict):
            raise InputError(f"--set {override!r}: {section!r} is a value, not a section")
    data[last] = parse_yaml(value, f"--set {override[:200]!r}")


def _explain(error: ValidationError, model: type[BaseModel]) -> str:
    messages = []
    for item in error.errors():
        location = ".".join(str(part) for part in item["loc"])
        if item["type"] == "extra_forbidden":
            near = difflib.get_close_matches(location, [*model.model_fields, *_known_keys(model)], n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(model.model_fields)}"
            messages.append(f"unknown key {location!r}{hint}")
        else:
            messages.append(f"{location}: {item['msg']}")
    return "; ".join(messages)


def _known_keys(model: type[BaseModel], prefix: str = "") -> list[str]:
    keys = []
    for name, info in model.model_fields.items():
        inner = info.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            keys += _known_keys(inner, f"{prefix}{name}.")
        else:
            keys.append(f"{prefix}{name}")
    return keys
