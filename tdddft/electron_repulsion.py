"""Coulomb and exchange matrices in an orthonormal orbital basis, with the integrals kept in memory."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from pyscf import ao2mo, df, lib, scf


class FittedRepulsion:
    r"""Density-fitted repulsion :math:`(pq|rs) \approx \sum_P B_{P,pq} B_{P,rs}`.

    Args:
        fitting: PySCF's density-fitting object of the ground state.
        orbitals: Orbital basis as columns, float64 [A, M].
    """

    def __init__(self, fitting: df.DF, orbitals: np.ndarray) -> None:
        self.num_orbitals = orbitals.shape[1]
        blocks = []
        for block in fitting.loop():
            full = lib.unpack_tril(block)
            blocks.append(lib.pack_tril(np.matmul(orbitals.T, np.matmul(full, orbitals))))
        self.packed = np.concatenate(blocks)  # [naux, M(M+1)/2]
        rows, columns = np.tril_indices(self.num_orbitals)
        self._weights = np.where(rows == columns, 1.0, 2.0)

    @cached_property
    def _dense(self) -> np.ndarray:
        """[naux * M, M]."""
        return lib.unpack_tril(self.packed).reshape(-1, self.num_orbitals)

    def coulomb(self, density: np.ndarray) -> np.ndarray:
        """J[D] for a real symmetric density [M, M]."""
        fitted = self.packed @ (lib.pack_tril(density) * self._weights)
        return lib.unpack_tril(fitted @ self.packed)

    def exchange(self, occupied: np.ndarray) -> np.ndarray:
        """K of D = 2 C C^dagger for complex occupied orbitals [M, S]; Hermitian complex [M, M]."""
        m, s = occupied.shape
        half = (self._dense @ occupied.view(np.float64).reshape(m, 2 * s)).view(np.complex128)
        half = half.reshape(-1, m, s).transpose(1, 0, 2).reshape(m, -1)
        return 2.0 * (half @ half.conj().T)


class ExactRepulsion:
    """Four-index integrals, kept in memory with eightfold symmetry.

    Args:
        mol: PySCF's molecule.
        orbitals: Orbital basis as columns, float64 [A, M].
    """

    def __init__(self, mol: Any, orbitals: np.ndarray) -> None:
        self._integrals = ao2mo.restore(8, ao2mo.kernel(mol, orbitals), orbitals.shape[1])

    def coulomb(self, density: np.ndarray) -> np.ndarray:
        """J[D] for a real symmetric density [M, M]."""
        return scf.hf.dot_eri_dm(self._integrals, density, hermi=1, with_k=False)[0]

    def exchange(self, occupied: np.ndarray) -> np.ndarray:
        """K of D = 2 C C^dagger for complex occupied orbitals [M, S]; Hermitian complex [M, M]."""
        density = 2.0 * (occupied @ occupied.conj().T)
        real = scf.hf.dot_eri_dm(self._integrals, np.ascontiguousarray(density.real), hermi=1, with_j=False)[1]
        imag = scf.hf.dot_eri_dm(self._integrals, np.ascontiguousarray(density.imag), hermi=2, with_j=False)[1]
        return real + 1j * imag


Repulsion = FittedRepulsion | ExactRepulsion
