"""What a training does not use, in words and in a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from graphlearn.base.files import replace_csv

LEFT_OUT = "left_out.csv"
SHOWN = 5


def write_left_out(failures: Mapping[str, str], folder: Path) -> Path | None:
    """Write ``left_out.csv``, one row per file, chain or term with the reason.

    Args:
        failures: Reasons by name, as ``ProteinGO.failures``.
        folder: Of the model; made if it is not there.

    Returns:
        The path; None where nothing was left out, and then no file of an earlier run stays.
    """
    path = folder / LEFT_OUT
    if not failures:
        path.unlink(missing_ok=True)
        return None
    folder.mkdir(parents=True, exist_ok=True)
    return replace_csv(path, ("name", "reason"), sorted(failures.items()))


def left_out_lines(failures: Mapping[str, str]) -> list[str]:
    """The first five, one per line, and how many more there are."""
    lines = [f"left out: {name}: {reason}" for name, reason in sorted(failures.items())[:SHOWN]]
    return [*lines, f"left out: {len(failures) - SHOWN} more"] if len(failures) > SHOWN else lines
