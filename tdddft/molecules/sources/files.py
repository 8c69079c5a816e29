"""Structure files: one reader per suffix, for single files, tar archives and folders.

Formats are told from names alone, and every one is in the two tables below; none is left to a library's guess.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePosixPath

from graphlearn.base.errors import InputError
from graphlearn.base.unpacking import read_unpacked, tar_members, unpack
from tdddft.molecules.molecule import Molecule
from tdddft.molecules.sources.arrays import read_npz
from tdddft.molecules.sources.ase_trajectory import read_ase_trajectory
from tdddft.molecules.sources.entry import Entry, molecules_of
from tdddft.molecules.sources.pdb import read_pdb
from tdddft.molecules.sources.program_inputs import read_coord, read_gaussian
from tdddft.molecules.sources.qm9 import is_native, read_native, read_qm9pack
from tdddft.molecules.sources.sdf import read_sdf
from tdddft.molecules.sources.smiles import read_smiles
from tdddft.molecules.sources.stated import Charges
from tdddft.molecules.sources.xyz import read_xyz

PACKED = (".xz", ".gz", ".bz2")
ARCHIVES = (".tar", ".tgz", ".tbz2", ".txz")
UNCHARACTERIZED = "uncharacterized.txt"
_IN_FOLDERS = (".xyz", ".extxyz", ".sdf", ".smi", ".npz")
_PERIODIC = (".cif", ".vasp", ".poscar", ".contcar", ".xsf", ".res", ".cell")


def read_path(path: Path, charges: Charges = None, multiplicities: Charges = None) -> list[Molecule]:
    """Molecules of a file, an archive or a folder.

    Of several molecules those of odd electrons and unknown multiplicity are left out, with a warning.

    Args:
        path: The file.
        charges: Charge of all molecules, or by name, where the files do not state it.
        multiplicities: Likewise.

    Returns:
        The molecules, in the order of the files.

    Raises:
        InputError: where it holds none, or one that cannot be read.
    """
    listed: set[int | None] = set()
    try:
        if path.is_dir():
            files = ((f.name, read_unpacked(f)) for f in sorted(path.iterdir()) if f.is_file() and _is_wanted(f.name))
            listed = _uncharacterized(path / UNCHARACTERIZED)
        elif _suffix(path.name) in ARCHIVES:
            members = tar_members(path, _is_wanted)
            files = ((PurePosixPath(member).name, unpack(data, f"{path}: {member}")) for member, data in members)
        else:
            _reader(path)
            files = ((path.name, read_unpacked(path)) for _ in range(1))
            listed = _uncharacterized(path.with_name(UNCHARACTERIZED))
        entries = (entry for name, data in files for entry in _read(name, data))
        molecules = [m for m in molecules_of(entries, charges, multiplicities) if m.index not in listed]
    except OSError as error:
        raise InputError(f"{path}: not readable ({error.strerror or error})") from None
    if not molecules:
        raise InputError(f"{path}: holds no molecule")
    return molecules


def _read(name: str, data: bytes) -> Iterable[Entry]:
    stem, suffix = _stem(name), _suffix(name)
    if suffix in _BINARY:
        return _BINARY[suffix](data, name, stem)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{name}: not readable as UTF-8 text ({error.reason}, byte {error.start}); save it as that"
        ) from None
    return _TEXT[suffix](text, name, stem)


def _read_xyz(text: str, name: str, stem: str) -> Iterator[Entry]:
    if is_native(text):
        yield read_native(text, name)
    else:
        yield from read_xyz(text, name, stem)


_TEXT: dict[str, Callable[[str, str, str], Iterator[Entry]]] = {
    ".xyz": _read_xyz, ".extxyz": _read_xyz, ".sdf": read_sdf, ".mol": read_sdf, ".smi": read_smiles,
    ".csv": read_qm9pack, ".pdb": read_pdb, ".gjf": read_gaussian, ".com": read_gaussian, ".coord": read_coord,
}  # fmt: skip
_BINARY: dict[str, Callable[[bytes, str, str], Iterator[Entry]]] = {".npz": read_npz, ".traj": read_ase_trajectory}


def _reader(path: Path) -> None:
    suffix = _suffix(path.name)
    if suffix in _PERIODIC or path.name.startswith(("POSCAR", "CONTCAR")):
        raise InputError(f"{path}: a periodic cell, and only molecules by themselves are simulated; give an xyz file")
    if suffix not in _TEXT and suffix not in _BINARY:
        raise InputError(
            f"{path}: unknown file type {path.suffix!r}; use one of {', '.join((*_TEXT, *_BINARY, *ARCHIVES))}, "
            "or write it as xyz, with charge=N in the comment line"
        )


def _is_wanted(member: str) -> bool:
    """Whether a file of a folder or an archive is one of molecules; tables are qm9pack's alone."""
    name = PurePosixPath(member).name
    return _suffix(name) in _IN_FOLDERS or (_suffix(name) == ".csv" and name.startswith("qm9_part"))


def _suffix(name: str) -> str:
    if name == "coord":
        return ".coord"
    suffixes = [s.lower() for s in Path(name).suffixes]
    if suffixes and suffixes[-1] in PACKED:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def _stem(name: str) -> str:
    """The name without the suffixes that say how a file is packed and in which format it is."""
    path = Path(name)
    path = path.with_suffix("") if path.suffix.lower() in PACKED else path
    return path.stem


def _uncharacterized(path: Path) -> set[int | None]:
    """gdb numbers that QM9's authors found inconsistent, from the list that they (and PyG) keep beside the file."""
    if not path.is_file():
        return set()
    fields = (line.split() for line in read_unpacked(path).decode("utf-8", "replace").splitlines())
    return {int(f[0]) for f in fields if len(f) > 1 and f[0].isdecimal()}
