"""Where the recipes and cards that come with the packages lie."""

from __future__ import annotations

from pathlib import Path

_TOP = Path(__file__).parents[3]


def packed_folder(kind: str) -> Path:
    """The folder ``models`` or ``datasets``: ``_<kind>`` in a package of a wheel, at the top of a checkout."""
    packed = (_TOP / package / f"_{kind}" for package in ("graphlearn", "tdddft"))
    return next((folder for folder in packed if folder.is_dir()), _TOP / kind)
