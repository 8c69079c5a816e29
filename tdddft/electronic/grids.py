"""Integration grids for the response, cheaper than those of a whole self-consistent field."""

from __future__ import annotations

from typing import Any

import numpy as np
from pyscf import dft
from pyscf.data.elements import charge

PERIODS = (2, 10, 18, 36, 54)  # last element of each period
NAMED = {
    # SG-1 has its own angular grids; those named here are for molecules with elements heavier than argon
    "coarse": ((15, 20, 25, 30, 35, 40), (50, 110, 110, 110, 110, 110)),
    "medium": ((25, 35, 40, 45, 50, 55), (194, 302, 302, 302, 302, 302)),
    "fine": ((50, 75, 80, 90, 95, 100), (302, 434, 434, 434, 434, 434)),
}
HEAVIEST_OF_SG1 = 18


def response_grid(mol: Any, grid: str | int) -> tuple[np.ndarray, np.ndarray]:
    """Points float64 [G, 3] in bohr and weights [G].

    Args:
        mol: PySCF's molecule.
        grid: ``coarse`` (20 shells for carbon, pruned as SG-1), ``medium`` (35 x 302), ``fine`` (75 x 434), or a
            grid level of PySCF, 0 to 9.

    Returns:
        Points float64 [G, 3], bohr, and weights float64 [G].
    """
    grids = _prescription(mol, grid)
    grids.build(with_non0tab=False)
    return grids.coords, grids.weights


def number_of_points(mol: Any, grid: str | int) -> int:
    """Points of a grid before those of no weight are left out, without building it.

    Args:
        mol: PySCF's molecule.
        grid: As for :func:`response_grid`.

    Returns:
        Number of points of all atoms.
    """
    atomic = _prescription(mol, grid).gen_atomic_grids(mol)
    return sum(len(atomic[mol.atom_symbol(i)][1]) for i in range(mol.natm) if mol.atom_charge(i))


def _prescription(mol: Any, grid: str | int) -> dft.gen_grid.Grids:
    if isinstance(grid, int):
        return dft.gen_grid.Grids(mol).set(level=grid)
    radial, angular = NAMED[grid]
    numbers = {mol.atom_symbol(i): charge(mol.atom_symbol(i)) for i in range(mol.natm) if mol.atom_charge(i)}
    rows = {symbol: int(np.searchsorted(PERIODS, number)) for symbol, number in numbers.items()}
    light = max(numbers.values()) <= HEAVIEST_OF_SG1
    return dft.gen_grid.Grids(mol).set(
        atom_grid={symbol: (radial[row], angular[row]) for symbol, row in rows.items()},
        prune=dft.gen_grid.sg1_prune if grid == "coarse" and light else dft.gen_grid.nwchem_prune,
    )
