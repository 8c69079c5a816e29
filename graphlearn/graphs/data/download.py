"""Raw files of public data sets, from where PyG takes them: text and tables, never what PyG pickles."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from graphlearn.base.errors import InputError
from graphlearn.base.files import replace_bytes
from graphlearn.base.unpacking import check_size

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
PICKLES = ("*.pt", "*.pth", "*.pkl", "*.pickle")


def raw_folders(name: str, root: Path) -> tuple[Path, Path, Path]:
    """Where the raw files of a data set may lie: the folder of its kind, its own, and where PyG keeps them.

    Args:
        name: Of the data set.
        root: Folder of the data sets of its kind.

    Returns:
        ``ROOT``, ``ROOT/NAME`` and ``ROOT/NAME/raw``.
    """
    return root, root / name, root / name / "raw"


def raw_folder(
    kind: str, name: str, root: Path, holds: Callable[[Path], bool], fetch: Callable[[str], Mapping[str, bytes]]
) -> Path:
    """The first of :func:`raw_folders` that holds a data set; where none does, it is fetched into the last.

    Args:
        kind: Of the data set, for messages.
        name: Of the data set.
        root: Folder of the data sets of its kind.
        holds: Whether the files are in a folder.
        fetch: Gives content by file name.

    Returns:
        The folder.

    Raises:
        InputError: as for :func:`fetch_raw`.
    """
    folders = raw_folders(name, root)
    there = next(filter(holds, folders), None)
    if there is None:
        fetch_raw(kind, name, root, folders[-1], fetch)
    return there or folders[-1]


def fetch_raw(kind: str, name: str, root: Path, raw: Path, fetch: Callable[[str], Mapping[str, bytes]]) -> None:
    """Fill the folder ``raw`` with the files of a data set that is nowhere below ``root`` in a form that is read.

    Args:
        kind: Of the data set, for messages.
        name: Of the data set.
        root: Folder of the data sets of its kind.
        raw: Where to put the files; made if need be.
        fetch: Gives content by file name.

    Raises:
        InputError: if there are pickles alone, the name is none, or the download fails.
    """
    if not _NAME.fullmatch(name):
        raise InputError(f"{name!r} is no name of a {kind}")
    for pattern in PICKLES:
        for pickle in (*raw.parent.glob(pattern), *(raw.parent / "processed").glob(pattern)):
            raise InputError(
                f"{pickle}: this is a pickle, which runs code when it is read, so it is not; put the raw files of the "
                f"{kind} {name!r} into {raw}, or remove the pickle to have them downloaded"
            )
    try:
        files = fetch(name)
        raw.mkdir(parents=True, exist_ok=True)
        for file, content in files.items():
            replace_bytes(raw / file, content)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"no {kind} {name!r} in {root}, and the download failed ({type(error).__name__}: {error}); "
            "put its files there, or name their folder with --data"
        ) from None


def zip_members(content: bytes, where: str, wanted: Collection[str]) -> dict[str, bytes]:
    """Files of a zip archive by name, without their folders; only those that are wanted.

    Args:
        content: The archive.
        where: Its name, for messages.
        wanted: Names of files.

    Returns:
        Content by name.

    Raises:
        InputError: if they come to more than the bound.
        ValueError: if the archive is damaged or holds none.
    """
    files, total = {}, 0
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for member in archive.infolist():
                name = member.filename.rpartition("/")[2]
                if name in wanted:
                    total += member.file_size
                    check_size(total, where)
                    files[name] = archive.read(member)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise ValueError(f"{where} is damaged: {error}") from None
    if not files:
        raise ValueError(f"{where} holds none of {', '.join(wanted)}")
    return files
