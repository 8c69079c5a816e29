"""Names that can be file names."""

from __future__ import annotations

import re


def file_name(text: str) -> str:
    """The text with everything but letters, digits and ``._+-`` replaced."""
    return re.sub(r"[^A-Za-z0-9._+-]+", "_", text).strip("_") or "molecule"


def numbered(stem: str, count: int) -> list[str]:
    """``STEM`` alone, or ``STEM-000``, ``STEM-001``, ... for several frames."""
    width = len(str(max(count - 1, 0)))
    return [stem] if count == 1 else [f"{stem}-{i:0{width}d}" for i in range(count)]
