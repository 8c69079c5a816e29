"""Structure files: one reader a suffix, for single files, tar archives and folders."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import tarfile
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rdkit import Chem, rdBase

from tdddft.errors import InputError, OpenShellError
from tdddft.file_names import file_name, numbered
from tdddft.molecule import Molecule
from tdddft.sources.qm9 import is_native, qm9pack_makers, read_native
from tdddft.sources.smiles import from_rdkit, smiles_makers

UNPACK: dict[str, Callable[[bytes], bytes]] = {
    ".xz": lzma.decompress, ".gz": gzip.decompress, ".bz2": bz2.decompress,
}  # fmt: skip
UNCHARACTERIZED = "uncharacterized.txt"
_GDB_TITLE = re.compile(r"gdb[_ ]?(\d+)")
Maker = Callable[[], Molecule]
Reader = Callable[[str, str], Iterable[Maker]]


def read_path(path: Path) -> list[Molecule]:
    """Molecules of a file, an archive or a folder; InputError where it holds none.

    Of several molecules those with unpaired electrons are left out, with a warning that names the first.
    """
    listed: set[int | None] = set()
    try:
        if path.is_dir():
            files = [(f.name, f.read_bytes()) for f in sorted(path.iterdir()) if f.is_file() and _is_wanted(f.name)]
            listed = _uncharacterized(path / UNCHARACTERIZED)
        elif ".tar" in path.suffixes or path.suffix.lower() in (".tgz", ".tbz2", ".txz"):
            files = list(_members(path))
        elif _suffix(path.name) in (*_TEXT, ".npz"):
            files = [(path.name, path.read_bytes())]
            listed = _uncharacterized(path.with_name(UNCHARACTERIZED))
        else:
            return _closed_shells(_read_with_ase(path))
        molecules = _closed_shells(make for name, data in files for make in _read(name, data))
    except (OSError, EOFError, lzma.LZMAError, zlib.error, UnicodeDecodeError, tarfile.TarError) as error:
        raise InputError(f"{path}: not readable ({error})") from None
    molecules = [m for m in molecules if m.index not in listed]
    if not molecules:
        raise InputError(f"{path}: holds no molecule")
    return molecules


def _is_wanted(name: str) -> bool:
    """Whether a file of a folder or an archive is one of molecules; tables are qm9pack's alone."""
    suffix = _suffix(name)
    return suffix in (*_TEXT, ".npz") and (suffix != ".csv" or name.startswith("qm9_part"))


def _members(path: Path) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(path) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isfile() and _is_wanted(Path(member.name).name) else None
            if file is not None:
                yield Path(member.name).name, file.read()


def _read(name: str, data: bytes) -> Iterable[Maker]:
    unpack = UNPACK.get(Path(name).suffix.lower())
    data = unpack(data) if unpack else data
    suffix = _suffix(name)
    return _read_npz(data, name) if suffix == ".npz" else _TEXT[suffix](data.decode(), name)


def _closed_shells(makers: Iterable[Maker]) -> list[Molecule]:
    molecules, open_shells = [], []
    for make in makers:
        try:
            molecules.append(make())
        except OpenShellError as error:
            open_shells.append(error)
    if open_shells and not molecules:
        raise open_shells[0]
    if open_shells:
        warnings.warn(f"left out {len(open_shells)} with unpaired electrons; the first: {open_shells[0]}", stacklevel=2)
    return molecules


def _suffix(name: str) -> str:
    suffixes = [s.lower() for s in Path(name).suffixes]
    if suffixes and suffixes[-1] in UNPACK:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def _read_xyz(text: str, name: str) -> Iterable[Maker]:
    from ase.io import read

    if is_native(text):
        return [partial(read_native, text, name)]
    try:
        frames = read(io.StringIO(text), index=":", format="extxyz")
    except Exception as error:  # ASE's readers raise whatever their parsing runs into
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise InputError(
            f"{name}: not readable as xyz ({reason}); "
            "expected the number of atoms, a comment line, then 'symbol x y z' in angstrom"
        ) from None
    return _from_ase(frames, name)


def _from_ase(frames: list[Any], name: str) -> Iterable[Maker]:
    titles = numbered(name.split(".")[0], len(frames))
    return [partial(_of_atoms, a, title, name, i) for i, (a, title) in enumerate(zip(frames, titles, strict=True))]


def _of_atoms(atoms: Any, title: str, name: str, index: int) -> Molecule:
    charge, where = atoms.info.get("charge", 0), f"{name}[{index}]"
    try:
        whole = int(charge)
    except (TypeError, ValueError):
        raise InputError(f"{where}: the charge {charge!r} is not a whole number") from None
    return Molecule(file_name(title), atoms.numbers, atoms.positions, whole, where, None, index)


def _read_with_ase(path: Path) -> Iterable[Maker]:
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


def _read_sdf(text: str, name: str) -> Iterable[Maker]:
    makers: list[Maker] = []
    titles = set()
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
            makers.append(partial(from_rdkit, mol, title, f"{name}[{i}]", int(gdb[1]) if gdb else i))
    return makers


def _uncharacterized(path: Path) -> set[int | None]:
    """gdb numbers that QM9's authors found inconsistent, from the list that they (and PyG) keep beside the file."""
    if not path.is_file():
        return set()
    fields = (line.split() for line in path.read_text().splitlines())
    return {int(f[0]) for f in fields if len(f) > 1 and f[0].isdigit()}


def _read_npz(data: bytes, name: str) -> Iterable[Maker]:
    """MD17 (``R``, ``z``) and rMD17 (``coords``, ``nuclear_charges``); nothing is unpickled."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            names = ("coords", "nuclear_charges") if "coords" in arrays else ("R", "z")
            positions, numbers = (np.asarray(arrays[n]) for n in names)
    except (KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{name}: not an npz file of MD17 (arrays R, z) or rMD17 (coords, nuclear_charges): {error}"
        ) from None
    if positions.ndim != 3 or positions.shape[1:] != (numbers.size, 3):
        raise InputError(
            f"{name}: positions have shape {positions.shape}, {numbers.size} atoms need [frames, {numbers.size}, 3]"
        )
    titles = numbered(file_name(Path(name).stem), len(positions))
    return [
        partial(Molecule, title, numbers.ravel(), frame, 0, f"{name}[{i}]", None, i)
        for i, (title, frame) in enumerate(zip(titles, positions, strict=True))
    ]


_TEXT: dict[str, Reader] = {
    ".xyz": _read_xyz,
    ".extxyz": _read_xyz,
    ".sdf": _read_sdf,
    ".smi": lambda text, name: smiles_makers(text),
    ".csv": qm9pack_makers,
}
