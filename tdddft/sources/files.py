"""Structure files: one reader a suffix, for single files, tar archives and folders."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from rdkit import Chem, rdBase

from tdddft.errors import InputError
from tdddft.molecule import Molecule
from tdddft.sources.naming import file_name, numbered
from tdddft.sources.qm9 import is_native, read_native, read_qm9pack
from tdddft.sources.smiles import from_rdkit, read_smiles_list

OPENERS: dict[str, Callable[..., Any]] = {".xz": lzma.open, ".gz": gzip.open, ".bz2": bz2.open}
UNCHARACTERIZED = "uncharacterized.txt"
_GDB_TITLE = re.compile(r"gdb[_ ]?(\d+)")
Reader = Callable[[str, str], list[Molecule]]


def read_path(path: Path) -> list[Molecule]:
    """Molecules of a file, an archive or a folder; InputError where it holds none."""
    try:
        if path.is_dir():
            molecules = [m for file in _structure_files(path) for m in read_path(file)]
        elif ".tar" in path.suffixes or path.suffix.lower() in (".tgz", ".tbz2", ".txz"):
            molecules = [m for name, text in _members(path) for m in _read_text(name, text)]
        else:
            molecules = _read_file(path)
    except (OSError, EOFError, lzma.LZMAError, UnicodeDecodeError, tarfile.TarError) as error:
        raise InputError(f"{path}: not readable ({error})") from None
    if not molecules:
        raise InputError(f"{path}: holds no molecule")
    return molecules


def _structure_files(folder: Path) -> list[Path]:
    parts = sorted(folder.glob("qm9_part*.csv"))
    if parts:
        return parts
    return sorted(p for p in folder.iterdir() if p.is_file() and _suffix(p.name) in (*_TEXT, ".npz") and p.suffix)


def _members(path: Path) -> Iterator[tuple[str, str]]:
    with tarfile.open(path) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isfile() else None
            if file is not None and _suffix(member.name) in _TEXT:
                yield Path(member.name).name, file.read().decode()


def _read_file(path: Path) -> list[Molecule]:
    suffix = _suffix(path.name)
    if suffix == ".npz":
        return _read_npz(path)
    if suffix not in _TEXT:
        return _read_with_ase(path)
    opener = OPENERS.get(path.suffix.lower(), open)
    with opener(path, "rt") as file:
        molecules = _read_text(path.name, str(file.read()))
    left_out = _uncharacterized(path) if suffix == ".sdf" else set()
    return [m for m in molecules if m.index not in left_out]


def _read_text(name: str, text: str) -> list[Molecule]:
    return _TEXT[_suffix(name)](text, name)


def _suffix(name: str) -> str:
    suffixes = [s.lower() for s in Path(name).suffixes]
    if suffixes and suffixes[-1] in OPENERS:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def _read_xyz(text: str, name: str) -> list[Molecule]:
    from ase.io import read

    if is_native(text):
        return [read_native(text, name)]
    try:
        frames = read(io.StringIO(text), index=":", format="extxyz")
    except Exception as error:  # ASE's readers raise whatever their parsing runs into
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise InputError(
            f"{name}: not readable as xyz ({reason}); "
            "expected the number of atoms, a comment line, then 'symbol x y z' in angstrom"
        ) from None
    return _from_ase(frames, name)


def _from_ase(frames: list[Any], name: str) -> list[Molecule]:
    molecules = []
    for i, (atoms, title) in enumerate(zip(frames, numbered(name.split(".")[0], len(frames)), strict=True)):
        charge, where = atoms.info.get("charge", 0), f"{name}[{i}]"
        try:
            whole = int(charge)
        except (TypeError, ValueError):
            raise InputError(f"{where}: the charge {charge!r} is not a whole number") from None
        molecules.append(Molecule(file_name(title), atoms.numbers, atoms.positions, whole, where, None, i))
    return molecules


def _read_with_ase(path: Path) -> list[Molecule]:
    from ase.io import read

    try:
        frames = read(path, index=":")
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise InputError(
            f"{path}: unknown file type {path.suffix!r}, and ASE cannot read it either ({reason}); "
            f"use one of {', '.join(_TEXT)}, .npz, or a format of ASE"
        ) from None
    return _from_ase(frames, path.name)


def _read_sdf(text: str, name: str) -> list[Molecule]:
    molecules, titles = [], set()
    supplier = Chem.SDMolSupplier()
    with rdBase.BlockLogs():
        supplier.SetData(text, sanitize=False, removeHs=False)
        for i, mol in enumerate(supplier):
            if mol is None or mol.GetNumConformers() == 0 or not mol.GetConformer().Is3D():
                raise InputError(f"{name}: entry {i} is unreadable or has no 3D coordinates")
            mol.UpdatePropertyCache(strict=False)
            if any(atom.GetTotalNumHs() for atom in mol.GetAtoms()):
                raise InputError(f"{name}: entry {i} leaves out hydrogen atoms; write them with coordinates")
            title = mol.GetProp("_Name").strip() if mol.HasProp("_Name") else ""
            gdb = _GDB_TITLE.fullmatch(title)
            title = f"gdb_{int(gdb[1]):06d}" if gdb else title
            title = f"{Path(name).stem}-{i}" if not title or title in titles else title
            titles.add(title)
            molecules.append(from_rdkit(mol, title, f"{name}[{i}]", int(gdb[1]) if gdb else i))
    return molecules


def _uncharacterized(path: Path) -> set[int | None]:
    """gdb numbers that QM9's authors found inconsistent, from the list that they (and PyG) keep beside the file."""
    file = path.with_name(UNCHARACTERIZED)
    if not file.is_file():
        return set()
    fields = (line.split() for line in file.read_text().splitlines())
    return {int(f[0]) for f in fields if len(f) > 1 and f[0].isdigit()}


def _read_npz(path: Path) -> list[Molecule]:
    """MD17 (``R``, ``z``) and rMD17 (``coords``, ``nuclear_charges``); nothing is unpickled."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            names = ("coords", "nuclear_charges") if "coords" in arrays else ("R", "z")
            positions, numbers = (np.asarray(arrays[n]) for n in names)
    except (KeyError, ValueError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path}: not an npz file of MD17 (arrays R, z) or rMD17 (coords, nuclear_charges): {error}"
        ) from None
    if positions.ndim != 3 or positions.shape[1:] != (numbers.size, 3):
        raise InputError(
            f"{path}: positions have shape {positions.shape}, {numbers.size} atoms need [frames, {numbers.size}, 3]"
        )
    titles = numbered(path.stem, len(positions))
    return [
        Molecule(file_name(title), numbers.ravel(), frame, 0, f"{path.name}[{i}]", None, i)
        for i, (title, frame) in enumerate(zip(titles, positions, strict=True))
    ]


_TEXT: dict[str, Reader] = {
    ".xyz": _read_xyz,
    ".extxyz": _read_xyz,
    ".sdf": _read_sdf,
    ".smi": lambda text, name: read_smiles_list(text),
    ".csv": read_qm9pack,
}
