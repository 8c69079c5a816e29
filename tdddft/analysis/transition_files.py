"""Cube and Molden files of transitions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pyscf.tools import molden

from graphlearn.base.errors import InputError
from tdddft.analysis.cube import box_around, density_in_box, orbital_in_box, save_cube
from tdddft.analysis.transition import Transition

SMALLEST_WEIGHT = 0.01


def write_transition(folder: Path, name: str, transition: Transition, spacing_au: float = 0.3) -> list[Path]:
    """Write the transition density, the heaviest pair of orbitals, and a Molden file of all pairs of weight above 1 %.

    In the Molden file the occupation of a hole is minus its weight, that of an electron plus its weight.

    Args:
        folder: Where to write; it is made.
        name: Beginning of the names of the files.
        transition: The transition.
        spacing_au: Distance of the points of the cubes, bohr.

    Returns:
        The paths.

    Raises:
        InputError: for a folder that cannot be written, and a spacing that gives too many points.
    """
    t, pairs, what = transition, transition.natural_orbitals(), f"transition at {transition.energy_ev:.3f} eV"
    box = box_around(t.mol, spacing_au)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot write {folder}: {error.strerror or error}") from None
    density = density_in_box(t.mol, box, t.density_matrix)
    written = [save_cube(folder / f"{name}_density.cube", box, density, f"{what}: density, 1/bohr^3")]
    for part, orbitals in (("hole", pairs.holes), ("electron", pairs.electrons)):
        values = orbital_in_box(t.mol, box, orbitals[:, 0])
        title = f"{what}: {part}, weight {pairs.weights[0]:.3f}, bohr^-3/2"
        written.append(save_cube(folder / f"{name}_{part}.cube", box, values, title))
    kept = int((pairs.weights > SMALLEST_WEIGHT).sum())
    path, weights = folder / f"{name}.molden", pairs.weights[:kept]
    coefficients = np.hstack([pairs.holes[:, :kept][:, ::-1], pairs.electrons[:, :kept]])
    occupations = np.concatenate([-weights[::-1], weights])
    try:
        molden.from_mo(t.mol, str(path), coefficients, ene=occupations, occ=occupations)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from None
    return [*written, path]
