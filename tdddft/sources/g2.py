"""The G2 neutral test set as ASE distributes it."""

from __future__ import annotations

from ase.collections import g2

from tdddft.errors import InputError
from tdddft.file_names import file_name
from tdddft.molecule import Molecule

ELEMENTS = frozenset("HCNOF")


def all_of_g2() -> list[Molecule]:
    """Every closed-shell molecule of H, C, N, O and F, small ones first."""
    molecules = []
    for name in g2.names:
        atoms = g2[name]
        closed_shell = atoms.numbers.sum() % 2 == 0 and not atoms.get_initial_magnetic_moments().any()
        if closed_shell and set(atoms.get_chemical_symbols()) <= ELEMENTS:
            molecules.append(from_g2(name))
    return sorted(molecules, key=lambda m: (len(m.numbers), m.name))


def from_g2(name: str) -> Molecule:
    """One molecule by its name in the set."""
    if name not in g2.names:
        raise InputError(
            f"{name!r} is neither a file nor a molecule of ASE's g2 set; give a path, g2:NAME, smiles:STRING, "
            "qm9, md17:NAME or rmd17:NAME"
        )
    atoms = g2[name]
    if atoms.get_initial_magnetic_moments().any():
        raise InputError(f"g2:{name} has unpaired electrons; only closed shells are propagated")
    return Molecule(file_name(name), atoms.numbers, atoms.positions, 0, f"g2:{name}")
