"""Molecule, level of theory and converged state out of objects of PySCF."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from dataclasses import replace
from typing import Any

import numpy as np
from pydantic import ValidationError
from pyscf import gto, scf

from graphlearn.base.errors import ConvergenceError, InputError
from tdddft.electronic.method import Method
from tdddft.electronic.scf_solvers import Convergence, flaw_of
from tdddft.molecules.molecule import Molecule
from tdddft.units import BOHR_ANGSTROM

LARGEST_DIFFERENCE_HARTREE = 1e-5


def from_mole(mol: gto.Mole) -> Molecule:
    """The molecule of PySCF's ``Mole``, named by its formula.

    Args:
        mol: PySCF's molecule, built.

    Returns:
        The molecule, in the orientation of the Mole.

    Raises:
        InputError: for one that is not built, a periodic cell, ghosts of no element, Cartesian functions.
    """
    labels = [mol.atom_pure_symbol(i) for i in range(mol.natm)]
    ghosts = tuple(i for i, label in enumerate(labels) if gto.charge(label) == 0)
    numbers = [gto.charge(re.sub(r"^(ghost|x)[-_:]?", "", label, flags=re.IGNORECASE) or "X") for label in labels]
    unusable = (
        (not mol._built, InputError("the Mole is not built; call mol.build()")),
        (
            hasattr(mol, "lattice_vectors"),
            InputError("the Mole is a periodic cell, and only molecules by themselves are simulated"),
        ),
        (mol.cart, InputError("the Mole has Cartesian functions (cart=True); spherical ones are propagated")),
        (0 in numbers, InputError("the Mole holds ghosts of no element; name it, as ghost-O")),
    )
    for applies, error in unusable:
        if applies:
            raise error
    positions = mol.atom_coords() * BOHR_ANGSTROM
    molecule = Molecule(
        "molecule", np.array(numbers), positions, mol.charge, "PySCF Mole", charge_from="Mole.charge",
        multiplicity=mol.spin + 1, ghosts=ghosts,
    )  # fmt: skip
    return replace(molecule, name=molecule.formula)


def method_of_mole(mol: gto.Mole, method: Method | None) -> Method:
    """The level of theory with the basis and the core potentials of a ``Mole``.

    Args:
        mol: PySCF's molecule.
        method: What the Mole does not say; the defaults of :class:`Method` without it.

    Returns:
        The level of theory.

    Raises:
        InputError: for a basis or core potential that is not given by name, and for a ``method`` that contradicts.
    """
    return _combined(_names_of_mole(mol), method, "the Mole")


def method_of_mean_field(mean_field: scf.hf.SCF, method: Method | None) -> Method:
    """The level of theory of a mean field.

    Args:
        mean_field: PySCF's.
        method: What the mean field does not say: grid and precision of the response.

    Returns:
        The level of theory.

    Raises:
        InputError: as :func:`method_of_mole`, and for other than RHF, RKS, UHF and UKS.
    """
    name = type(mean_field).__name__
    if isinstance(mean_field, scf.rohf.ROHF):
        raise InputError(
            f"{name}: orbitals that hold one electron beside pairs (ROHF, ROKS) are not propagated; converge UHF or UKS"
        )
    if not isinstance(mean_field, scf.hf.RHF | scf.uhf.UHF):
        raise InputError(f"{name}: only RHF, RKS, UHF and UKS are propagated")
    found = _names_of_mole(mean_field.mol)
    found |= {
        "functional": getattr(mean_field, "xc", "HF"),
        "density_fitting": getattr(mean_field, "with_df", None) is not None,
        "scf_tolerance_hartree": mean_field.conv_tol,
        "scf_max_cycles": mean_field.max_cycle,
    }
    if hasattr(mean_field, "grids"):
        found["grid_level"] = mean_field.grids.level
    return _combined(found, method, "the mean field")


def adopt(given: scf.hf.SCF, ours: scf.hf.SCF) -> Convergence:
    """Take the converged orbitals of a mean field into another of the same level of theory.

    Args:
        given: The user's, converged.
        ours: As this package makes it; gets the orbitals, the occupied ones first.

    Returns:
        Solver ``given``, the cycles of the given one, and its Fock matrix.

    Raises:
        InputError: if Fock matrix or energy of the two differ by more than 1e-5 hartree at the given density.
        ConvergenceError: if the given one is not converged, or to no ground state.
    """
    if not given.converged:
        raise ConvergenceError("the mean field is not converged; call its kernel(), or pass its Mole")
    if flaw := flaw_of(given):
        raise ConvergenceError(f"the mean field is converged to a state that is no ground state: {flaw}")
    density, difference = given.make_rdm1(), np.inf
    fock = np.asarray(given.get_fock(dm=density))
    if ours.mol.nao == fock.shape[-1]:
        hcore, potential = ours.get_hcore(), ours.get_veff(ours.mol, density)
        energy = abs(ours.energy_tot(density, hcore, potential) - given.e_tot)
        difference = max(float(np.abs(hcore + potential - fock).max()), float(energy))
    if difference > LARGEST_DIFFERENCE_HARTREE:
        raise InputError(
            f"the mean field differs by {difference:.1e} hartree from its level of theory as named: a solvent, a "
            "dispersion correction, relativistic terms, another fitting basis or grid cannot be stored; pass its Mole"
        )
    energies, occupations = np.array(given.mo_energy), np.array(given.mo_occ)
    order = np.lexsort((energies, -occupations))  # of each spin
    ours.set(
        mo_coeff=np.take_along_axis(np.array(given.mo_coeff), order[..., None, :], axis=-1),
        mo_energy=np.take_along_axis(energies, order, axis=-1),
        mo_occ=np.take_along_axis(occupations, order, axis=-1),
        e_tot=given.e_tot,
        converged=True,
    )
    return Convergence("given", int(given.cycles), fock, ("given",))


def _names_of_mole(mol: gto.Mole) -> dict[str, Any]:
    found = {"basis": mol.basis, "pseudopotential": mol.pseudo or None, "ecp": (mol.ecp or None) if mol._ecp else None}
    bases = mol.basis if isinstance(mol.basis, Mapping) else {"default": mol.basis}
    if not all(isinstance(name, str) for name in bases.values()):
        found["basis"] = {symbol: name for symbol, name in bases.items() if isinstance(name, str)}
        found["basis_functions"] = _functions_of_mole(mol, bases.keys() - found["basis"].keys())
    for name in ("pseudopotential", "ecp"):
        value = found[name]
        names = value.values() if isinstance(value, Mapping) else [value]
        if not all(isinstance(n, str | None) for n in names):
            raise InputError(f"the Mole has {name} as numbers, and not by the name of one that PySCF ships")
    return found


def _functions_of_mole(mol: gto.Mole, of_numbers: Set[str]) -> dict[str, Any]:
    """Shells of the elements of a Mole whose basis it has as numbers."""
    elements: dict[str, list[dict[str, Any]]] = {}
    for label, shells in mol._basis.items():
        symbol = gto.mole._std_symbol(label)
        if isinstance(mol.basis, Mapping):
            key = next((key for key in (label, symbol) if key in mol.basis), "default")
            if key not in of_numbers:
                continue
        if label != symbol:
            raise InputError(f"the Mole gives the atom {label} a basis of its own; they are taken by element")
        if any(len(np.shape(row)) != 1 for shell in shells for row in shell[1:]):
            raise InputError(
                "the Mole has a basis with kappa of two-component orbitals, and spherical ones are propagated"
            )
        elements[symbol] = [
            {"l": shell[0], "exponents": [row[0] for row in shell[1:]],
             "coefficients": np.array(shell[1:], dtype=float)[:, 1:].T.tolist()}
            for shell in shells
        ]  # fmt: skip
    return {"source": "PySCF Mole", "elements": elements}


def _combined(found: Mapping[str, Any], method: Method | None, what: str) -> Method:
    """A method with what was found in an object, and for the rest that of ``method``."""
    given = {} if method is None else {name: getattr(method, name) for name in method.model_fields_set}
    for name in given.keys() & found.keys():
        if given[name] != found[name]:
            raise InputError(f"method.{name} is {given[name]!r}, that of {what} {found[name]!r}; leave it out")
    try:
        return Method.model_validate({**given, **found})
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(f"{what}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
