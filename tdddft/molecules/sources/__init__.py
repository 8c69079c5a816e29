"""Where molecules come from: ASE's g2 set, QM9, MD17, structure files, SMILES strings."""

from tdddft.molecules.sources.reading import read_molecules

__all__ = ["read_molecules"]
