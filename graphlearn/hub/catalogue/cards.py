"""What cards and recipes say of themselves."""

from __future__ import annotations

import re
from pathlib import Path

_SENTENCE_END = re.compile(r"(?<=[a-z0-9)`])\.(?=\s|$)")
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")


def title(card: str) -> str:
    """The first heading of a card."""
    return next((line[1:].strip() for line in card.splitlines() if line.startswith("# ")), "")


def summary(card: str) -> str:
    """The first sentence below the first heading of a card, on one line."""
    below = card.partition("\n# ")[2] if not card.startswith("# ") else card
    paragraphs = below.partition("\n")[2].strip().split("\n\n")
    return _LINK.sub(r"\1", _SENTENCE_END.split(" ".join(paragraphs[0].split()))[0]).replace("*", "")


def first_table(card: str) -> list[list[str]]:
    """Cells of the first table of a card, its headings first; none without a table."""
    rows: list[list[str]] = []
    for line in card.splitlines():
        if line.startswith("|"):
            rows.append([cell.strip() for cell in line.strip("|").split("|")])
        elif rows:
            break
    return [row for row in rows if not all(set(cell) <= set("-: ") and cell for cell in row)]


def contents(card: str) -> str:
    """What a data set holds: the line ``molecules`` of a card's first table, or its second column, name by name."""
    headings, *rows = first_table(card) or [[]]
    facts = {row[0]: row[1] for row in rows if len(row) > 1}
    if "molecules" in facts:
        return facts["molecules"]
    if len(headings) < 2 or not headings[1]:
        return ""
    return f"{headings[1]}: " + ", ".join(f"{name} {value}" for name, value in facts.items())


def opening_comment(recipe: Path) -> str:
    """The comment at the top of a recipe, on one line."""
    lines = []
    for line in recipe.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.lstrip("# ").strip())
    return " ".join(lines)


def bytes_below(folder: Path) -> int:
    """Bytes of all files in a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
