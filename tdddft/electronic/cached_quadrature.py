"""PySCF's exchange-correlation quadrature with the atomic orbitals on the grid kept between cycles."""

from __future__ import annotations

from typing import Any

import numpy as np
from pyscf import dft

LARGEST_BYTES = 1e9  # of the values; larger molecules are integrated as PySCF does


class CachedQuadrature(dft.numint.NumInt):  # type: ignore[misc]  # PySCF has no types
    """In place of a mean field's ``_numint``: one restricted density on one grid, whose orbitals are computed once."""

    def __init__(self) -> None:
        super().__init__()
        self._values: np.ndarray | None = None  # [X, G, A]: values and, but for an LDA, slopes
        self._grids: Any = None

    def nr_rks(
        self, mol: Any, grids: Any, xc_code: str, dms: np.ndarray, *arguments: Any, **keywords: Any
    ) -> tuple[float, float, np.ndarray]:
        """Electrons, energy and matrix of a functional, as PySCF's; see there for what else it may be given.

        Args:
            mol: PySCF's molecule.
            grids: Its grid; another one, or another kind of functional, has the values computed anew.
            xc_code: Functional.
            dms: Density matrix [A, A], with the orbitals as attributes where it comes from a cycle.
            *arguments: As PySCF's.
            **keywords: As PySCF's.

        Returns:
            Number of electrons, energy in hartree, matrix [A, A].
        """
        kind = self._xc_type(xc_code)
        components = 1 if kind == "LDA" else 4
        if grids.coords is None:
            grids.build(with_non0tab=True)
        if kind == "HF" or components * grids.weights.size * mol.nao * 8 > LARGEST_BYTES or np.ndim(dms) != 2:
            return super().nr_rks(mol, grids, xc_code, dms, *arguments, **keywords)  # type: ignore[no-any-return]
        if self._values is None or self._grids is not grids or len(self._values) != components:
            found = self.eval_ao(mol, grids.coords, deriv=int(components == 4), non0tab=grids.non0tab)
            self._values, self._grids = found.reshape(components, *found.shape[-2:]), grids
        density = self._density(self._values, dms, kind)
        energies, potential = self.eval_xc_eff(xc_code, density, deriv=1, xctype=kind)[:2]
        charges = np.atleast_2d(density)[0] * grids.weights
        matrix = _matrix(self._values, np.atleast_2d(potential) * grids.weights)
        return float(charges.sum()), float(charges @ energies), matrix

    @staticmethod
    def _density(values: np.ndarray, density_matrix: np.ndarray, kind: str) -> np.ndarray:
        """The density, for a GGA with its gradient, for a meta-GGA with tau: [G] or [4 or 5, G]."""
        orbitals, occupations = getattr(density_matrix, "mo_coeff", None), getattr(density_matrix, "mo_occ", None)
        if orbitals is None or occupations is None:
            left, contracted = values, (values if kind == "MGGA" else values[:1]) @ np.asarray(density_matrix)
        else:
            left = contracted = values @ (orbitals[:, occupations > 0] * np.sqrt(occupations[occupations > 0]))
        rows = [np.einsum("gi,gi->g", contracted[0], left[0])]
        if kind == "LDA":
            return np.asarray(rows[0])
        rows += [2.0 * np.einsum("gi,gi->g", contracted[0], slope) for slope in left[1:]]
        if kind == "MGGA":
            rows.append(0.5 * np.einsum("xgi,xgi->g", contracted[1:], left[1:]))
        return np.array(rows)

    def _xc_type(self, xc_code: str) -> str:
        return str(super()._xc_type(xc_code))


def _matrix(values: np.ndarray, weighted: np.ndarray) -> np.ndarray:
    """Matrix of a potential [R, G] that is multiplied with the weights."""
    half = values[0] * (0.5 * weighted[0, :, None])
    for value, row in zip(values[1:], weighted[1:4], strict=True):
        half += value * row[:, None]
    matrix = values[0].T @ half
    if len(weighted) == 5:
        for value in values[1:]:
            matrix += value.T @ (value * (0.25 * weighted[4, :, None]))
    return np.asarray(matrix + matrix.T)
