"""From a source as users write it to molecules."""

from __future__ import annotations

import os
import re
from pathlib import Path

from tdddft.errors import InputError
from tdddft.molecule import Molecule
from tdddft.sources.downloads import md17_file, qm9_sdf, qm9pack_folder
from tdddft.sources.files import read_path
from tdddft.sources.g2 import all_of_g2, from_g2
from tdddft.sources.smiles import from_smiles

_SLICE = re.compile(r"^(?P<source>.+)@(?P<start>\d*):(?P<stop>\d*)(?::(?P<step>\d+))?$")


def read_molecules(source: str) -> list[Molecule]:
    """Molecules of one source.

    Args:
        source: One of

            - ``g2`` (every closed-shell molecule of H, C, N, O, F in ASE's g2 set), ``g2:NAME`` or a bare g2 name;
            - ``smiles:STRING``, a conformer by RDKit;
            - ``qm9`` (all of QM9, from the installed package ``qm9pack``) or ``qm9:pyg`` (downloaded as PyG does);
            - ``md17:NAME`` or ``rmd17:NAME``, downloaded as PyG does;
            - a path: xyz and extxyz (QM9's own form too; ``.xz``, ``.gz``, ``.bz2``), SDF, smi, npz of MD17 and rMD17,
              csv of qm9pack, a tar archive or a folder of any of these, or another file that ASE reads.

            ``$NAME`` and ``~`` are filled in; ``@START:STOP`` or ``@START:STOP:STEP`` at the end takes a part.

    Raises:
        InputError: for a missing or unreadable file, an unknown name, or a molecule that cannot be propagated.
    """
    if source.startswith("smiles:"):
        return [from_smiles(source.removeprefix("smiles:"))]
    cut = _SLICE.match(source)
    if cut:
        whole = read_molecules(cut["source"])
        start, stop, step = (int(cut[k]) if cut[k] else None for k in ("start", "stop", "step"))
        if step == 0 or not whole[start:stop:step]:
            raise InputError(f"{source}: leaves none of the {len(whole)} molecules")
        return whole[start:stop:step]
    if source == "g2":
        return all_of_g2()
    kind, _, name = source.partition(":")
    if kind == "g2":
        return [from_g2(name)]
    if kind == "qm9" and name in ("", "pyg"):
        return read_path(qm9_sdf() if name else qm9pack_folder())
    if kind in ("md17", "rmd17") and name:
        return read_path(md17_file(name, revised=kind == "rmd17"))
    path = Path(os.path.expandvars(source)).expanduser()
    if path.exists():
        return read_path(path)
    unset = re.search(r"\$\{?(\w+)", str(path))
    if unset:
        raise InputError(f"{source}: the environment variable {unset[1]} is not set")
    if path.suffix or "/" in source:
        raise InputError(f"no such file: {source}")
    return [from_g2(source)]
