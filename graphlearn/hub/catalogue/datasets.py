"""Data sets: those that a recipe generates, and those that are read from a folder."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from graphlearn.base.recipes.packaged import packed_folder
from graphlearn.hub.catalogue.cards import bytes_below, contents, summary

_LOADER = re.compile(r"`(graphlearn\.datasets[\w.]*)\.(\w+)")
_FOLDERS = {"protein_ec": "protein", "protein_go": "protein"}  # one folder of tables for both


@dataclass(frozen=True)
class DataSet:
    """A data set that has a card.

    Attributes:
        name: Of its folder; also of its recipe.
        summary: First sentence of its card.
        contents: What it holds and how much of it, as the card says.
        command: The shell command that makes it, or the Python function that reads it.
        card: The card.
        folder: Where ``$GRAPHLEARN_DATA`` holds it; None where it does not.
        bytes: Size of that folder.
    """

    name: str
    summary: str
    contents: str
    command: str
    card: str
    folder: str | None
    bytes: int | None


def data_sets(folder: Path | None = None) -> list[DataSet]:
    """All data sets with a card, by default of those that come with the package."""
    root = folder or packed_folder("datasets")
    return [_data_set(card) for card in sorted(root.glob("*/README.md"))]


def _data_set(card: Path) -> DataSet:
    text, name = card.read_text(encoding="utf-8"), card.parent.name
    data = os.environ.get("GRAPHLEARN_DATA")
    held = Path(data or "") / _FOLDERS.get(name, name)
    here = held if data and held.is_dir() else None
    size = bytes_below(here) if here else None
    command = _command(text, card.parent)
    return DataSet(name, summary(text), contents(text), command, str(card), str(here) if here else None, size)


def _command(card: str, folder: Path) -> str:
    if (folder / "recipe.yaml").is_file():
        return f"tdddft generate {folder.name} --out runs/{folder.name}"
    loader = _LOADER.search(card)
    return f"from {loader[1]} import {loader[2]}" if loader else ""
