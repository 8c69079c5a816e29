"""The one place where names that come from outside become names of files."""

from __future__ import annotations

import hashlib
import re

_OTHER = re.compile(r"[^A-Za-z0-9._+-]+")
LONGEST = 120


def file_name(text: str, empty: str = "unnamed", *, hashed: bool = False) -> str:
    """A name as a file name: letters, digits and ``._+-``, at most 120 of them, and never a path.

    A name that consists of these is kept. Anything else becomes ``_``, and a short hash of the whole name is added, so
    that different names give different file names, the same in every run: ``C#N`` and ``C=N`` differ.

    Args:
        text: Any text, such as a SMILES string, the title of an entry or the identifier of a chain.
        empty: Stands in for a text of which nothing is left, before the hash.
        hashed: Add the hash to a plain name too.

    Returns:
        One component of a path that starts with neither a dot nor a hyphen.
    """
    kept = _OTHER.sub("_", text).lstrip("._-").rstrip("_")
    if not hashed and kept == text and 0 < len(kept) <= LONGEST:
        return kept
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{kept[: LONGEST - 9] or empty}-{digest}"


def numbered(stem: str, count: int) -> list[str]:
    """``STEM`` alone, or ``STEM-000``, ``STEM-001``, ... for several frames.

    Args:
        stem: What the names begin with.
        count: Number of frames.


    Returns:
        One name per frame.
    """
    width = len(str(max(count - 1, 0)))
    return [stem] if count == 1 else [f"{stem}-{i:0{width}d}" for i in range(count)]
