"""SDF and MOL files, through RDKit."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rdkit import Chem, rdBase

from graphlearn.base.errors import InputError
from graphlearn.base.limits import check_atoms
from tdddft.molecules.sources.entry import Entry
from tdddft.molecules.sources.smiles import of_rdkit
from tdddft.molecules.sources.stated import of_properties

_GDB_TITLE = re.compile(r"gdb[_ ]?(\d+)")


def read_sdf(text: str, name: str, stem: str) -> Iterator[Entry]:
    """All entries, with their formal charges; a charge among the tags of an entry has to agree.

    Args:
        text: Content of the file.
        name: Name of the file, for messages and the source of each molecule.
        stem: Name of the molecules, numbered where there are several.

    Yields:
        What the file says of each molecule, in its order.

    Raises:
        InputError: for an entry that RDKit cannot read, or that lacks coordinates or hydrogen atoms.
    """
    titles = set()
    supplier = Chem.SDMolSupplier()
    with rdBase.BlockLogs():
        supplier.SetData(text, sanitize=False, removeHs=False)
        for i, mol in enumerate(supplier):
            if mol is None or mol.GetNumConformers() == 0 or not mol.GetConformer().Is3D():
                raise InputError(f"{name}: entry {i} is unreadable or has no 3D coordinates")
            check_atoms(mol.GetNumAtoms(), f"{name}: entry {i}")
            mol.UpdatePropertyCache(strict=False)
            if any(atom.GetTotalNumHs() for atom in mol.GetAtoms()):
                raise InputError(f"{name}: entry {i} leaves out hydrogen atoms; write them with coordinates")
            title = mol.GetProp("_Name").strip() if mol.HasProp("_Name") else ""
            gdb = _GDB_TITLE.fullmatch(title)
            title = f"gdb_{int(gdb[1]):06d}" if gdb else title
            title = f"{stem}-{i}" if not title or title in titles else title
            titles.add(title)
            yield of_rdkit(
                mol, title, f"{name}[{i}]", int(gdb[1]) if gdb else i, of_properties(mol.GetPropsAsDict(False, False))
            )
