"""Sets that are fetched or installed rather than carried."""

from __future__ import annotations

import importlib.util
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from graphlearn.base.cache import cache_folder
from graphlearn.base.download import download_file
from graphlearn.base.errors import InputError
from graphlearn.base.unpacking import check_size, tar_members

RMD17_BYTES = 4_000_000_000  # ten molecules, 100,000 frames each


def qm9pack_folder() -> Path:
    """Where the tables of the installed package qm9pack lie; it is found without being imported."""
    spec = importlib.util.find_spec("qm9pack")
    folders = [Path(f) / "data" for f in (spec.submodule_search_locations or ())] if spec else []
    for folder in folders:
        if any(folder.glob("qm9_part*.csv")):
            return folder
    raise InputError(
        "qm9: the package qm9pack is not installed; 'pip install --no-deps qm9pack' (100 MB) brings all of QM9. "
        "Or give qm9:pyg (downloaded as PyG does), a folder or tar archive of dsgdb9nsd_*.xyz files, or gdb9.sdf"
    )


def qm9_sdf() -> Path:
    """``gdb9.sdf`` and the list of inconsistent molecules, from where PyG's QM9 takes them."""
    from torch_geometric.datasets import QM9

    def fetch(folder: Path) -> None:
        packed = folder / "qm9.zip"
        download_file(QM9.raw_url, packed)
        with zipfile.ZipFile(packed) as archive:
            check_size(archive.getinfo("gdb9.sdf").file_size, f"{packed}: gdb9.sdf")
            (folder / "gdb9.sdf").write_bytes(archive.read("gdb9.sdf"))
        packed.unlink()
        download_file(QM9.raw_url2, folder / "uncharacterized.txt")

    return _fetched("qm9:pyg", QM9.raw_url, "qm9", fetch) / "gdb9.sdf"


def md17_file(name: str, *, revised: bool) -> Path:
    """The npz file of one molecule of MD17 or rMD17, from where PyG's MD17 takes it.

    Args:
        name: Name of the molecule, as MD17 spells it.
        revised: Take rMD17.

    Returns:
        Path in the cache.
    """
    from torch_geometric.datasets import MD17

    key = f"revised {name}" if revised else name
    known = [k for k in MD17.file_names if k.startswith("revised ") == revised and MD17.file_names[k].endswith(".npz")]
    if key not in known:
        raise InputError(f"{name!r} is not in {'rMD17' if revised else 'MD17'}; choose one of {', '.join(known)}")
    url = MD17.revised_url if revised else _encrypted(f"{MD17.gdml_url}/{MD17.file_names[key]}")

    def fetch(folder: Path) -> None:
        if revised:
            packed = folder / "rmd17.tar.bz2"
            download_file(url, packed, RMD17_BYTES)
            for member, content in tar_members(packed, lambda inside: inside.endswith(".npz"), RMD17_BYTES):
                (folder / PurePosixPath(member).name).write_bytes(content)
            packed.unlink()
        else:
            download_file(url, folder / MD17.file_names[key])

    folder = _fetched(f"{'r' if revised else ''}md17:{name}", url, "rmd17" if revised else f"md17_{name}", fetch)
    found = [*folder.rglob(MD17.file_names[key])]
    if not found:
        raise InputError(f"{folder}: holds no {MD17.file_names[key]}; remove the folder and try again")
    return found[0]


def _encrypted(url: str) -> str:
    return "https://" + url.partition("://")[2]


def _fetched(source: str, url: str, name: str, fetch: Callable[[Path], None]) -> Path:
    """A folder of the cache, filled the first time; a download that breaks off leaves nothing behind."""
    folder = cache_folder() / name
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as partial:
            try:
                fetch(Path(partial))
            except (OSError, ValueError, KeyError, InputError, zipfile.BadZipFile) as error:
                raise _no_download(source, url, folder, error) from None
            shutil.copytree(partial, folder)
    return folder


def _no_download(source: str, url: str, folder: Path, error: Exception) -> InputError:
    return InputError(
        f"{source}: cannot be downloaded ({error}); fetch {url} elsewhere and unpack it into {folder}, "
        "or give the path of a file that you have"
    )
