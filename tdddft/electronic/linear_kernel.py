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
from tdddft.electronic.functionals.semilocal import xc_kernel
from tdddft.electronic.grids import response_grid
from tdddft.electronic.ground_state import GroundState

THIN_DENSITY = 1e-6  # electrons per cubic bohr below which the kernel is left out
EXCHANGE_CUT = 1e-3  # of the strongest combination of fitting functions
POINTS_AT_ONCE = 512


class LinearKernel:
    r"""Linear response of the Fock matrix in the occupied-virtual block, in the space of the fitting functions.

    .. math:: L_{ai} = 2 \sum_{PQ} B_{P,ai} (1 + f)_{PQ} \sum_{bj} B_{Q,bj}\, \mathrm{Re}\, D_{bj}
              - \tfrac{c_x}{2} \sum_{bj} \left[(ab|ij) D_{bj} + (aj|ib) D^*_{bj}\right]

    f is the exchange-correlation kernel of the ground state between fitting functions; the exchange integrals take only
    the strongest combinations of fitting functions. The error is a few per cent of the response;
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
        self.exchange = fitted[0].share
        s = max(g.num_occupied for g in ground_states)
        molecules = list(zip(ground_states, fitted, strict=True))
        pairs = [_virtual_occupied(f.coulomb, g.num_occupied, s) for g, f in molecules]
        self._pairs = stack_padded(pairs, dtype, device).flatten(2)  # [B, P, M * S]
        metrics = [fitted_metric(g, f.fitting, dtype) for g, f in molecules]
        self._metric = stack_padded(metrics, dtype, device)
        if self.exchange:
            each = [_exchange_integrals(f.exchange, g.num_occupied, s) for g, f in molecules if f.exchange is not None]
            virtual, occupied, mixed = (stack_padded(part, dtype, device) for part in zip(*each, strict=True))
            self._virtual = virtual.transpose(1, 2).flatten(2)  # [B, M, Q * M]
            self._occupied = occupied.flatten(1, 2)  # [B, Q * S, S]
            self._mixed = mixed.transpose(1, 2).flatten(2)  # [B, M, R * S]
            self._mixed_turned = mixed.mT.flatten(1, 2)  # [B, R * S, M]

    def __call__(self, orbitals: Tensor) -> Tensor:
        """L of occupied orbitals complex [B, M, S]: real symmetric [B, M, M], Hermitian with exact exchange."""
        even = self.even(orbitals)
        return torch.complex(even, self.odd(orbitals)) if self.exchange else even

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
        if self.exchange:
            direct, crossed = self._exchange(density)
            block -= 0.5 * self.exchange * (direct + crossed)
        return _filled(block, block.mT)

    def odd(self, orbitals: Tensor) -> Tensor:
        """Imaginary part of L, of the imaginary part of D; with exact exchange alone.

        Args:
            orbitals: Occupied orbitals, complex [B, M, S].

        Returns:
            Real antisymmetric [B, M, M], hartree.
        """
        density = 2.0 * real_outer(-1j * orbitals, orbitals[:, : orbitals.shape[2]])
        direct, crossed = self._exchange(density)
        block = -0.5 * self.exchange * (direct - crossed).double()
        return _filled(block, -block.mT)

    def _exchange(self, density: Tensor) -> tuple[Tensor, Tensor]:
        """(ab|ij) D_bj and (aj|ib) D_bj of real D, [B, M, S]."""
        b, m, s = density.shape
        density = density.to(self._mixed.dtype)
        moved = (self._occupied @ density.mT).reshape(b, -1, s, m).transpose(2, 3)  # [B, Q, M, S]
        turned = (self._mixed_turned @ density).reshape(b, -1, s, s).transpose(2, 3)  # [B, Q, S(j), S(i)]
        return self._virtual @ moved.flatten(1, 2), self._mixed @ turned.flatten(1, 2)


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


def _exchange_integrals(
    integrals: np.ndarray, num_occupied: int, columns: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(ab| and |ij) in the combinations that occupied pairs need, and (aj| in those that mixed pairs need."""
    occupied, virtual = slice(None, num_occupied), slice(num_occupied, None)
    direct = _strongest(integrals, integrals[:, occupied, occupied])
    mixed = _strongest(integrals, integrals[:, virtual, occupied])
    ab, ij = np.zeros_like(direct), np.zeros((len(direct), columns, columns))
    ab[:, virtual, virtual] = direct[:, virtual, virtual]
    ij[:, occupied, occupied] = direct[:, occupied, occupied]
    return ab, ij, _virtual_occupied(mixed, num_occupied, columns)


def _strongest(integrals: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Combinations [Q, M, M] of fitting functions that matter to the given pairs."""
    flat = pairs.reshape(len(pairs), -1)
    values, vectors = scipy.linalg.eigh(flat @ flat.T)
    kept = vectors[:, values > EXCHANGE_CUT * values[-1]]
    return np.tensordot(kept.T, integrals, 1)


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
