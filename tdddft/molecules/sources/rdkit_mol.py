"""Molecules from RDKit's ``Mol``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from graphlearn.base.errors import InputError
from graphlearn.base.limits import check_atoms
from tdddft.molecules.sources.stated import Stated

if TYPE_CHECKING:
    from tdddft.molecules.molecule import Molecule


def is_rdkit(given: object) -> bool:
    """Whether an object is RDKit's ``Mol``; RDKit is not loaded for it."""
    return type(given).__module__.startswith("rdkit.") and hasattr(given, "GetConformers")


def from_rdkit(mol: Any) -> Molecule:
    """The molecule of RDKit's ``Mol`` and its conformer.

    Its charge is the sum of the formal charges; its name is the formula.

    Args:
        mol: RDKit's object, with all hydrogens and one conformer in three dimensions.

    Returns:
        The molecule.

    Raises:
        InputError: without a conformer, with several or a drawing in two dimensions, for implicit hydrogens, and for
            atoms that are none, or of several radical electrons.
    """
    from rdkit import Chem

    from tdddft.molecules.sources.smiles import of_rdkit

    check_atoms(mol.GetNumAtoms(), "RDKit Mol")
    conformers = list(mol.GetConformers())
    mol.UpdatePropertyCache(strict=False)
    implicit = sum(atom.GetTotalNumHs() for atom in mol.GetAtoms())
    radicals = sum(atom.GetNumRadicalElectrons() for atom in mol.GetAtoms())
    unusable = (
        (
            not conformers,
            "the RDKit Mol has no conformer; make one with Chem.AddHs and rdDistGeom.EmbedMolecule",
        ),
        (
            len(conformers) > 1,
            f"the RDKit Mol has {len(conformers)} conformers; pass Chem.Mol(mol, confId=N), one at a time",
        ),
        (
            any(not conformer.Is3D() for conformer in conformers),
            "the conformer of the RDKit Mol is a drawing in two dimensions; embed it with rdDistGeom.EmbedMolecule",
        ),
        (implicit > 0, f"the RDKit Mol leaves out {implicit} hydrogens; add them with Chem.AddHs(mol, addCoords=True)"),
        (any(a.GetAtomicNum() == 0 for a in mol.GetAtoms()), "the RDKit Mol holds atoms without an element"),
    )
    for applies, why in unusable:
        if applies:
            raise InputError(why)
    stated = None
    if radicals == 1:
        stated = Stated(multiplicity=2, spin_words="a radical electron")
    elif radicals:
        stated = Stated(unclear_spin=f"{radicals} radical electrons may be parallel or not")
    molecule = of_rdkit(Chem.Mol(mol), "molecule", "RDKit Mol", stated=stated).molecule()
    return replace(molecule, name=molecule.formula)
