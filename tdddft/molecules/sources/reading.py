"""From a source as users write it to molecules."""

from __future__ import annotations

import os
import re
from pathlib import Path

from graphlearn.base.errors import InputError
from tdddft.molecules.molecule import Molecule
from tdddft.molecules.sources.downloads import md17_file, qm9_sdf, qm9pack_folder
from tdddft.molecules.sources.files import read_path
from tdddft.molecules.sources.g2 import all_of_g2, from_g2
from tdddft.molecules.sources.smiles import of_smiles
from tdddft.molecules.sources.stated import Charges

_SLICE = re.compile(r"^(?P<source>.+)@(?P<start>\d*):(?P<stop>\d*)(?::(?P<step>\d+))?$")


def read_molecules(source: str, charges: Charges = None, multiplicities: Charges = None) -> list[Molecule]:
    """Molecules of one source.

    Args:
        source: One of

            - ``g2`` (every closed-shell molecule of H, C, N, O, F in ASE's g2 set), ``g2:NAME`` or a bare g2 name;
            - ``smiles:STRING``, a conformer by RDKit;
            - ``qm9`` (all of QM9, from the installed package ``qm9pack``) or ``qm9:pyg`` (downloaded as PyG does);
            - ``md17:NAME`` or ``rmd17:NAME``, downloaded as PyG does;
            - a path: xyz and extxyz (QM9's own form too; ``.xz``, ``.gz``, ``.bz2``), SDF, smi, npz of MD17 and rMD17,
              csv of qm9pack, PDB, MOL, Gaussian's input, Turbomole's ``coord``, ASE's ``.traj``, a tar archive or a
              folder of any of these.

            ``$NAME`` and ``~`` are filled in; ``@START:STOP`` or ``@START:STOP:STEP`` at the end takes a part.
        charges: Charge of all molecules, or charges by name, for those whose source does not state one. Without it
            and without a statement the charge is 0.
        multiplicities: Likewise 1 + number of unpaired electrons; without it and without a statement it is 1, and an
            odd number of electrons is an error.

    Returns:
        The molecules, in the order of the source.

    Raises:
        InputError: for a missing or unreadable file, an unknown name, or a molecule that cannot be propagated.
    """
    if not source.strip() or "\0" in source:
        raise InputError(
            f"{source!r} names no molecules; give a path, g2:NAME, smiles:STRING, qm9, md17:NAME or rmd17:NAME"
        )
    if source.startswith("smiles:"):
        return [of_smiles(source.removeprefix("smiles:")).molecule(charges, multiplicities)]
    cut = _SLICE.match(source)
    if cut:
        whole = read_molecules(cut["source"], charges, multiplicities)
        start, stop, step = (int(cut[k]) if cut[k] else None for k in ("start", "stop", "step"))
        if step == 0 or not whole[start:stop:step]:
            raise InputError(f"{source}: leaves none of the {len(whole)} molecules")
        return whole[start:stop:step]
    if source == "g2":
        return all_of_g2(charges)
    kind, _, name = source.partition(":")
    if kind == "g2":
        return [from_g2(name, charges, multiplicities)]
    if kind == "qm9" and name in ("", "pyg"):
        return read_path(qm9_sdf() if name else qm9pack_folder(), charges, multiplicities)
    if kind in ("md17", "rmd17") and name:
        return read_path(md17_file(name, revised=kind == "rmd17"), charges, multiplicities)
    path = _path(source)
    if os.path.exists(path):  # false, and no error, for a name that no file can have
        return read_path(path, charges, multiplicities)
    unset = re.search(r"\$\{?(\w+)", str(path))
    if unset:
        raise InputError(f"{source}: the environment variable {unset[1]} is not set")
    if path.suffix or "/" in source:
        raise InputError(f"no such file: {source}; a SMILES string is written as smiles:STRING")
    return [from_g2(source, charges, multiplicities)]


def _path(source: str) -> Path:
    path = Path(os.path.expandvars(source))
    try:
        return path.expanduser()
    except RuntimeError:  # ~NAME of nobody
        return path
