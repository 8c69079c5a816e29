"""Where things are kept that can be fetched or made again."""

from __future__ import annotations

import os
import sys
from pathlib import Path

CACHE_VARIABLE = "GRAPHLEARN_CACHE"


def cache_folder() -> Path:
    """``$GRAPHLEARN_CACHE``, else ``graphlearn`` in the user's cache folder: ``$XDG_CACHE_HOME`` or ``~/.cache``.

    On macOS ``~/Library/Caches``, on Windows ``%LOCALAPPDATA%``.
    """
    if named := os.environ.get(CACHE_VARIABLE):
        return Path(named).expanduser()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    elif sys.platform == "darwin":
        base = "~/Library/Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "graphlearn"
