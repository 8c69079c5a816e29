"""Sets that are fetched or installed rather than carried."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from urllib.error import URLError

from tdddft.errors import InputError

CACHE_VARIABLE = "GRAPHLEARN_CACHE"


def cache_folder() -> Path:
    """``$GRAPHLEARN_CACHE``, by default ``~/.cache/graphlearn``."""
    return Path(os.environ.get(CACHE_VARIABLE, "~/.cache/graphlearn")).expanduser()


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
    from torch_geometric.data import download_url, extract_zip
    from torch_geometric.datasets import QM9

    folder = cache_folder() / "qm9"
    file = folder / "gdb9.sdf"
    if not (file.is_file() and (folder / "uncharacterized.txt").is_file()):
        try:
            extract_zip(download_url(QM9.raw_url, str(folder), log=False), str(folder), log=False)
            download_url(QM9.raw_url2, str(folder), log=False, filename="uncharacterized.txt")
        except (URLError, OSError) as error:
            raise _no_download("qm9:pyg", QM9.raw_url, folder, error) from None
    return file


def md17_file(name: str, *, revised: bool) -> Path:
    """The npz file of one molecule of MD17 or rMD17, from where PyG's MD17 takes it."""
    from torch_geometric.data import download_url, extract_tar
    from torch_geometric.datasets import MD17

    key = f"revised {name}" if revised else name
    known = [k for k in MD17.file_names if k.startswith("revised ") == revised and MD17.file_names[k].endswith(".npz")]
    if key not in known:
        raise InputError(f"{name!r} is not in {'rMD17' if revised else 'MD17'}; choose one of {', '.join(known)}")
    folder, file_name = cache_folder() / "md17", MD17.file_names[key]
    found = [*folder.rglob(file_name)]
    if not found:
        url = MD17.revised_url if revised else f"{MD17.gdml_url}/{file_name}"
        try:
            if revised:
                extract_tar(download_url(url, str(folder), log=False, filename="rmd17.tar.bz2"), str(folder), "r:bz2")
            else:
                download_url(url, str(folder), log=False)
        except (URLError, OSError) as error:
            raise _no_download(f"{'r' if revised else ''}md17:{name}", url, folder, error) from None
        found = [*folder.rglob(file_name)]
    return found[0]


def _no_download(source: str, url: str, folder: Path, error: Exception) -> InputError:
    return InputError(
        f"{source}: cannot be downloaded ({error}); fetch {url} elsewhere and unpack it into {folder}, "
        "or give the path of a file that you have"
    )
