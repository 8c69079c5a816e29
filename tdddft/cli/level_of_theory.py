"""``--set`` of commands that take a molecule and no recipe."""

from __future__ import annotations

from collections.abc import Sequence

from graphlearn.base.recipes.reading import parse_recipe
from graphlearn.base.recipes.section import RecipeSection
from tdddft.electronic.method import Method


class _Options(RecipeSection):
    """What ``--set`` reaches."""

    method: Method = Method()


def level_of_theory(overrides: Sequence[str] | None) -> Method:
    """The level of theory that a command line asks for.

    Args:
        overrides: ``method.KEY=VALUE``.

    Returns:
        The level of theory.

    Raises:
        InputError: for an unknown key or a bad value.
    """
    return parse_recipe({}, _Options, overrides or [], where="command line").method
