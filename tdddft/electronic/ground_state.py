"""The ground state that a propagation starts from: PySCF's Kohn-Sham or Hartree-Fock, restricted or unrestricted."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pyscf import gto, scf

from graphlearn.base.errors import ConvergenceError, InputError, OpenShellError
from tdddft.electronic.core_potentials import check_used, method_of
from tdddft.electronic.method import Method
from tdddft.electronic.mole import build_mean_field, build_mol
from tdddft.electronic.pyscf_objects import adopt, from_mole, method_of_mean_field, method_of_mole
from tdddft.electronic.scf_solvers import Convergence, solve_scf
from tdddft.electronic.solvent import describe_solvent
from tdddft.molecules.molecule import Molecule
from tdddft.molecules.sources import read_molecules
from tdddft.molecules.sources.ase_atoms import from_atoms
from tdddft.molecules.sources.rdkit_mol import from_rdkit, is_rdkit

if TYPE_CHECKING:
    from ase import Atoms
    from rdkit.Chem import Mol


@dataclass(frozen=True, eq=False)
class SpinChannel:
    """The orbitals of one spin, or those of a closed shell, which both spins share.

    Args:
        fock_hartree: float64 [A, A].
        orbitals: Molecular orbitals, columns, float64 [A, M]; the largest entry of each is positive.
        energies_hartree: Orbital energies, float64 [M].
        num_occupied: Occupied orbitals, the first ones.
        occupation: Electrons in each of them: 2 for a closed shell, else 1.
    """

    fock_hartree: np.ndarray
    orbitals: np.ndarray
    energies_hartree: np.ndarray
    num_occupied: int
    occupation: float

    @property
    def occupied(self) -> np.ndarray:
        """Occupied orbitals, columns, float64 [A, S]."""
        return self.orbitals[:, : self.num_occupied]

    @property
    def density_matrix(self) -> np.ndarray:
        """Density matrix of the electrons of this channel, float64 [A, A]."""
        return np.asarray(self.occupation * self.occupied @ self.occupied.T)


@dataclass(frozen=True, eq=False)
class GroundState:
    """A converged ground state: of a closed shell by one channel, of an open one by alpha and beta.

    Shapes: A atomic orbitals, M molecular orbitals (M < A where the basis is nearly linearly dependent). The orbitals
    of a closed shell are read from the state itself (``orbitals``, ``energies_hartree``, ``num_occupied``,
    ``fock_hartree``); of an open shell only :attr:`channels` has them.

    Args:
        molecule: The molecule.
        method: Level of theory.
        mol: PySCF's molecule, for integrals and grids.
        mean_field: PySCF's converged mean field.
        overlap: float64 [A, A].
        dipole_ao_au: Position matrices relative to ``origin_au``, float64 [3, A, A], bohr.
        origin_au: Centre of nuclear charge, float64 [3], bohr.
        channels: Orbitals of both spins together, or of alpha and beta.
        energy_hartree: Total energy.
        scf_solver: Solver that converged it, see :func:`tdddft.electronic.scf_solvers.solve_scf`; ``given`` for a
            mean field that was converged before.
        scf_cycles: Diagonalisations by that solver.
    """

    molecule: Molecule
    method: Method
    mol: Any
    mean_field: Any
    overlap: np.ndarray
    dipole_ao_au: np.ndarray
    origin_au: np.ndarray
    channels: tuple[SpinChannel, ...]
    energy_hartree: float
    scf_solver: str
    scf_cycles: int

    @property
    def occupations(self) -> np.ndarray:
        """Electrons per occupied orbital, alpha before beta, float64 [S]."""
        return np.concatenate([np.full(c.num_occupied, c.occupation) for c in self.channels])

    @property
    def num_pairs(self) -> int:
        """Pairs of an occupied and a virtual orbital, of all channels."""
        return sum(c.num_occupied * (len(c.energies_hartree) - c.num_occupied) for c in self.channels)

    @property
    def open_shell(self) -> bool:
        """Whether alpha and beta electrons have orbitals of their own."""
        return len(self.channels) == 2

    @property
    def closed_shell(self) -> SpinChannel:
        """The one channel of a closed shell; OpenShellError for alpha and beta."""
        if self.open_shell:
            raise OpenShellError(
                f"{self.molecule.name}: alpha and beta electrons have orbitals of their own, and what is asked for is "
                "made for closed shells alone"
            )
        return self.channels[0]

    @property
    def fock_hartree(self) -> np.ndarray:
        """Fock matrix of a closed shell, float64 [A, A]."""
        return self.closed_shell.fock_hartree

    @property
    def orbitals(self) -> np.ndarray:
        """Molecular orbitals of a closed shell, columns, float64 [A, M]."""
        return self.closed_shell.orbitals

    @property
    def energies_hartree(self) -> np.ndarray:
        """Orbital energies of a closed shell, float64 [M]."""
        return self.closed_shell.energies_hartree

    @property
    def num_occupied(self) -> int:
        """Doubly occupied orbitals of a closed shell."""
        return self.closed_shell.num_occupied

    @property
    def nuclear_dipole_au(self) -> np.ndarray:
        """Dipole of the nuclei (of the ions, with a pseudopotential) relative to the origin, float64 [3]."""
        return np.asarray(self.mol.atom_charges() @ (self.mol.atom_coords() - self.origin_au))

    def summary(self) -> dict[str, Any]:
        """What a trajectory file says about the ground state."""
        fitting = getattr(self.mean_field, "with_df", None)
        return {
            "auxiliary_functions": int(fitting.get_naoaux()) if fitting is not None else 0,
            "energy_hartree": self.energy_hartree,
            "converged": True,
            "ion_charges": self.mol.atom_charges().tolist(),
            "nuclear_dipole_au": self.nuclear_dipole_au.tolist(),
            "scf_solver": self.scf_solver,
            "scf_cycles": self.scf_cycles,
            **({} if (solvent := describe_solvent(self.method)) is None else {"solvent": solvent}),
            "dropped_by_linear_dependence": len(self.overlap) - len(self.channels[0].energies_hartree),
            "linear_dependence_threshold": getattr(scf.hf, "overlap_zero_eigenvalue_threshold", None),
        }


def ground_state(
    molecule: Molecule | str | Path | Atoms | Mol | gto.Mole | scf.hf.SCF, method: Method | None = None
) -> GroundState:
    r"""Solve :math:`F C = S C \varepsilon` self-consistently.

    Args:
        molecule: One of

            - a :class:`tdddft.Molecule`, or a name or file that :func:`tdddft.read_molecules` takes and that holds
              exactly one;
            - RDKit's ``Mol`` with all hydrogens and one conformer;
            - ASE's ``Atoms``, with the charge of ``atoms.info["charge"]`` or the sum of the initial charges;
            - PySCF's ``Mole``, whose basis, pseudopotential and effective core potential are taken too;
            - a converged mean field of PySCF, restricted (RHF, RKS) or unrestricted (UHF, UKS), whose level of theory
              is taken. It is not solved again.
        method: Level of theory; PBE / GTH-DZVP / GTH-PBE by default. Beside an object of PySCF it gives what that does
            not (``Method(response_grid="fine")``); a key that contradicts it is an error.

    Returns:
        The ground state.

    Raises:
        InputError: for a basis, pseudopotential or functional that PySCF does not have for an element; for
            ``method.ecp`` where no element has a core that it replaces; for an RDKit ``Mol`` without a conformer or
            hydrogens; for an object of
            PySCF whose level of theory has no name, ROHF and ROKS, Cartesian functions, and a mean field
            with anything beside its level of theory (a solvent, relativistic terms, another fitting basis).
        ConvergenceError: if the self-consistent field does not converge, or not to a state whose lowest orbitals are
            occupied.
    """
    given = molecule if isinstance(molecule, scf.hf.SCF) else None
    if isinstance(molecule, scf.hf.SCF):
        molecule, method = from_mole(molecule.mol), method_of_mean_field(molecule, method)
    elif isinstance(molecule, gto.Mole):
        molecule, method = from_mole(molecule), method_of_mole(molecule, method)
    elif isinstance(molecule, str | Path):
        molecules = read_molecules(str(molecule))
        if len(molecules) != 1:
            raise InputError(f"{molecule}: holds {len(molecules)} molecules; pass one Molecule of read_molecules(...)")
        molecule = molecules[0]
    elif not isinstance(molecule, Molecule):
        molecule = from_rdkit(molecule) if is_rdkit(molecule) else from_atoms(molecule)
    method = method or Method()
    check_used(molecule.symbols, method)
    method = method_of(molecule.symbols, method)
    if molecule.ghosts and method.solvent is not None:
        raise InputError(
            f"{molecule.name}: ghost atoms have no place in the cavity of a solvent; leave one of them out"
        )
    mean_field = build_mean_field(build_mol(molecule, method), method, unrestricted=isinstance(given, scf.uhf.UHF))
    with warnings.catch_warnings():
        # Of GTH projectors; the number that PySCF assumes for want of an entry in its table, one component, is right.
        warnings.filterwarnings("ignore", message=r"Function int1e_r[24]_origi_sph not found")
        found = solve_scf(mean_field) if given is None else adopt(given, mean_field)
    return _ground_state(molecule, method, mean_field, found)


def _ground_state(molecule: Molecule, method: Method, mean_field: Any, found: Convergence) -> GroundState:
    """The ground state of a mean field that was converged, or the error that says why it is none."""
    if found.flaw and found.solver is None:
        raise ConvergenceError(
            f"{molecule.name}: SCF converges to a state that is no ground state: {found.flaw} "
            f"({method.level}; tried {', '.join(found.tried)}). One determinant of this "
            "multiplicity may not describe this molecule (a stretched bond, unpaired electrons); check its geometry, "
            "or try another multiplicity or --set method.functional=HF"
        )
    if found.solver is None or found.fock_hartree is None:
        raise ConvergenceError(
            f"{molecule.name}: SCF not converged in {method.scf_max_cycles} cycles "
            f"({method.level}; tried {', '.join(found.tried)}); "
            "raise method.scf_max_cycles, or check the geometry and charge"
        )
    mol = mean_field.mol
    charges, positions = mol.atom_charges(), mol.atom_coords()
    origin = charges @ positions / charges.sum()
    with mol.with_common_orig(origin):
        dipole = mol.intor_symmetric("int1e_r", comp=3)
    return GroundState(
        molecule=molecule,
        method=method,
        mol=mol,
        mean_field=mean_field,
        overlap=mol.intor_symmetric("int1e_ovlp"),
        dipole_ao_au=dipole,
        origin_au=origin,
        channels=_channels(mean_field, found.fock_hartree),
        energy_hartree=float(mean_field.e_tot),
        scf_solver=found.solver,
        scf_cycles=found.cycles,
    )


def _channels(mean_field: Any, fock_hartree: np.ndarray) -> tuple[SpinChannel, ...]:
    """One channel of a restricted mean field, two of an unrestricted one."""
    parts = [fock_hartree, mean_field.mo_coeff, mean_field.mo_energy, mean_field.mo_occ]
    unrestricted = isinstance(mean_field, scf.uhf.UHF)
    each = zip(*parts, strict=True) if unrestricted else [parts]
    channels = []
    for fock, orbitals, energies, occupations in each:
        signed = orbitals * np.sign(orbitals[np.abs(orbitals).argmax(axis=0), np.arange(orbitals.shape[1])])
        occupied = int(np.count_nonzero(occupations))
        channels.append(SpinChannel(fock, signed, energies, occupied, 1.0 if unrestricted else 2.0))
    return tuple(channels)
