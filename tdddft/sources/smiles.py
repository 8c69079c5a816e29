"""Molecules from SMILES strings, and from RDKit's own molecules."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from rdkit import Chem, rdBase
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers

from tdddft.errors import InputError
from tdddft.file_names import file_name
from tdddft.molecule import Molecule

EMBEDDING_SEED = 7


def from_smiles(smiles: str, name: str | None = None) -> Molecule:
    """One conformer: ETKDGv3 with a fixed seed, relaxed with MMFF94 where it has the parameters."""
    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(smiles)
        if mol is None:
            raise InputError(f"smiles:{smiles}: RDKit cannot read this SMILES string")
        mol = Chem.AddHs(mol)
        parameters: Any = rdDistGeom.ETKDGv3()
        parameters.randomSeed = EMBEDDING_SEED
        if rdDistGeom.EmbedMolecule(mol, parameters) != 0:
            raise InputError(f"smiles:{smiles}: RDKit finds no 3D conformer; give a geometry file instead")
        relaxed = rdForceFieldHelpers.MMFFOptimizeMolecule(mol, maxIters=2000) == 0
    return from_rdkit(mol, name or smiles, f"smiles:{smiles} (RDKit ETKDGv3{' + MMFF94' if relaxed else ''})")


def smiles_makers(text: str) -> list[Callable[[], Molecule]]:
    """A ``.smi`` file, a SMILES string and perhaps a name on each line: one function a molecule that makes it."""
    lines = [line.split() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [partial(from_smiles, fields[0], fields[1] if len(fields) > 1 else None) for fields in lines]


def from_rdkit(mol: Any, name: str, source: str, index: int | None = None) -> Molecule:
    """The first conformer of an RDKit molecule, with its SMILES string where RDKit understands the bonds."""
    numbers = np.array([atom.GetAtomicNum() for atom in mol.GetAtoms()])
    positions = np.array(mol.GetConformer().GetPositions())
    with rdBase.BlockLogs():
        try:
            Chem.SanitizeMol(mol)
            smiles = Chem.MolToSmiles(Chem.RemoveHs(mol))
        except ValueError:  # RDKit's own exceptions derive from it
            smiles = None
    return Molecule(file_name(name), numbers, positions, Chem.GetFormalCharge(mol), source, smiles, index)
