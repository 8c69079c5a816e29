"""Molecules from SMILES strings, and from RDKit's own molecules."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
from rdkit import Chem, rdBase
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers

from graphlearn.base.errors import InputError
from graphlearn.base.file_names import file_name
from graphlearn.base.limits import check_atoms
from tdddft.molecules.sources.entry import Entry
from tdddft.molecules.sources.stated import Stated

EMBEDDING_SEED = 7
LONGEST = 5000  # characters


def of_smiles(smiles: str, name: str | None = None) -> Entry:
    """One conformer: ETKDGv3 with a fixed seed, relaxed with MMFF94 where it has the parameters.

    Without a name the molecule is called as :func:`smiles_name` says.

    Args:
        smiles: SMILES string.
        name: Name of the molecule; by default made from the string.

    Returns:
        What is known of the molecule, with its conformer.

    Raises:
        InputError: if RDKit cannot read the string, or finds no conformer.
    """
    shown = smiles if len(smiles) < 80 else f"{smiles[:77]}..."
    if len(smiles) > LONGEST:
        raise InputError(f"smiles:{shown}: {len(smiles)} characters are too many; give a geometry file instead")
    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(smiles)
        if mol is None or not mol.GetNumAtoms():
            raise InputError(f"smiles:{shown}: RDKit cannot read this SMILES string")
        mol = Chem.AddHs(mol)
        check_atoms(mol.GetNumAtoms(), f"smiles:{shown}")
        parameters: Any = rdDistGeom.ETKDGv3()
        parameters.randomSeed = EMBEDDING_SEED
        if rdDistGeom.EmbedMolecule(mol, parameters) != 0:
            raise InputError(f"smiles:{shown}: RDKit finds no 3D conformer; give a geometry file instead")
        relaxed = rdForceFieldHelpers.MMFFOptimizeMolecule(mol, maxIters=2000) == 0
    source = f"smiles:{smiles} (RDKit ETKDGv3{' + MMFF94' if relaxed else ''})"
    return of_rdkit(mol, name or smiles_name(smiles), source)


def smiles_name(smiles: str) -> str:
    """File name of a SMILES string; aromatic ones carry a hash, for file systems that take ``c1ccccc1`` and
    ``C1CCCCC1`` for one name.
    """
    return file_name(smiles, hashed=re.search("[a-z]", re.sub("Cl|Br", "", smiles)) is not None)


def read_smiles(text: str, name: str, stem: str) -> Iterator[Entry]:
    """A ``.smi`` file: a SMILES string and perhaps a name on each line.

    Args:
        text: Content of the file.
        name: Name of the file, for messages and the source of each molecule.
        stem: Name of the molecules, numbered where there are several.

    Yields:
        What the file says of each molecule, in its order.
    """
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            fields = line.split()
            yield of_smiles(fields[0], fields[1] if len(fields) > 1 else None)


def of_rdkit(mol: Any, name: str, source: str, index: int | None = None, stated: Stated | None = None) -> Entry:
    """The first conformer of an RDKit molecule, with its SMILES string where RDKit understands the bonds.

    Args:
        mol: RDKit's molecule with a conformer.
        name: Name of the molecule.
        source: File and place in it.
        index: Position in the source.
        stated: What the source says of charge and spin; by default the formal charge.

    Returns:
        What is known of the molecule.
    """
    numbers = np.array([atom.GetAtomicNum() for atom in mol.GetAtoms()])
    positions = np.array(mol.GetConformer().GetPositions())
    with rdBase.BlockLogs():
        try:
            Chem.SanitizeMol(mol)
            smiles = Chem.MolToSmiles(Chem.RemoveHs(mol))
        except ValueError:  # RDKit's own exceptions derive from it
            smiles = None
    charge = Chem.GetFormalCharge(mol)
    formal = Stated(charge, f"formal charges, sum {charge}")
    if stated is None and smiles and sum(atom.GetNumRadicalElectrons() for atom in mol.GetAtoms()) == 1:
        stated = Stated(multiplicity=2, spin_words="a radical electron")
    return Entry(name, numbers, positions, source, formal | (stated or Stated()), smiles, index)
