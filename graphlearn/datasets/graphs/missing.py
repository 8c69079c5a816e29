"""What to say where a data set is neither on disk nor to be had."""

from __future__ import annotations

from pathlib import Path

from tdddft.errors import InputError


def not_obtained(kind: str, name: str, root: Path, error: Exception) -> InputError:
    """The error to raise after PyG's download has failed."""
    return InputError(
        f"no {kind} {name!r} in {root}, and the download failed ({type(error).__name__}); "
        "put its files there, or name their folder with --data"
    )
