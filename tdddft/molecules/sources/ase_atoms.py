"""Molecules from ASE's ``Atoms``, and from the same arrays in ASE's files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from graphlearn.base.errors import InputError
from graphlearn.base.limits import check_atoms
from tdddft.molecules.sources.entry import Entry
from tdddft.molecules.sources.stated import of_initial_charges, of_magnetic_moments, of_properties, together

if TYPE_CHECKING:
    from ase import Atoms

    from tdddft.molecules.molecule import Molecule


def from_atoms(atoms: Atoms) -> Molecule:
    """The molecule of ASE's ``Atoms``.

    Its charge is ``atoms.info["charge"]`` or the sum of the initial charges, 0 without either; its multiplicity is
    ``atoms.info["multiplicity"]`` or 1 + the sum of the initial magnetic moments; its name is the formula.

    Args:
        atoms: ASE's object.

    Returns:
        The molecule.

    Raises:
        InputError: for anything else than Atoms, a periodic cell, and charges or magnetic moments that do not add up to
            a whole number.
    """
    if not hasattr(atoms, "get_chemical_formula"):
        raise InputError(
            f"{str(atoms)[:60]} is no molecule: give a name, a file, a Molecule, or an object of ASE, PySCF or RDKit"
        )
    entry = entry_of_arrays(atoms.arrays, atoms.info, bool(np.any(atoms.pbc)), "molecule", "ASE Atoms")
    molecule = entry.molecule()
    return replace(molecule, name=molecule.formula)


def entry_of_arrays(
    arrays: Mapping[str, np.ndarray],
    info: Mapping[str, Any],
    periodic: bool,
    title: str,
    where: str,
    index: int | None = None,
) -> Entry:
    """One molecule by the arrays of ``Atoms``.

    Args:
        arrays: ``numbers`` [N], ``positions`` [N, 3] in angstrom and, if there are any, ``initial_charges`` and
            ``initial_magmoms`` [N].
        info: Named values that may state charge and multiplicity.
        periodic: Whether the cell is periodic in any direction.
        title: Name of the molecule.
        where: Source, for messages.
        index: Position in the source.

    Returns:
        What the arrays say of the molecule.

    Raises:
        InputError: for a periodic cell and too many atoms.
    """
    check_atoms(len(arrays["numbers"]), where)
    if periodic:
        raise InputError(f"{where}: the cell is periodic, and only molecules by themselves are simulated")
    statements = [of_properties(info)]
    if "initial_charges" in arrays:
        statements.append(of_initial_charges(arrays["initial_charges"]))
    if "initial_magmoms" in arrays:
        statements.append(of_magnetic_moments(arrays["initial_magmoms"]))
    return Entry(title, arrays["numbers"], arrays["positions"], where, together(statements), None, index)
