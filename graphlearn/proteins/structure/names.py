"""Names of structures that no two files share, though AlphaFold calls the best model of every protein ``ranked_0``."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Collection, Iterable
from pathlib import Path

from graphlearn.proteins.structure.read import structure_name


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
