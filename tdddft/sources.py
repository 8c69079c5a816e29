"""Where molecules come from: ASE's g2 set, xyz and extxyz files, SDF files, SMILES strings."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tdddft.errors import InputError
from tdddft.molecule import Molecule

EMBEDDING_SEED = 7


def read_molecules(source: str) -> list[Molecule]:
    """Molecules of one source.

    Args:
        source: ``g2`` (every closed-shell molecule of H, C, N, O, F in ASE's g2 set), ``g2:NAME`` or a bare g2 name,
            ``smiles:STRING``, or the path of an ``.xyz``, ``.extxyz``, ``.sdf`` or ``.smi`` file (``.xz`` and ``.gz``
            too for xyz).

    Raises:
        InputError: for a missing or unreadable file, an unknown name, or a molecule that cannot be propagated.
    """
    kind, colon, rest = source.partition(":")
    if kind == "smiles" and colon:
        return [_from_smiles(rest, rest)]
    if kind == "g2" and colon:
        return [_from_g2(rest)]
    if source == "g2":
        return _all_of_g2()
    path = Path(source)
    if path.is_file():
        return _read_file(path)
    if path.suffix or "/" in source:
        raise InputError(f"no such file: {source}")
    return [_from_g2(source)]


def _read_file(path: Path) -> list[Molecule]:
    suffixes = [s.lower() for s in path.suffixes]
    if suffixes and suffixes[-1] in (".xz", ".gz", ".bz2"):
        suffixes.pop()
    readers: dict[str, Callable[[Path], list[Molecule]]] = {
        ".xyz": _read_xyz, ".extxyz": _read_xyz, ".sdf": _read_sdf, ".smi": _read_smiles,
    }  # fmt: skip
    suffix = suffixes[-1] if suffixes else ""
    if suffix not in readers:
        raise InputError(f"{path}: unknown file type {suffix!r}; use one of {', '.join(readers)}")
    molecules = readers[suffix](path)
    if not molecules:
        raise InputError(f"{path}: holds no molecule")
    return molecules


def _file_name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._+-]+", "_", text).strip("_") or "molecule"


def _from_ase(atoms: Any, name: str, source: str, smiles: str | None = None) -> Molecule:
    charge = atoms.info.get("charge", 0)
    try:
        whole = int(charge)
    except (TypeError, ValueError):
        raise InputError(f"{source}: the charge {charge!r} is not a whole number") from None
    return Molecule(_file_name(name), atoms.numbers, atoms.positions, whole, source, smiles)


def _all_of_g2() -> list[Molecule]:
    from ase.collections import g2

    molecules = []
    for name in g2.names:
        atoms = g2[name]
        closed_shell = atoms.numbers.sum() % 2 == 0 and not atoms.get_initial_magnetic_moments().any()
        if closed_shell and set(atoms.get_chemical_symbols()) <= set("HCNOF"):
            molecules.append(_from_g2(name))
    return sorted(molecules, key=lambda m: (len(m.numbers), m.name))


def _from_g2(name: str) -> Molecule:
    from ase.collections import g2

    if name not in g2.names:
        raise InputError(
            f"{name!r} is neither a file nor a molecule of ASE's g2 set; give a path, g2:NAME or smiles:STRING"
        )
    if g2[name].get_initial_magnetic_moments().any():
        raise InputError(f"g2:{name} has unpaired electrons; only closed shells are propagated")
    return _from_ase(g2[name], name, f"g2:{name}")


def _read_xyz(path: Path) -> list[Molecule]:
    from ase.io import read

    try:
        frames = read(io.StringIO(_text(path)), index=":", format="extxyz")
    except Exception as error:  # ASE's readers raise whatever their parsing runs into
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise InputError(
            f"{path}: not readable as xyz ({reason}); "
            "expected the number of atoms, a comment line, then 'symbol x y z' in angstrom"
        ) from None
    stem = path.name.split(".")[0]
    width = len(str(max(len(frames) - 1, 0)))
    names = [stem if len(frames) == 1 else f"{stem}-{i:0{width}d}" for i in range(len(frames))]
    return [
        _from_ase(atoms, name, f"{path.name}[{i}]") for i, (atoms, name) in enumerate(zip(frames, names, strict=True))
    ]


def _text(path: Path) -> str:
    openers: dict[str, Callable[..., Any]] = {".xz": lzma.open, ".gz": gzip.open, ".bz2": bz2.open}
    with openers.get(path.suffix.lower(), open)(path, "rt") as file:
        return str(file.read())


def _read_sdf(path: Path) -> list[Molecule]:
    from rdkit import Chem

    molecules = []
    supplier = Chem.SDMolSupplier()
    supplier.SetData(_text(path), removeHs=False)
    for index, mol in enumerate(supplier):
        if mol is None or mol.GetNumConformers() == 0 or not mol.GetConformer().Is3D():
            raise InputError(f"{path}: entry {index} is unreadable or has no 3D coordinates")
        if any(atom.GetTotalNumHs() for atom in mol.GetAtoms()):
            raise InputError(f"{path}: entry {index} leaves out hydrogen atoms; write them with coordinates")
        title = mol.GetProp("_Name") if mol.HasProp("_Name") and mol.GetProp("_Name").strip() else ""
        molecules.append(_from_rdkit(mol, title or f"{path.stem}-{index}", f"{path.name}[{index}]"))
    return molecules


def _read_smiles(path: Path) -> list[Molecule]:
    lines = [line.split() for line in _text(path).splitlines() if line.strip() and not line.startswith("#")]
    return [_from_smiles(fields[0], fields[1] if len(fields) > 1 else fields[0]) for fields in lines]


def _from_smiles(smiles: str, name: str) -> Molecule:
    from rdkit import Chem, RDLogger
    from rdkit.Chem import rdDistGeom, rdForceFieldHelpers

    with _Quiet(RDLogger):
        mol = Chem.MolFromSmiles(smiles)
        if mol is None:
            raise InputError(f"smiles:{smiles}: RDKit cannot read this SMILES string")
        mol = Chem.AddHs(mol)
        parameters: Any = rdDistGeom.ETKDGv3()
        parameters.randomSeed = EMBEDDING_SEED
        if rdDistGeom.EmbedMolecule(mol, parameters) != 0:
            raise InputError(f"smiles:{smiles}: RDKit finds no 3D conformer; give a geometry file instead")
        relaxed = rdForceFieldHelpers.MMFFOptimizeMolecule(mol, maxIters=2000) == 0
    return _from_rdkit(mol, name, f"smiles:{smiles} (RDKit ETKDGv3{' + MMFF94' if relaxed else ''})")


class _Quiet:
    def __init__(self, logger: Any) -> None:
        self._logger = logger

    def __enter__(self) -> None:
        self._logger.DisableLog("rdApp.*")

    def __exit__(self, *_: object) -> None:
        self._logger.EnableLog("rdApp.*")


def _from_rdkit(mol: Any, name: str, source: str) -> Molecule:
    from rdkit import Chem

    numbers = np.array([atom.GetAtomicNum() for atom in mol.GetAtoms()])
    positions = np.array(mol.GetConformer().GetPositions())
    smiles = Chem.MolToSmiles(Chem.RemoveHs(mol))
    return Molecule(_file_name(name), numbers, positions, Chem.GetFormalCharge(mol), source, smiles)
