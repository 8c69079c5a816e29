"""Tables as mmCIF text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def cif_loop(category: str, columns: Mapping[str, Sequence[object]]) -> str:
    """A table as a ``loop_``.

    Args:
        category: Such as ``_atom_site``.
        columns: Values of each item, all as many.

    Returns:
        The loop as mmCIF text.
    """
    rows = (" ".join(map(_token, row)) for row in zip(*columns.values(), strict=True))
    return "\n".join(["loop_", *(f"{category}.{item}" for item in columns), *rows, "#\n"])


def _token(value: object) -> str:
    """A value as one word, in quotes where it needs them; white space and quotes at odds with them become ``_``."""
    text = "".join("_" if c.isspace() or not c.isprintable() else c for c in str(value)) or "."
    if text[0] not in "_#$'\"[];" and not text.lower().startswith(("data_", "loop_", "save_", "stop_", "global_")):
        return text
    for quote in "'\"":
        if quote not in text:
            return quote + text + quote
    return "'" + text.replace("'", "_") + "'"
