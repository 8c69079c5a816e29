"""Densities and orbitals on a regular grid around a molecule, as cube files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from pyscf import dft
from pyscf.tools.cubegen import Cube

from graphlearn.base.errors import InputError
from tdddft.electronic.mole import build_mol
from tdddft.trajectory import Trajectory, level_of_theory

POINTS_AT_ONCE = 20000
MOST_POINTS = 5e7


def density_on_grid(
    trajectory: Trajectory, frame: int, spacing_au: float = 0.3, margin_au: float = 5.0, *, change: bool = True,
    spin: bool = False,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    r"""Density of a frame, or its change :math:`\rho(t) - \rho_0` from the ground state, on a box around the molecule.

    Args:
        trajectory: Simulated or predicted.
        frame: Index of the frame; negative ones count from the end.
        spacing_au: Distance of grid points, bohr.
        margin_au: Distance of the box from the outermost atoms, bohr.
        change: Subtract the density of the ground state.
        spin: The spin density :math:`\rho_\alpha - \rho_\beta` in place of the density.

    Returns:
        Lower corner of the box, float64 [3], bohr; and the density, float64 [X, Y, Z], electrons per cubic bohr.

    Raises:
        InputError: for a frame that is not there, a spacing or margin that is not positive, and the spin density of a
            closed shell.
    """
    box = box_around(build_mol(*level_of_theory(trajectory)), spacing_au, margin_au)
    density = density_in_box(box.mol, box, density_matrix(trajectory, frame, change=change, spin=spin))
    return box.boxorig, density


def write_cube(
    path: Path, trajectory: Trajectory, frame: int, spacing_au: float = 0.3, margin_au: float = 5.0, *,
    change: bool = True, spin: bool = False,
) -> Path:  # fmt: skip
    """Write :func:`density_on_grid` as a Gaussian cube file, which VMD, Avogadro and PyMOL read.

    Args:
        path: The file.
        trajectory: Simulated or predicted.
        frame: Index of the frame; negative ones count from the end.
        spacing_au: Distance of grid points, bohr.
        margin_au: Distance of the box from the outermost atoms, bohr.
        change: Subtract the density of the ground state.
        spin: The spin density in place of the density.

    Returns:
        The path.

    Raises:
        InputError: as :func:`density_on_grid`, and for a path that cannot be written.
    """
    t = trajectory
    box = box_around(build_mol(*level_of_theory(t)), spacing_au, margin_au)
    density = density_in_box(box.mol, box, density_matrix(t, frame, change=change, spin=spin))
    what = "spin density" if spin else "electron density"
    what = f"change of the {what} from the ground state" if change else what
    return save_cube(path, box, density, f"{t.name} at {t.times_fs[frame]:.6g} fs: {what}, electrons per cubic bohr")


def save_cube(path: Path, box: Cube, values: np.ndarray, title: str) -> Path:
    """Write values in a box as a Gaussian cube file.

    Args:
        path: The file.
        box: Of :func:`box_around`.
        values: float64 [X, Y, Z], atomic units.
        title: Second line of the file.

    Returns:
        The path.

    Raises:
        InputError: for a path that cannot be written.
    """
    try:
        box.write(values, path, title)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from None
    return path


def box_around(mol: Any, spacing_au: float = 0.3, margin_au: float = 5.0) -> Cube:
    """A box of evenly spaced points around a molecule.

    Args:
        mol: PySCF's molecule.
        spacing_au: Distance of grid points, bohr.
        margin_au: Distance of the box from the outermost atoms, bohr.

    Returns:
        PySCF's description of the box.

    Raises:
        InputError: for a spacing or margin that is not positive, and for too many points.
    """
    if spacing_au <= 0 or margin_au < 0:
        raise InputError("the spacing of a cube is positive, its margin at least 0")
    positions = mol.atom_coords()
    low = positions.min(axis=0) - margin_au
    counts = np.ceil((positions.max(axis=0) + margin_au - low) / spacing_au).astype(int) + 1
    if np.prod(counts.astype(float)) > MOST_POINTS:
        raise InputError(f"a cube of {' x '.join(map(str, counts))} points is too large; take a wider spacing")
    return Cube(mol, *counts, origin=low, extent=spacing_au * (counts - 1))


def density_in_box(mol: Any, box: Cube, density_matrix: np.ndarray) -> np.ndarray:
    r"""Density :math:`\sum_{\mu\nu} D_{\mu\nu} \chi_\mu \chi_\nu` in a box.

    Args:
        mol: PySCF's molecule.
        box: Of :func:`box_around`.
        density_matrix: Symmetric, float64 [A, A].

    Returns:
        float64 [X, Y, Z], 1/bohr^3.
    """
    points = box.get_coords()
    parts = [
        dft.numint.eval_rho(mol, dft.numint.eval_ao(mol, points[i : i + POINTS_AT_ONCE]), density_matrix, hermi=1)
        for i in range(0, len(points), POINTS_AT_ONCE)
    ]
    return np.concatenate(parts).reshape(box.nx, box.ny, box.nz)


def orbital_in_box(mol: Any, box: Cube, coefficients: np.ndarray) -> np.ndarray:
    """Values of an orbital in a box.

    Args:
        mol: PySCF's molecule.
        box: Of :func:`box_around`.
        coefficients: In atomic orbitals, float64 [A].

    Returns:
        float64 [X, Y, Z], bohr^-3/2.
    """
    points = box.get_coords()
    parts = [
        dft.numint.eval_ao(mol, points[i : i + POINTS_AT_ONCE]) @ coefficients
        for i in range(0, len(points), POINTS_AT_ONCE)
    ]
    return np.concatenate(parts).reshape(box.nx, box.ny, box.nz)


def density_matrix(trajectory: Trajectory, frame: int, *, change: bool = True, spin: bool = False) -> np.ndarray:
    """Real part of the density matrix of a frame.

    Args:
        trajectory: Simulated or predicted.
        frame: Index of the frame; negative ones count from the end.
        change: Subtract that of the ground state.
        spin: Alpha less beta in place of their sum.

    Returns:
        Symmetric, float64 [A, A].

    Raises:
        InputError: for a frame that is not there, and the spin density of a closed shell.
    """
    t, weights = trajectory, trajectory.occupations
    if not -len(t.times_fs) <= frame < len(t.times_fs):
        raise InputError(f"{t.name}: there is no frame {frame}; the last of {len(t.times_fs)} is {len(t.times_fs) - 1}")
    if spin:
        if t.spins is None:
            raise InputError(f"{t.name}: a closed shell has no spin density")
        weights = weights * t.spins
    c = t.frame_coefficients[frame].astype(np.complex128)
    matrix = np.einsum("s,sa,sb->ab", weights, c, c.conj()).real
    if change:
        matrix -= np.einsum("s,sa,sb->ab", weights, t.coefficients, t.coefficients)
    return np.asarray(matrix)
