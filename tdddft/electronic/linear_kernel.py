"""A cheap linear model of the response, used between two exact evaluations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.linalg
import torch
from pyscf import df, dft
from torch import Tensor

from tdddft.electronic.batched_matrices import real_outer, stack_padded
from tdddft.electronic.coulomb_exchange import FittedIntegrals
from tdddft.electronic.exchange_kernel import exchange_kernel
from tdddft.electronic.functionals.semilocal import xc_kernel
from tdddft.electronic.grids import response_grid
from tdddft.electronic.ground_state import GroundState

THIN_DENSITY = 1e-6  # electrons per cubic bohr below which the kernel is left out
POINTS_AT_ONCE = 512


class LinearKernel:
    r"""Linear response of the Fock matrix in the occupied-virtual block, in the space of the fitting functions.

    .. math:: L_{ai} = 2 \sum_{PQ} B_{P,ai} (1 + f)_{PQ} \sum_{bj} B_{Q,bj}\, \mathrm{Re}\, D_{bj}
              - \tfrac{c_x}{2} \sum_{bj} \left[(ab|ij) D_{bj} + (aj|ib) D^*_{bj}\right]

    f is the exchange-correlation kernel of the ground state between fitting functions; exact exchange is that of
    :mod:`tdddft.electronic.exchange_kernel`. The error is a few per cent of the response;
    :class:`tdddft.propagation.schemes.Multirate` adds what it leaves out.

    Args:
        ground_states: One or more of the same level of theory.
        fitted: Integrals of each.
        dtype: Of the matrix products.
        device: Where to compute.
    """

    def __init__(
        self,
        ground_states: Sequence[GroundState],
        fitted: Sequence[FittedIntegrals],
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        s = max(g.num_occupied for g in ground_states)
        molecules = list(zip(ground_states, fitted, strict=True))
        pairs = [_virtual_occupied(f.coulomb, g.num_occupied, s) for g, f in molecules]
        self._pairs = stack_padded(pairs, dtype, device).flatten(2)  # [B, P, M * S]
        metrics = [fitted_metric(g, f.fitting, dtype) for g, f in molecules]
        self._metric = stack_padded(metrics, dtype, device)
        arrays = [f.exchange for f in fitted if f.exchange is not None]
        occupied = [g.num_occupied for g in ground_states]
        self._exchange = exchange_kernel(arrays, occupied, fitted[0].share, dtype, device) if arrays else None

    def __call__(self, orbitals: Tensor) -> Tensor:
        """L of occupied orbitals complex [B, M, S]: real symmetric [B, M, M], Hermitian with exact exchange."""
        even, odd = self.even(orbitals), self.odd(orbitals)
        return even if odd is None else torch.complex(even, odd)

    def even(self, orbitals: Tensor) -> Tensor:
        """Real part of L, of the real part of D.

        Args:
            orbitals: Occupied orbitals, complex [B, M, S].

        Returns:
            Real symmetric [B, M, M], hartree.
        """
        b, m, s = orbitals.shape
        density = 2.0 * real_outer(orbitals, orbitals[:, :s])
        fitted = self._pairs @ density.reshape(b, -1, 1).to(self._pairs.dtype)
        block = ((self._metric @ fitted).mT @ self._pairs).reshape(b, m, s).double()
        if self._exchange is not None:
            block += self._exchange.even(density)
        return _filled(block, block.mT)

    def odd(self, orbitals: Tensor) -> Tensor | None:
        """Imaginary part of L, of the imaginary part of D; None without exact exchange.

        Args:
            orbitals: Occupied orbitals, complex [B, M, S].

        Returns:
            Real antisymmetric [B, M, M], hartree.
        """
        if self._exchange is None:
            return None
        block = self._exchange.odd(2.0 * real_outer(-1j * orbitals, orbitals[:, : orbitals.shape[2]]))
        return _filled(block, -block.mT)


def _filled(block: Tensor, mirrored: Tensor) -> Tensor:
    """A matrix [B, M, M] from its columns of occupied orbitals [B, M, S] and their mirror image [B, S, M]."""
    b, m, s = block.shape
    out = block.new_zeros((b, m, m))
    out[:, :, :s] = block
    out[:, :s] += mirrored
    return out


def _virtual_occupied(integrals: np.ndarray, num_occupied: int, columns: int) -> np.ndarray:
    block = np.zeros((*integrals.shape[:2], columns))
    block[:, num_occupied:, :num_occupied] = integrals[:, num_occupied:, :num_occupied]
    return block


def fitted_metric(ground_state: GroundState, fitting: df.DF, dtype: torch.dtype) -> np.ndarray:
    """2 (1 + f) between the orthonormal combinations of fitting functions that the integrals refer to.

    Args:
        ground_state: Gives the density and the functional.
        fitting: PySCF's density fitting, built.
        dtype: Of the products on the grid.

    Returns:
        float64 [P, P]; twice the unit matrix for Hartree-Fock, and where PySCF dropped dependent fitting functions.
    """
    functional = ground_state.method.functional
    size = fitting.get_naoaux()
    identity = 2.0 * np.eye(size)
    if functional.upper() == "HF":
        return identity
    auxiliary = fitting.auxmol
    try:
        lower = scipy.linalg.cholesky(auxiliary.intor("int2c2e"), lower=True)
    except scipy.linalg.LinAlgError:
        return identity
    if len(lower) != size:  # PySCF dropped dependent fitting functions: the Coulomb part alone still serves
        return identity
    points, weights = response_grid(ground_state.mol, "coarse")
    coefficients = ground_state.orbitals[:, : ground_state.num_occupied]
    density_matrix = 2.0 * coefficients @ coefficients.T
    integrated = torch.zeros((size, size), dtype=torch.float64)
    numint = dft.numint.NumInt()
    for i in range(0, len(weights), POINTS_AT_ONCE):
        part = points[i : i + POINTS_AT_ONCE]
        values = numint.eval_ao(ground_state.mol, part, deriv=1)
        density = numint.eval_rho(ground_state.mol, values, density_matrix, xctype="GGA", hermi=1)
        second = xc_kernel(functional, density) * weights[i : i + len(part)]
        second[:, :, density[0] < THIN_DENSITY] = 0.0
        fits = torch.as_tensor(numint.eval_ao(auxiliary, part, deriv=1)[: len(second)]).to(dtype)
        for row, fit in zip(torch.as_tensor(second).to(dtype), fits, strict=True):
            integrated += fit.T @ sum_rows(row, fits)
    half = scipy.linalg.solve_triangular(lower, integrated.numpy(), lower=True)
    return identity + 2.0 * scipy.linalg.solve_triangular(lower, half.T, lower=True)


def sum_rows(factors: Tensor, values: Tensor) -> Tensor:
    """Sum over rows of a factor per point times values.

    Args:
        factors: [Y, G].
        values: [Y, G, P].

    Returns:
        [G, P].
    """
    out = factors[0].unsqueeze(-1) * values[0]
    for factor, value in zip(factors[1:], values[1:], strict=True):
        out.addcmul_(factor.unsqueeze(-1), value)
    return out
