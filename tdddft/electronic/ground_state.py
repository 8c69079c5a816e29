"""The ground state that a propagation starts from: PySCF's restricted Kohn-Sham or Hartree-Fock."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pyscf import df, dft, gto, scf
from pyscf.lib.exceptions import BasisNotFoundError

from graphlearn.base.errors import ConvergenceError, InputError
from tdddft.electronic.core_potentials import core_potentials
from tdddft.electronic.functionals import check_functional
from tdddft.electronic.method import Method
from tdddft.electronic.method_names import (
    INITIAL_GUESS,
    fitting_names,
    names_by_element,
    refuse_files_of_these_names,
)
from tdddft.electronic.scf_solvers import solve_scf
from tdddft.molecules.molecule import Molecule
from tdddft.molecules.sources import read_molecules
from tdddft.units import BOHR_ANGSTROM


@dataclass(frozen=True, eq=False)
class GroundState:
    """A converged closed-shell ground state.

    Shapes: A atomic orbitals, M molecular orbitals (M < A where the basis is nearly linearly dependent).

    Args:
        molecule: The molecule.
        method: Level of theory.
        mol: PySCF's molecule, for integrals and grids.
        mean_field: PySCF's converged mean field.
        overlap: float64 [A, A].
        dipole_ao_au: Position matrices relative to ``origin_au``, float64 [3, A, A], bohr.
        origin_au: Centre of nuclear charge, float64 [3], bohr.
        fock_hartree: float64 [A, A].
        orbitals: Molecular orbitals, columns, float64 [A, M]; the largest entry of each is positive.
        energies_hartree: Orbital energies, float64 [M].
        num_occupied: Doubly occupied orbitals.
        energy_hartree: Total energy.
        scf_solver: Solver that converged it, see :func:`tdddft.electronic.scf_solvers.solve_scf`.
        scf_cycles: Diagonalisations by that solver.
    """

    molecule: Molecule
    method: Method
    mol: Any
    mean_field: Any
    overlap: np.ndarray
    dipole_ao_au: np.ndarray
    origin_au: np.ndarray
    fock_hartree: np.ndarray
    orbitals: np.ndarray
    energies_hartree: np.ndarray
    num_occupied: int
    energy_hartree: float
    scf_solver: str
    scf_cycles: int

    @property
    def occupations(self) -> np.ndarray:
        """Electrons per occupied orbital, float64 [S]."""
        return np.full(self.num_occupied, 2.0)

    @property
    def nuclear_dipole_au(self) -> np.ndarray:
        """Dipole of the nuclei (of the ions, with a pseudopotential) relative to the origin, float64 [3]."""
        return self.mol.atom_charges() @ (self.mol.atom_coords() - self.origin_au)

    def facts(self) -> dict[str, Any]:
        """What a trajectory file says about the ground state."""
        fitting = getattr(self.mean_field, "with_df", None)
        return {
            "auxiliary_functions": fitting.get_naoaux() if fitting is not None else 0,
            "energy_hartree": self.energy_hartree,
            "converged": True,
            "ion_charges": self.mol.atom_charges().tolist(),
            "nuclear_dipole_au": self.nuclear_dipole_au.tolist(),
            "scf_solver": self.scf_solver,
            "scf_cycles": self.scf_cycles,
            "dropped_by_linear_dependence": len(self.overlap) - len(self.energies_hartree),
            "linear_dependence_threshold": getattr(scf.hf, "overlap_zero_eigenvalue_threshold", None),
        }


def ground_state(molecule: Molecule | str | Path, method: Method | None = None) -> GroundState:
    r"""Solve :math:`F C = S C \varepsilon` self-consistently.

    Args:
        molecule: A molecule, or anything that :func:`tdddft.read_molecules` takes and that holds exactly one.
        method: Level of theory; PBE / GTH-DZVP / GTH-PBE by default.

    Raises:
        InputError: for a basis, pseudopotential or functional that PySCF does not have for an element.
        ConvergenceError: if the self-consistent field does not converge, or not to a state whose lowest orbitals are
            occupied.
    """
    method = method or Method()
    if not isinstance(molecule, Molecule):
        molecules = read_molecules(str(molecule))
        if len(molecules) != 1:
            raise InputError(f"{molecule}: holds {len(molecules)} molecules; pass one Molecule of read_molecules(...)")
        molecule = molecules[0]
    mol = build_mol(molecule, method)
    mean_field = _mean_field(mol, method)
    with warnings.catch_warnings():
        # Of GTH projectors; the number that PySCF assumes for want of an entry in its table, one component, is right.
        warnings.filterwarnings("ignore", message=r"Function int1e_r[24]_origi_sph not found")
        found = solve_scf(mean_field)
    if found.flaw and found.solver is None:
        raise ConvergenceError(
            f"{molecule.name}: SCF converges to a state that is no ground state: {found.flaw} "
            f"({method.functional}/{method.basis}; tried {', '.join(found.tried)}). One closed-shell determinant may "
            "not describe this molecule (a stretched bond, unpaired electrons); check its geometry, or try "
            "--set method.functional=HF"
        )
    if found.solver is None or found.fock_hartree is None:
        raise ConvergenceError(
            f"{molecule.name}: SCF not converged in {method.scf_max_cycles} cycles "
            f"({method.functional}/{method.basis}; tried {', '.join(found.tried)}); "
            "raise method.scf_max_cycles, or check the geometry and charge"
        )
    charges, positions = mol.atom_charges(), mol.atom_coords()
    origin = charges @ positions / charges.sum()
    with mol.with_common_orig(origin):
        dipole = mol.intor_symmetric("int1e_r", comp=3)
    orbitals = mean_field.mo_coeff
    orbitals = orbitals * np.sign(orbitals[np.abs(orbitals).argmax(axis=0), np.arange(orbitals.shape[1])])
    return GroundState(
        molecule=molecule,
        method=method,
        mol=mol,
        mean_field=mean_field,
        overlap=mol.intor_symmetric("int1e_ovlp"),
        dipole_ao_au=dipole,
        origin_au=origin,
        fock_hartree=found.fock_hartree,
        orbitals=orbitals,
        energies_hartree=mean_field.mo_energy,
        num_occupied=mol.nelectron // 2,
        energy_hartree=float(mean_field.e_tot),
        scf_solver=found.solver,
        scf_cycles=found.cycles,
    )


def build_mol(molecule: Molecule, method: Method) -> gto.Mole:
    """PySCF's molecule; InputError for unknown names, pairs that do not belong together, and elements without one."""
    pseudopotentials, ecps = core_potentials(molecule.symbols, method)
    bases = names_by_element(method.basis, molecule.symbols)
    mol = gto.Mole(verbose=0, unit="Bohr", charge=molecule.charge, cart=False)
    names = {*bases.values(), *pseudopotentials.values(), *ecps.values(), INITIAL_GUESS}
    refuse_files_of_these_names(names | fitting_names(mol, bases.values()))
    mol.atom = list(zip(molecule.symbols, (molecule.positions_angstrom / BOHR_ANGSTROM).tolist(), strict=True))
    mol.basis = method.basis if isinstance(method.basis, str) else bases
    mol.pseudo = pseudopotentials
    mol.ecp = ecps
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            mol.build(dump_input=False, parse_arg=False)
    except (BasisNotFoundError, KeyError, RuntimeError, OSError) as error:
        raise InputError(
            f"{molecule.name}: basis {method.basis!r} with pseudopotential {method.pseudopotential!r} does not cover "
            f"{', '.join(sorted(set(molecule.symbols)))} ({str(error).splitlines()[0]}); choose another with "
            "--set method.basis=... method.pseudopotential=..."
        ) from None
    if mol.nelectron < 2:
        raise InputError(f"{molecule.name}: {mol.nelectron} electrons are left to propagate; check the charge")
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


def _mean_field(mol: gto.Mole, method: Method) -> Any:
    check_functional(method.functional)
    if method.functional.upper() == "HF":
        mean_field = scf.RHF(mol)
    else:
        mean_field = dft.RKS(mol, xc=method.functional)
        mean_field.grids.level = method.grid_level
    if method.density_fitting:
        mean_field = mean_field.density_fit()
        build_fitting(mean_field.with_df)
    mean_field.chkfile = None
    mean_field.conv_tol = method.scf_tolerance_hartree
    mean_field.conv_tol_grad = max(1e-6, np.sqrt(method.scf_tolerance_hartree) * 0.1)
    mean_field.max_cycle = method.scf_max_cycles
    return mean_field


def build_fitting(fitting: df.DF) -> df.DF:
    """Three-centre integrals, with generated fitting functions where PySCF has none for an element and functional."""
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Basis may be available", UserWarning)  # no need: one is generated
            return fitting.build()
    except BasisNotFoundError:
        fitting.auxbasis = df.aug_etb(fitting.mol)
        return fitting.build()
