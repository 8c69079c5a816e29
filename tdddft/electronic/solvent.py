"""The polarisable continuum: the solvent as a dielectric around the molecule, through PySCF."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from pyscf import df, gto, tdscf

from graphlearn.base.errors import InputError
from tdddft.electronic.method import Method

if TYPE_CHECKING:
    from tdddft.electronic.ground_state import GroundState

PYSCF_NAMES = {"iefpcm": "IEF-PCM", "cpcm": "C-PCM"}
SMALLEST_FACTOR = 1e-7  # of the largest: what the reaction field of pairs is cut at
LARGEST_WRONG_SIGN = 1e-3
POINTS_AT_ONCE = 256


def dielectric_constants(method: Method) -> tuple[float, float]:
    """Static and optical dielectric constant of the solvent of a level of theory.

    Args:
        method: With a solvent.

    Returns:
        Both; the optical one is the square of the refractive index, or ``method.optical_dielectric``.

    Raises:
        InputError: for an unknown solvent, and for a number without its optical dielectric constant where that is
            needed.

    Source: Minnesota Solvent Descriptor Database, as PySCF holds it.
    """
    from pyscf.solvent.smd import solvent_db

    solvent, optical = method.solvent, method.optical_dielectric
    if isinstance(solvent, str):
        found = solvent_db.get(solvent.lower())
        if found is None:
            near = difflib.get_close_matches(solvent.lower(), solvent_db, n=3)
            similar = f"; similar: {', '.join(near)}" if near else ""
            raise InputError(f"unknown solvent {solvent[:80]!r}{similar}; or give its dielectric constant")
        return float(found[5]), float(found[0]) ** 2 if optical is None else optical
    assert solvent is not None
    if optical is None and method.solvent_response == "fast":
        raise InputError("method.solvent is a number; its fast response needs method.optical_dielectric, as 1.78")
    return float(solvent), 1.0 if optical is None else optical


def with_solvent(mean_field: Any, method: Method) -> Any:
    """The mean field in the reaction field of its solvent; itself where there is none.

    Args:
        mean_field: PySCF's.
        method: Level of theory.

    Returns:
        PySCF's mean field.

    Raises:
        InputError: as :func:`dielectric_constants`.
    """
    if method.solvent is None:
        return mean_field
    static, _ = dielectric_constants(method)
    return mean_field.PCM(_continuum(mean_field.mol, method, static))


def reaction_field(ground_state: GroundState) -> list[np.ndarray] | None:
    r"""Factors of the fast response of the solvent to a change of the density.

    .. math:: \delta F_{pq} = -\sum_G W_{G,pq} \sum_{rs} W_{G,rs}\, \delta D_{rs}

    Args:
        ground_state: Its molecule, orbitals and solvent.

    Returns:
        float64 [G, M, M] for each channel; None where the solvent does not respond.

    Raises:
        InputError: if the polarisation of the cavity has no such form.
    """
    method = ground_state.method
    if method.solvent is None or method.solvent_response != "fast":
        return None
    continuum = _continuum(ground_state.mol, method, dielectric_constants(method)[1])
    parts = continuum._intermediates
    charges = np.linalg.solve(parts["K"], parts["R"])
    values, vectors = np.linalg.eigh(-0.5 * (charges + charges.T))
    if values[0] < -LARGEST_WRONG_SIGN * values[-1]:
        raise InputError(f"{ground_state.molecule.name}: the solvent's cavity is not polarised as a dielectric is")
    kept = values > SMALLEST_FACTOR * values[-1]
    turn = vectors[:, kept] * np.sqrt(values[kept])
    factors = [turn.T @ _potentials(continuum, channel.orbitals) for channel in ground_state.channels]
    m = len(ground_state.channels[0].energies_hartree)
    rows, columns = np.tril_indices(m)
    weights = np.where(rows == columns, 1.0, np.sqrt(2.0))
    strengths, turn = np.linalg.eigh(sum((w * weights) @ (w * weights).T for w in factors))
    turn = turn[:, strengths > SMALLEST_FACTOR**2 * strengths[-1]]
    out = []
    for packed in factors:
        whole = np.zeros((turn.shape[1], m, m))
        whole[:, rows, columns] = whole[:, columns, rows] = turn.T @ packed
        out.append(whole)
    return out


def _potentials(continuum: Any, orbitals: np.ndarray) -> np.ndarray:
    """Potential of each pair of orbitals [A, M] at the points of a cavity, float64 [G, M(M + 1) / 2]."""
    mol, points, widths = continuum.mol, continuum.surface["grid_coords"], continuum.surface["charge_exp"]
    rows, columns = np.tril_indices(orbitals.shape[1])
    out = np.empty((len(points), len(rows)))
    for i in range(0, len(points), POINTS_AT_ONCE):
        cells = slice(i, i + POINTS_AT_ONCE)
        charges = gto.fakemol_for_charges(points[cells], expnt=widths[cells] ** 2)
        integrals = df.incore.aux_e2(mol, charges, intor=mol._add_suffix("int3c2e"), aosym="s1")
        out[cells] = (orbitals.T @ integrals.transpose(2, 0, 1) @ orbitals)[:, rows, columns]
    return out


def casida_solver(ground_state: GroundState) -> Any:
    """PySCF's solver of Casida's equation, with the response of the solvent that the level of theory has."""
    mean_field, method = ground_state.mean_field, ground_state.method
    if method.solvent is None:
        return tdscf.TDDFT(mean_field)
    if method.solvent_response == "frozen":
        return tdscf.TDDFT(mean_field.undo_solvent())
    solver = mean_field.TDDFT(equilibrium_solvation=False)
    solver.with_solvent = _continuum(mean_field.mol, method, dielectric_constants(method)[1])
    return solver


def density_response(ground_state: GroundState) -> Callable[[np.ndarray], np.ndarray]:
    """Change of the Fock matrix for a real symmetric change of the density [K, A, A], by PySCF.

    Args:
        ground_state: Its level of theory, the response of its solvent included.

    Returns:
        A function of [K, A, A] that returns [K, A, A].
    """
    mean_field, method = ground_state.mean_field, ground_state.method
    if method.solvent is None:
        found: Callable[[np.ndarray], np.ndarray] = mean_field.gen_response(hermi=1)
        return found
    without: Callable[[np.ndarray], np.ndarray] = mean_field.undo_solvent().gen_response(hermi=1)
    if method.solvent_response == "frozen":
        return without
    continuum = _continuum(mean_field.mol, method, dielectric_constants(method)[1])
    return lambda change: without(change) + continuum._B_dot_x(change)


def describe_solvent(method: Method) -> str | None:
    """One line for a file; None without a solvent."""
    if method.solvent is None:
        return None
    static, optical = dielectric_constants(method)
    fast = method.solvent_response == "fast"
    return f"{PYSCF_NAMES[method.solvent_model]}, dielectric constant {static:g} in the ground state; " + (
        f"its fast part follows the electrons with {optical:.4g}" if fast else "frozen in the propagation"
    )


def _continuum(mol: gto.Mole, method: Method, dielectric: float) -> Any:
    """PySCF's continuum of a dielectric constant, built."""
    from pyscf.solvent.pcm import PCM

    continuum = PCM(mol)
    continuum.verbose = 0
    continuum.method, continuum.eps = PYSCF_NAMES[method.solvent_model], dielectric
    continuum.build()
    return continuum
