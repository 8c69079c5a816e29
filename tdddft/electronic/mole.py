"""PySCF's molecule and mean field of a molecule and a level of theory."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from pyscf import df, dft, gto, scf
from pyscf.lib.exceptions import BasisNotFoundError

from graphlearn.base.errors import InputError, first_line
from tdddft.electronic.core_potentials import core_potentials
from tdddft.electronic.functionals.semilocal import check_functional
from tdddft.electronic.method import Method
from tdddft.electronic.method_names import (
    INITIAL_GUESS,
    fitting_names,
    names_by_element,
    refuse_files_of_these_names,
)
from tdddft.electronic.solvent import with_solvent
from tdddft.molecules.molecule import Molecule
from tdddft.units import BOHR_ANGSTROM


def build_mol(molecule: Molecule, method: Method) -> gto.Mole:
    """PySCF's molecule.

    Args:
        molecule: Elements, positions, charge and multiplicity.
        method: Its basis and core potentials are used.

    Returns:
        The molecule, built, in bohr and with spherical functions.

    Raises:
        InputError: for unknown names, pairs that do not belong together, and elements that a basis does not cover.
    """
    pseudopotentials, ecps = core_potentials(molecule.symbols, method)
    functions = {} if method.basis_functions is None else method.basis_functions.elements
    bases = {s: n for s, n in names_by_element(method.basis, molecule.symbols).items() if s not in functions}
    shells = {s: [shell.for_pyscf() for shell in functions[s]] for s in set(molecule.symbols) & functions.keys()}
    ghosts = {f"ghost-{s}": {**bases, **shells}[s] for s in {molecule.symbols[i] for i in molecule.ghosts}}
    positions = (molecule.positions_angstrom / BOHR_ANGSTROM).tolist()
    mol = gto.Mole(
        verbose=0, unit="Bohr", charge=molecule.charge, spin=molecule.multiplicity - 1, cart=False,
        atom=list(zip(molecule.labels, positions, strict=True)),
        basis=method.basis if isinstance(method.basis, str) and not shells else {**bases, **shells, **ghosts},
        pseudo=pseudopotentials, ecp=ecps,
    )  # fmt: skip
    names = {*bases.values(), *pseudopotentials.values(), *ecps.values(), INITIAL_GUESS}
    refuse_files_of_these_names(names | fitting_names(mol, bases.values()))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            mol.build(dump_input=False, parse_arg=False)
    except (BasisNotFoundError, KeyError, RuntimeError, OSError) as error:
        raise InputError(
            f"{molecule.name}: basis {method.basis!r} with pseudopotential {method.pseudopotential!r} does not cover "
            f"{', '.join(sorted(set(molecule.symbols)))} ({first_line(error)}); choose another with "
            "--set method.basis=... method.pseudopotential=..."
        ) from None
    if mol.nelectron < molecule.multiplicity - 1 or mol.nelectron < 1:
        raise InputError(f"{molecule.name}: {mol.nelectron} electrons are left to propagate; check the charge")
    if mol.nao < max(mol.nelec):
        raise InputError(f"{molecule.name}: {mol.nao} basis functions are too few for {mol.nelectron} electrons")
    missing = [molecule.symbols[i] for i in range(mol.natm) if len(mol.atom_shell_ids(i)) == 0]
    if missing:
        raise InputError(f"{molecule.name}: basis {method.basis!r} has no functions for {', '.join(set(missing))}")
    return mol


def ao_table(mol: gto.Mole) -> np.ndarray:
    """Atom, l, radial index and m of every atomic orbital, int64 [A, 4].

    m labels real spherical harmonics in PySCF's order: p as x, y, z (m = 1, -1, 0), higher l as m = -l..l.
    """
    rows: list[tuple[int, int, int, int]] = []
    radial: dict[tuple[int, int], int] = {}
    for shell in range(mol.nbas):
        atom, l = mol.bas_atom(shell), mol.bas_angular(shell)
        for _ in range(mol.bas_nctr(shell)):
            index = radial.get((atom, l), 0)
            radial[atom, l] = index + 1
            rows += [(atom, l, index, m) for m in ((1, -1, 0) if l == 1 else range(-l, l + 1))]
    return np.array(rows, dtype=np.int64)


def build_mean_field(mol: gto.Mole, method: Method, *, unrestricted: bool = False) -> Any:
    """PySCF's mean field, not yet solved; its fitting integrals are.

    Args:
        mol: Of :func:`build_mol`.
        method: Level of theory and thresholds.
        unrestricted: Orbitals of their own for alpha and beta electrons, also where none is unpaired.

    Returns:
        RHF or RKS, for unpaired electrons UHF or UKS, density-fitted if the method says so, in the field of its solvent
        if it names one.

    Raises:
        InputError: for a functional that cannot be propagated.
    """
    check_functional(method.functional)
    unrestricted = unrestricted or mol.spin > 0
    if method.functional.upper() == "HF":
        # The class and not scf.UHF, which leaves Coulomb and exchange matrices out where there is one electron.
        mean_field = scf.uhf.UHF(mol) if unrestricted else scf.RHF(mol)
    else:
        mean_field = dft.UKS(mol, xc=method.functional) if unrestricted else dft.RKS(mol, xc=method.functional)
        mean_field.grids.level = method.grid_level
    if method.density_fitting:
        mean_field = mean_field.density_fit()
        build_fitting(mean_field.with_df)
    return with_solvent(mean_field, method).set(
        chkfile=None,
        conv_tol=method.scf_tolerance_hartree,
        conv_tol_grad=max(1e-6, np.sqrt(method.scf_tolerance_hartree) * 0.1),
        max_cycle=method.scf_max_cycles,
    )


def build_fitting(fitting: df.DF) -> df.DF:
    """Three-centre integrals, with generated fitting functions where PySCF has none for an element and functional."""
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Basis may be available", UserWarning)  # no need: one is generated
            return fitting.build()
    except BasisNotFoundError:
        fitting.auxbasis = df.aug_etb(fitting.mol)
        return fitting.build()
