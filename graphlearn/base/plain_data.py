"""YAML and JSON of files that anyone may have written: plain values, bounded in size and depth."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import yaml

from graphlearn.base.errors import InputError, first_line
from graphlearn.base.unpacking import check_size, read_unpacked

DEPTH = 100
BYTES_PER_VALUE = 1000  # what a value of a recipe takes once it is read, by design too much
YAML_GROWTH, JSON_GROWTH = 50, 16  # how much larger text can become when it is read
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parse_yaml(text: str, where: Path | str) -> Any:
    """Plain values of a YAML text: no tags that make objects, and aliases only as far as the bound allows.

    Args:
        text: The YAML.
        where: Name of the file, for messages.

    Returns:
        Numbers, text, lists and dictionaries.

    Raises:
        InputError: if it is not YAML, is nested more than 100 deep, refers to itself, or would hold more values than
            :func:`graphlearn.base.unpacking.unpacked_limit` has room for.
    """
    check_size(YAML_GROWTH * len(text), where)
    try:
        _check_events(text, where)
        return yaml.load(text, _Loader)
    except InputError:
        raise
    except (yaml.YAMLError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise InputError(f"{where}: not readable as YAML ({_reason(error)})") from None


def read_yaml(path: Path) -> Any:
    """Plain values of a YAML file, as by :func:`parse_yaml`.

    Args:
        path: The file.

    Returns:
        Numbers, text, lists and dictionaries.

    Raises:
        InputError: also if the file is absent or not readable as text.
    """
    return parse_yaml(_text(path, "YAML"), path)


def parse_json(text: str | bytes, where: Path | str, *, finite: bool = True) -> Any:
    """Plain values of a JSON text.

    Args:
        text: The JSON.
        where: Name of the file, for messages.
        finite: Refuse NaN and infinite numbers.

    Returns:
        Numbers, text, lists and dictionaries.

    Raises:
        InputError: if it is not JSON, is nested more than 100 deep, is too large, or holds numbers that are none.
    """
    check_size(JSON_GROWTH * len(text), where)
    try:
        content = json.loads(text)
        _check_values(content, finite)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: not readable as JSON ({_reason(error)})") from None
    return content


def read_json(path: Path, *, finite: bool = True) -> Any:
    """Plain values of a JSON file, as by :func:`parse_json`.

    Args:
        path: The file.
        finite: Refuse NaN and infinite numbers.

    Returns:
        Numbers, text, lists and dictionaries.

    Raises:
        InputError: also if the file is absent or not readable as text.
    """
    return parse_json(_text(path, "JSON"), path, finite=finite)


def _text(path: Path, kind: str) -> str:
    try:
        return read_unpacked(path).decode()
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not readable as {kind} ({error})") from None


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return f"nested more than {DEPTH} deep"
    return first_line(error)


def _check_events(text: str, where: Path | str) -> None:
    """Count values, those of aliases as often as they are referred to, before any of them is made."""
    sizes: dict[str, int] = {}
    opened: list[tuple[str | None, int]] = []
    values = 0
    for event in yaml.parse(text, _Loader):
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in sizes:
                raise ValueError(f"the alias *{event.anchor} refers to itself or to nothing")
            values += sizes[event.anchor]
        elif isinstance(event, yaml.CollectionStartEvent):
            opened.append((event.anchor, values))
            values += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = opened.pop()
            sizes |= {anchor: values - before} if anchor else {}
        elif isinstance(event, yaml.ScalarEvent):
            values += 1
            sizes |= {event.anchor: 1} if event.anchor else {}
        if len(opened) > DEPTH:
            raise RecursionError
        check_size(BYTES_PER_VALUE * values, where)


def _check_values(content: Any, finite: bool) -> None:
    level, depth = [content], 1
    while level:
        for value in level:
            if finite and isinstance(value, float) and not math.isfinite(value):
                raise ValueError(f"{value} is no number")
        inside = [value for value in level if isinstance(value, list | dict)]
        if inside and depth > DEPTH:
            raise RecursionError
        level = [v for value in inside for v in (value.values() if isinstance(value, dict) else value)]
        depth += 1
