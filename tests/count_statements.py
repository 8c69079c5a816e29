"""Statements of Python code per room, docstrings not counted: ``python tests/count_statements.py [ROOT]``."""

from __future__ import annotations

import ast
import sys
from collections import Counter
from pathlib import Path

PACKAGES = ("graphlearn", "tdddft")


def count_statements(source: str) -> int:
    """Statements of a module, compound ones as one each with what they hold; expressions that are strings are none.

    Args:
        source: Text of the module.

    Returns:
        Number of statements.
    """
    return sum(isinstance(node, ast.stmt) and not _is_text(node) for node in ast.walk(ast.parse(source)))


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def count_rooms(root: Path) -> dict[str, tuple[int, int, int]]:
    """Files, lines and statements per room, the folder below each package.

    Args:
        root: Folder that holds the packages.

    Returns:
        Three numbers by the path of the room.
    """
    files: Counter[str] = Counter()
    lines: Counter[str] = Counter()
    statements: Counter[str] = Counter()
    for package in PACKAGES:
        for file in sorted((root / package).rglob("*.py")):
            room = "/".join(file.relative_to(root).parts[:2]) if file.parent.name != package else package
            source = file.read_text(encoding="utf-8")
            files[room] += 1
            lines[room] += source.count("\n")
            statements[room] += count_statements(source)
    return {room: (files[room], lines[room], statements[room]) for room in sorted(files)}


def main() -> None:
    """Print one line per room, and the sum."""
    rooms = count_rooms(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent.parent)
    total = tuple(sum(numbers) for numbers in zip(*rooms.values(), strict=True))
    print(f"{'room':28s} {'files':>6s} {'lines':>7s} {'statements':>11s}")
    for room, numbers in [*rooms.items(), ("sum", total)]:
        print(f"{room:28s} {numbers[0]:6d} {numbers[1]:7d} {numbers[2]:11d}")


if __name__ == "__main__":
    main()
