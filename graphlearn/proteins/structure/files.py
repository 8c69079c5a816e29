"""Many structure files: found in folders, named apart, read once, kept on disk; one bad file does not stop the rest."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from graphlearn.base.errors import InputError
from graphlearn.base.plain_files import file_hash
from graphlearn.proteins.structure.chain import ProteinChain
from graphlearn.proteins.structure.chain_cache import CacheFolder, ChainCache, content_key
from graphlearn.proteins.structure.chain_store import ChainStore
from graphlearn.proteins.structure.read import read_structure, structure_name

SUFFIXES = (".pdb", ".ent", ".cif", ".mmcif", ".bcif")


class ReadStructures(NamedTuple):
    """Content of many files.

    Attributes:
        store: All chains.
        failures: Files that could not be read, and why.
        files: Names of the chains of each file, by its :func:`structure_name`.
    """

    store: ChainStore
    failures: dict[str, str]
    files: dict[str, tuple[str, ...]]


def structure_files(paths: Iterable[Path]) -> Iterator[Path]:
    """The files, and those of the folders, sorted.

    Args:
        paths: Files and folders.

    Yields:
        Path of each file; the files of a folder are sorted, folders inside it are not searched.

    Raises:
        InputError: for a path that does not exist, or a folder without a structure.
    """
    for path in paths:
        if not path.exists():
            raise InputError(f"{path}: there is no such file or folder")
        inside = [path]
        if path.is_dir():
            inside = sorted(f for f in path.iterdir() if f.name.lower().removesuffix(".gz").endswith(SUFFIXES))
        if not inside:
            raise InputError(f"{path} holds no structure ({', '.join(SUFFIXES)}, plain or .gz)")
        yield from inside


def read_structures(
    paths: Iterable[str | os.PathLike[str]],
    *,
    secondary: Literal["auto", "mdtraj", "mkdssp", "ca"] = "auto",
    cache: CacheFolder = None,
    on_file: Callable[[int, int], object] = lambda done, total: None,
) -> ReadStructures:
    """Read all protein chains of many files.

    Args:
        paths: Files and folders.
        secondary: How secondary structure is assigned, see :func:`graphlearn.proteins.read_structure`.
        cache: Folder of chains that were read before, by content; see :class:`ChainCache`.
        on_file: Called with the number of finished files and the number of all files.

    Returns:
        The chains, files that could not be read with the reason, and names of the chains by file.

    Raises:
        InputError: if a path does not exist, no file can be read, or two files hold a chain of the same name.
    """
    files = list(structure_files(map(Path, paths)))
    kept = ChainCache(cache)
    chains: dict[str, ProteinChain] = {}
    failures: dict[str, str] = {}
    names: dict[str, tuple[str, ...]] = {}
    for number, file in enumerate(files, start=1):
        try:
            store = _read(file, secondary, kept)
        except InputError as error:
            failures[str(file)] = str(error)
            continue
        finally:
            on_file(number, len(files))
        for name in store.names:
            if name in chains:
                raise InputError(f"{file}: another file holds a chain {name} too; keep one of them")
            chains[name] = store[name]
        names[structure_name(file)] = store.names
    if not chains:
        first = next(iter(failures.values()), "no file was given")
        raise InputError(f"none of {len(files)} structure files could be read; the first: {first}")
    return ReadStructures(ChainStore.of(chains.values()), failures, names)


def _read(file: Path, secondary: Literal["auto", "mdtraj", "mkdssp", "ca"], cache: ChainCache) -> ChainStore:
    key = content_key({"structure": file_hash(file)}, kind="structure", name=file.name, secondary=secondary)
    return cache.make(key, lambda: ChainStore.of(read_structure(file, secondary=secondary)))


def distinct_names(files: Iterable[Path], taken: Collection[str] = ()) -> dict[Path, str]:
    """A name for each file: that of :func:`structure_name`, and where files share it, folders before it.

    ``a/ranked_0.pdb`` and ``b/ranked_0.pdb`` become ``A_RANKED_0`` and ``B_RANKED_0``; ``1abc.pdb`` and ``1abc.cif`` in
    one folder become ``1ABC.PDB`` and ``1ABC.CIF``. Files that still share a name get a hash of its path.

    Args:
        files: All different.
        taken: Names that belong to other files.

    Returns:
        Name by file, in the order of the files.
    """
    choices = {file: _choices(file) for file in files}
    level = dict.fromkeys(choices, 0)
    while True:
        names = {file: several[level[file]] for file, several in choices.items()}
        counts = Counter([*names.values(), *set(taken)])
        alike = [file for file, name in names.items() if counts[name] > 1 and level[file] + 1 < len(choices[file])]
        if not alike:
            return names
        for file in alike:
            level[file] += 1


def _choices(file: Path) -> list[str]:
    """Names of a file, the shortest first; the last one is of its path alone."""
    path = Path(os.path.abspath(file))
    stem, whole = structure_name(path), _text(path.name).removesuffix(".gz").upper()
    folders = [_text(part).upper() for part in path.parts[1:-1]]
    deeper = ["_".join([*folders[-depth:], stem]) for depth in range(1, len(folders) + 1)]
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:8].upper()
    return [stem, *deeper[:1], whole, *deeper[1:], f"{stem}-{digest}"]


def _text(name: str) -> str:
    return os.fsencode(name).decode("utf-8", "replace")
