"""Python, processors, memory, and the folders that commands read and write."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from pathlib import Path

from graphlearn.base.cache import CACHE_VARIABLE, cache_folder
from graphlearn.base.machine import available_bytes, available_cores
from graphlearn.base.recipes.packaged import packed_folder
from graphlearn.base.workers.pool import THREAD_VARIABLES
from graphlearn.hub.doctor.check import Check

DATA_VARIABLE = "GRAPHLEARN_DATA"
NAMES_SHOWN = 8


def machine() -> Iterator[Check]:
    """Python, processors, memory and threads."""
    yield Check("machine", "Python", "ok", f"{platform.python_version()} on {platform.platform(terse=True)}")
    yield Check("machine", "processors", "ok", f"{available_cores()} cores, {available_bytes() / 1e9:.1f} GB free")
    named = [f"{name}={os.environ[name]}" for name in THREAD_VARIABLES if name in os.environ]
    yield Check("machine", "threads", "ok", ", ".join(named) or f"as many as cores; {THREAD_VARIABLES[0]} sets them")


def folders() -> Iterator[Check]:
    """Data, cache, and what is packed with the package."""
    yield _data()
    yield _cache()
    for part, kind, pattern in (
        ("recipes of models", "models", "*/*.yaml"),
        ("trained models", "models", "*/*/model.json"),
        ("cards of data sets", "datasets", "*/README.md"),
    ):
        folder = packed_folder(kind)
        count = len(list(folder.glob(pattern)))
        if count:
            yield Check("folders", part, "ok", f"{count} in {folder}")
        else:
            yield Check("folders", part, "missing", f"none in {folder}", "pip install --force-reinstall --no-deps .")


def _data() -> Check:
    named = os.environ.get(DATA_VARIABLE)
    if not named:
        return Check(
            "folders", DATA_VARIABLE, "missing", "not set; data sets are looked for in ./data",
            f"export {DATA_VARIABLE}=FOLDER", needed=False,
        )  # fmt: skip
    try:
        entries = sorted(entry.name for entry in Path(named).iterdir() if entry.is_dir())
    except OSError as error:
        return Check("folders", DATA_VARIABLE, "failed", f"{named}: {error.strerror}", f"export {DATA_VARIABLE}=FOLDER")
    more = f" and {len(entries) - NAMES_SHOWN} more" if len(entries) > NAMES_SHOWN else ""
    return Check("folders", DATA_VARIABLE, "ok", f"{named}: {', '.join(entries[:NAMES_SHOWN]) or 'empty'}{more}")


def _cache() -> Check:
    folder = cache_folder()
    there = next(place for place in (folder, *folder.absolute().parents) if os.path.exists(place))
    if not (there.is_dir() and os.access(there, os.W_OK)):
        return Check("folders", "cache", "failed", f"{folder} cannot be written", f"export {CACHE_VARIABLE}=FOLDER")
    if not folder.is_dir():
        return Check("folders", "cache", "ok", f"{folder}, made when it is needed")
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return Check("folders", "cache", "ok", f"{folder}, {size / 1e6:.1f} MB")
