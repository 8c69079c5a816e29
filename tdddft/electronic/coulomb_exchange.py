"""Coulomb and exchange matrices in the orbitals of the ground state, with the integrals kept in memory."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch
from pyscf import ao2mo, df, lib, scf
from torch import Tensor

from graphlearn.base.errors import InputError
from tdddft.electronic.batched_matrices import stack_padded
from tdddft.electronic.ground_state import GroundState
from tdddft.electronic.mole import build_fitting


def fitting_of(ground_state: GroundState) -> df.DF:
    """PySCF's density fitting of the ground state, or a new one where that has exact integrals."""
    fitting = getattr(ground_state.mean_field, "with_df", None)
    return build_fitting(df.DF(ground_state.mol)) if fitting is None else fitting


def fitted_integrals(fitting: df.DF, orbitals: np.ndarray) -> np.ndarray:
    r""":math:`B_{P,pq}` of :math:`(pq|rs) \approx \sum_P B_{P,pq} B_{P,rs}` in orbitals [A, M], float64 [P, M, M].

    Args:
        fitting: PySCF's density fitting, built.
        orbitals: Orbitals as columns, float64 [A, M].

    Returns:
        float64 [P, M, M].
    """
    return np.concatenate([orbitals.T @ (lib.unpack_tril(block) @ orbitals) for block in fitting.loop()])


class FittedRepulsion:
    """Density-fitted repulsion of a batch of molecules.

    Args:
        integrals: :func:`fitted_integrals` of each molecule.
        dtype: Of the Coulomb products; exchange is always float64.
        device: Where to compute.
    """

    def __init__(self, integrals: Sequence[np.ndarray], dtype: torch.dtype, device: torch.device) -> None:
        self._integrals, self._device = integrals, device
        m = max(i.shape[-1] for i in integrals)
        rows, columns = np.tril_indices(m)
        packed = [np.pad(a, ((0, 0), (0, m - a.shape[1]), (0, m - a.shape[2])))[:, rows, columns] for a in integrals]
        self.packed = stack_padded(packed, dtype, device)  # [B, P, M(M+1)/2]
        self._rows, self._columns = torch.from_numpy(rows).to(device), torch.from_numpy(columns).to(device)
        self._weights = torch.where(self._rows == self._columns, 1.0, 2.0).to(device, dtype)

    @cached_property
    def _dense(self) -> Tensor:
        """[B, P * M, M]."""
        return stack_padded(self._integrals, torch.float64, self._device).flatten(1, 2)

    def coulomb(self, density: Tensor) -> Tensor:
        """J[D] for real symmetric densities [B, M, M]."""
        pairs = density[:, self._rows, self._columns].to(self.packed.dtype) * self._weights
        fitted = self.packed @ pairs.unsqueeze(-1)
        values = (fitted.mT @ self.packed).squeeze(1).to(density.dtype)
        out = torch.empty_like(density)
        out[:, self._rows, self._columns] = values
        out[:, self._columns, self._rows] = values
        return out

    def exchange(self, occupied: Tensor) -> Tensor:
        """K of D = 2 C C^dagger for complex occupied orbitals [B, M, S]; Hermitian complex [B, M, M]."""
        b, m, s = occupied.shape
        real = torch.view_as_real(occupied.contiguous()).reshape(b, m, 2 * s)
        half = torch.view_as_complex((self._dense @ real).reshape(b, -1, m, s, 2))
        half = half.transpose(1, 2).reshape(b, m, -1)
        return 2.0 * (half @ half.mH)


class ExactRepulsion:
    """Four-index integrals of one molecule on the CPU, kept in memory with eightfold symmetry.

    Args:
        ground_states: Exactly one.
        device: Must be the CPU.

    Raises:
        InputError: for several molecules, and another device.
    """

    def __init__(self, ground_states: Sequence[GroundState], device: torch.device) -> None:
        if len(ground_states) != 1 or device.type != "cpu":
            raise InputError("exact integrals are for one molecule at a time on the CPU; set method.density_fitting")
        (g,) = ground_states
        self._integrals = ao2mo.restore(8, ao2mo.kernel(g.mol, g.orbitals), g.orbitals.shape[1])

    def coulomb(self, density: Tensor) -> Tensor:
        """J[D] for a real symmetric density [1, M, M]."""
        return torch.from_numpy(scf.hf.dot_eri_dm(self._integrals, density[0].numpy(), hermi=1, with_k=False)[0])[None]

    def exchange(self, occupied: Tensor) -> Tensor:
        """K of D = 2 C C^dagger for complex occupied orbitals [1, M, S]; Hermitian complex [1, M, M]."""
        density = 2.0 * (occupied[0] @ occupied[0].mH).numpy()
        real, imag = np.ascontiguousarray(density.real), np.ascontiguousarray(density.imag)
        k = scf.hf.dot_eri_dm(self._integrals, real, hermi=1, with_j=False)[1]
        return torch.from_numpy(k + 1j * scf.hf.dot_eri_dm(self._integrals, imag, hermi=2, with_j=False)[1])[None]


Repulsion = FittedRepulsion | ExactRepulsion
