"""Sections of a recipe: unknown keys are errors, and so are keys that another choice leaves without effect."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, get_args, get_origin

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    SerializerFunctionWrapHandler,
    Tag,
    ValidationInfo,
    model_serializer,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

STORED = "stored"  # of the validation context: keys without effect are passed over


class RecipeSection(BaseModel):
    """A section of a recipe.

    Unknown keys are errors, and so are numbers that are not finite. A section of several kinds is a union of classes,
    see :func:`kind_of`; a key that needs another one switched on is named by :meth:`idle`: giving it is an error, and a
    resolved recipe leaves it out.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    def idle(self) -> Mapping[str, str]:
        """Keys that have no effect beside the other values, dotted where they lie in a section below, and why."""
        return {}

    @model_validator(mode="after")
    def _nothing_idle(self, info: ValidationInfo) -> RecipeSection:
        given = (
            {}
            if (info.context or {}).get(STORED)
            else {key: why for key, why in self.idle().items() if _is_given(self, key)}
        )
        if given:
            text = "; ".join(f"{key} has no effect: {why}" for key, why in given.items())
            raise PydanticCustomError("idle_key", "{text}", {"text": text, "keys": given})
        return self

    @model_serializer(mode="wrap")
    def _without_idle(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        data: dict[str, Any] = handler(self)
        for key in self.idle():
            _remove(data, key.split("."))
        return data


def kind_of(default: str) -> Discriminator:
    """Chooses among the classes of a union by the key ``kind``, each class under its :class:`pydantic.Tag`.

    Args:
        default: Kind of a section that names none.

    Returns:
        What pydantic chooses by.
    """

    def kind(value: Any) -> str:
        found = value.get("kind", default) if isinstance(value, Mapping) else getattr(value, "kind", default)
        return str(found)

    return Discriminator(kind, custom_error_type="unknown_kind", custom_error_message="kind is none of those known")


def kinds(info: FieldInfo) -> dict[str, type[RecipeSection]]:
    """Classes of a field by kind; empty where it is not a union of kinds."""
    return dict(_tagged(info.annotation))


def sections(info: FieldInfo) -> list[type[RecipeSection]]:
    """Classes that a field may hold as a section."""
    inner = info.annotation
    if isinstance(inner, type) and issubclass(inner, RecipeSection):
        return [inner]
    return list(kinds(info).values())


def without_foreign_keys(model: type[RecipeSection], data: Mapping[str, Any]) -> dict[str, Any]:
    """Plain data without the keys that belong to other kinds of a section than the chosen one.

    Args:
        model: Class of the section.
        data: Its content.


    Returns:
        What belongs to the chosen kind.
    """
    result = dict(data)
    for name, info in model.model_fields.items():
        value, known = result.get(name), kinds(info)
        if not isinstance(value, Mapping):
            continue
        chosen = known.get(str(value.get("kind", getattr(info.get_default(), "kind", None)))) if known else None
        if chosen is not None:
            foreign = {key for other in known.values() for key in other.model_fields} - set(chosen.model_fields)
            value = {key: content for key, content in value.items() if key not in foreign}
        inner = [chosen] if chosen is not None else sections(info)
        result[name] = without_foreign_keys(inner[0], value) if len(inner) == 1 else value
    return result


def without_idle(section: RecipeSection, data: Mapping[str, Any]) -> dict[str, Any]:
    """A resolved section that was stored before, without the keys that have no effect in the given one.

    Args:
        section: The section as it is now.
        data: Content of the stored one.


    Returns:
        What has an effect.
    """
    result = copy.deepcopy(dict(data))
    for key in section.idle():
        _remove(result, key.split("."))
    for name in type(section).model_fields:
        value = getattr(section, name)
        if isinstance(value, RecipeSection) and isinstance(result.get(name), Mapping):
            result[name] = without_idle(value, result[name])
    return result


def _tagged(annotation: Any) -> Iterator[tuple[str, type[RecipeSection]]]:
    if get_origin(annotation) is Annotated:
        inner, *marks = get_args(annotation)
        tags = [mark.tag for mark in marks if isinstance(mark, Tag)]
        if tags:
            yield tags[0], inner
        else:
            yield from _tagged(inner)
    else:
        for part in get_args(annotation):
            yield from _tagged(part)


def _is_given(section: Any, key: str) -> bool:
    """Whether a dotted key was written down."""
    head, _, rest = key.partition(".")
    if isinstance(section, Mapping):
        return head in section and (not rest or _is_given(section[head], rest))
    if not isinstance(section, BaseModel) or head not in section.model_fields_set:
        return False
    return not rest or _is_given(getattr(section, head), rest)


def _remove(data: Any, path: list[str]) -> None:
    for section in path[:-1]:
        data = data.get(section) if isinstance(data, dict) else None
    if isinstance(data, dict):
        data.pop(path[-1], None)
