"""Where the recipes that come with a package lie."""

from __future__ import annotations

from pathlib import Path


def recipe_folder(package: Path, kind: str) -> Path:
    """Folder of the packed recipes of one kind; in a checkout, the folder of that name at its top."""
    packed = package / f"_{kind}"
    return packed if packed.is_dir() else package.parent / kind
