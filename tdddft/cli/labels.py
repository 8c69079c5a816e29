"""Names of files in tables and figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def labelled(files: Sequence[Path], reserved: Sequence[str] = ()) -> dict[str, Path]:
    """Files by their name without folder and suffix, or by the whole path where that is not unique.

    Args:
        files: The files.
        reserved: Labels that mean something else.

    Returns:
        The files by label, in their order.
    """
    stems = [file.stem for file in files]
    return {
        file.stem if stems.count(file.stem) == 1 and file.stem not in reserved else str(file): file for file in files
    }
