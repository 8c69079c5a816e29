"""The style of all figures, and how they are written."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphlearn.base.errors import InputError
from graphlearn.base.files import replace_bytes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

AXES_COLORS = {"x": "#4477AA", "y": "#228833", "z": "#EE6677"}
STYLE: dict[Any, Any] = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "font.size": 9,
}


def save_figure(figure: Figure, path: Path) -> Path:
    """Write a figure as PNG, PDF or SVG by its suffix.

    Args:
        figure: A figure of matplotlib.
        path: The file; its folder is made.


    Returns:
        The path.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        image = io.BytesIO()
        figure.savefig(image, format=path.suffix.lstrip(".") or "png", dpi=150)
        replace_bytes(path, image.getvalue())
    except (OSError, ValueError) as error:
        raise InputError(f"cannot write the figure {path}: {error}") from None
    return path
