"""The G2 neutral test set as ASE distributes it."""

from __future__ import annotations

from ase.collections import g2

from graphlearn.base.errors import InputError
from tdddft.molecules.molecule import Molecule
from tdddft.molecules.sources.entry import Entry
from tdddft.molecules.sources.stated import Charges, Stated, of_magnetic_moments

ELEMENTS = frozenset("HCNOF")


def all_of_g2(charges: Charges = None) -> list[Molecule]:
    """Every closed-shell molecule of H, C, N, O and F, small ones first."""
    molecules = []
    for name in g2.names:
        atoms = g2[name]
        closed_shell = atoms.numbers.sum() % 2 == 0 and not atoms.get_initial_magnetic_moments().any()
        if closed_shell and set(atoms.get_chemical_symbols()) <= ELEMENTS:
            molecules.append(from_g2(name, charges))
    return sorted(molecules, key=lambda m: (len(m.numbers), m.name))


def from_g2(name: str, charges: Charges = None, multiplicities: Charges = None) -> Molecule:
    """One molecule by its name in the set.

    Args:
        name: Name in the set, for example ``H2CO``.
        charges: As for :func:`tdddft.read_molecules`.
        multiplicities: Likewise.

    Returns:
        The molecule, of the multiplicity of the set's magnetic moments.

    Raises:
        InputError: for a name that the set does not have.
    """
    if name not in g2.names:
        raise InputError(
            f"{name!r} is neither a file nor a molecule of ASE's g2 set; give a path, g2:NAME, smiles:STRING, "
            "qm9, md17:NAME or rmd17:NAME"
        )
    atoms = g2[name]
    stated = Stated(0, "g2 holds neutral molecules") | of_magnetic_moments(atoms.get_initial_magnetic_moments())
    return Entry(name, atoms.numbers, atoms.positions, f"g2:{name}", stated).molecule(charges, multiplicities)
