"""Versions of the trajectory file, and how the metadata of older ones become those of the present one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

SCHEMA_VERSION = 3
Groups = dict[str, dict[str, Any]]


def _from_version_1(groups: Groups) -> Groups:
    """Version 1 kept the level of theory in the group ``basis``, beside the table of atomic orbitals."""
    return {**{name: data for name, data in groups.items() if name != "basis"}, "method": groups.get("basis", {})}


def _from_version_2(groups: Groups) -> Groups:
    """Version 2 knew closed shells alone; their files are what they were."""
    return groups


UPGRADES: dict[int, Callable[[Groups], Groups]] = {1: _from_version_1, 2: _from_version_2}


def upgrade(groups: Groups, version: int) -> Groups:
    """Metadata of an older version as the present one holds them.

    Args:
        groups: Metadata by group.
        version: Their version, a key of :data:`UPGRADES` or :data:`SCHEMA_VERSION`.

    Returns:
        Metadata of version :data:`SCHEMA_VERSION`, by group.
    """
    while version != SCHEMA_VERSION:
        groups, version = UPGRADES[version](groups), version + 1
    return groups
