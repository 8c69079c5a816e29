"""Memory that a job will need."""

from __future__ import annotations

from pyscf import df
from pyscf.lib.exceptions import BasisNotFoundError

from graphlearn.base.errors import InputError
from tdddft.dataset.recipe import Propagation
from tdddft.electronic.cached_quadrature import LARGEST_BYTES
from tdddft.electronic.functionals.semilocal import exchange_terms
from tdddft.electronic.grids import number_of_points
from tdddft.electronic.method import Method
from tdddft.electronic.mole import build_mol
from tdddft.electronic.scf_solvers import COARSE_LEVEL
from tdddft.molecules.molecule import Molecule

PROCESS_BYTES = 420e6  # Python and its libraries
POINTS_AT_ONCE = 67200  # of PySCF's integration
DOUBLE = 8


def estimate_bytes(molecule: Molecule, method: Method, times: Propagation) -> float:
    """Peak memory of a ground state and its propagation, in bytes; about a fifth too much by design.

    Counted are the repulsion integrals, their pairs of virtual and occupied orbitals, a block of PySCF's integration,
    the orbitals on the coarse grid of the first cycles and on the response grid, the kernel of a linear propagation,
    and the frames.

    Args:
        molecule: The molecule.
        method: Level of theory.
        times: Steps and frames, and the propagator.

    Returns:
        Bytes.
    """
    mol = build_mol(molecule, method)
    a, s = mol.nao, (mol.nelectron + mol.spin) // 2
    pairs = a * (a + 1) / 2
    total = PROCESS_BYTES
    fitting = _fitting_functions(mol)
    terms = exchange_terms(method.functional)
    range_separated = any(omega for _, omega in terms)  # terms are stored on top of each other, from parts
    size = 4 if method.response_precision == "float32" else DOUBLE
    total += 2 * size * fitting * pairs + DOUBLE * fitting * a * a * len(terms) * (1 + range_separated)
    total += DOUBLE * (fitting * pairs * 1.5 if method.density_fitting else pairs * (pairs + 1))
    total += 2 * DOUBLE * fitting * a * s
    if times.propagator == "linear":
        pairs_of_pairs = a * s * (a - s) * s
        dense = times.kernel == "grid" or terms or pairs_of_pairs < fitting * 2 * a * s
        total += DOUBLE * (pairs_of_pairs * (1 + bool(terms)) if dense else fitting * 2 * a * s)
    if method.functional.upper() != "HF":
        total += min(LARGEST_BYTES, 4 * DOUBLE * number_of_points(mol, COARSE_LEVEL) * a)
        total += 6 * DOUBLE * min(number_of_points(mol, method.grid_level), POINTS_AT_ONCE) * a
        total += 4 * size * number_of_points(mol, method.response_grid) * a
    spins = 1 if mol.spin == 0 else 2  # alpha and beta have integrals and orbitals on the grid of their own
    return spins * total + 3 * 2 * DOUBLE * (times.steps // times.save_every + 1) * spins * s * a


def check_memory(molecule: Molecule, method: Method, times: Propagation, limit_bytes: float | None) -> None:
    """InputError, with both numbers, if a job would need more than the limit.

    Args:
        molecule: The molecule.
        method: Level of theory.
        times: Steps and frames.
        limit_bytes: What the job may use; None for no limit.
    """
    if limit_bytes is None:
        return
    needed = estimate_bytes(molecule, method, times)
    if needed > limit_bytes:
        raise InputError(
            f"{molecule.name} needs about {needed / 1e9:.1f} GB, a worker has {limit_bytes / 1e9:.1f} GB; "
            "run it with --retry failed and fewer --jobs, or on a larger machine"
        )


def _fitting_functions(mol: object) -> int:
    try:
        return int(df.addons.make_auxmol(mol).nao)
    except BasisNotFoundError:
        return int(df.addons.make_auxmol(mol, df.aug_etb(mol)).nao)
