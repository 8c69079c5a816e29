"""Integration grids for the response, cheaper than those of a whole self-consistent field."""

from __future__ import annotations

import numpy as np
from pyscf import dft
from pyscf.data.elements import charge

PERIODS = (2, 10, 18, 36, 54)  # last element of each period
NAMED = {
    "coarse": ((15, 20, 25, 30, 35, 40), (50, 110, 110, 110, 110, 110), dft.gen_grid.sg1_prune),
    "medium": ((25, 35, 40, 45, 50, 55), (194, 302, 302, 302, 302, 302), dft.gen_grid.nwchem_prune),
    "fine": ((50, 75, 80, 90, 95, 100), (302, 434, 434, 434, 434, 434), dft.gen_grid.nwchem_prune),
}


def response_grid(mol: object, grid: str | int) -> tuple[np.ndarray, np.ndarray]:
    """Points float64 [G, 3] in bohr and weights [G].

    Args:
        mol: PySCF's molecule.
        grid: ``coarse`` (SG-1 pruning of 20 x 110 points for carbon), ``medium`` (35 x 302), ``fine`` (75 x 434), or a
            grid level of PySCF, 0 to 9.
    """
    grids = dft.gen_grid.Grids(mol)
    if isinstance(grid, int):
        grids.level = grid
    else:
        radial, angular, grids.prune = NAMED[grid]
        symbols = {mol.atom_symbol(i) for i in range(mol.natm)}  # type: ignore[attr-defined]
        rows = {s: int(np.searchsorted(PERIODS, charge(s))) for s in symbols}
        grids.atom_grid = {s: (radial[row], angular[row]) for s, row in rows.items()}
    grids.build(with_non0tab=False)
    return grids.coords, grids.weights
