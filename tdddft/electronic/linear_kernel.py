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
    :class:`tdddft.propagation.schemes.Multirate` adds what it leaves out. In an open shell f is a matrix of the spins
    too, and the exchange of a spin has twice the factor. Shapes: L rows, one per closed-shell molecule, alpha and beta
    of an open-shell one.

    Args:
        ground_states: One or more of the same level of theory.
        fitted: Integrals of each, one per channel.
        dtype: Of the matrix products.
        device: Where to compute.
        reaction: Factors of the response of a solvent, :func:`tdddft.electronic.solvent.reaction_field` of each; those
            of a molecule are as many for alpha as for beta electrons.
    """

    def __init__(
        self,
        ground_states: Sequence[GroundState],
        fitted: Sequence[Sequence[FittedIntegrals]],
        dtype: torch.dtype,
        device: torch.device,
        reaction: Sequence[Sequence[np.ndarray]] | None = None,
    ) -> None:
        channels = [channel for g in ground_states for channel in g.channels]
        occupied, self.occupation = [c.num_occupied for c in channels], channels[0].occupation
        integrals = [f for each in fitted for f in each]
        s = max(occupied)
        pairs = [_virtual_occupied(f.coulomb, n, s) for f, n in zip(integrals, occupied, strict=True)]
        metrics = [fitted_metric(g, each[0].fitting, dtype) for g, each in zip(ground_states, fitted, strict=True)]
        if reaction is not None:
            more = [_virtual_occupied(w, n, s) for w, n in zip((w for e in reaction for w in e), occupied, strict=True)]
            pairs = [np.concatenate(both) for both in zip(pairs, more, strict=True)]
            metrics = [with_solvent(m, len(e), len(e[0])) for m, e in zip(metrics, reaction, strict=True)]
        self._pairs = stack_padded(pairs, dtype, device).flatten(2)  # [L, P, M * S]
        self._metric = stack_padded(metrics, dtype, device)
        arrays = [f.exchange for f in integrals if f.exchange is not None]
        share = 2.0 * integrals[0].share / self.occupation
        self._exchange = exchange_kernel(arrays, occupied, share, dtype, device) if arrays else None

    def __call__(self, orbitals: Tensor) -> Tensor:
        """L of occupied orbitals complex [L, M, S]: real symmetric [L, M, M], Hermitian with exact exchange."""
        even, odd = self.even(orbitals), self.odd(orbitals)
        return even if odd is None else torch.complex(even, odd)

    def even(self, orbitals: Tensor) -> Tensor:
        """Real part of L, of the real part of D.

        Args:
            orbitals: Occupied orbitals, complex [L, M, S].

        Returns:
            Real symmetric [L, M, M], hartree.
        """
        b, m, s = orbitals.shape
        density = self.occupation * real_outer(orbitals, orbitals[:, :s])
        fitted = self._pairs @ density.reshape(b, -1, 1).to(self._pairs.dtype)
        seen = self._metric @ fitted.reshape(len(self._metric), -1, 1)  # of both spins of an open shell
        block = (seen.reshape(b, 1, -1) @ self._pairs).reshape(b, m, s).double()
        if self._exchange is not None:
            block += self._exchange.even(density)
        return _filled(block, block.mT)

    def odd(self, orbitals: Tensor) -> Tensor | None:
        """Imaginary part of L, of the imaginary part of D; None without exact exchange.

        Args:
            orbitals: Occupied orbitals, complex [L, M, S].

        Returns:
            Real antisymmetric [L, M, M], hartree.
        """
        if self._exchange is None:
            return None
        block = self._exchange.odd(self.occupation * real_outer(-1j * orbitals, orbitals[:, : orbitals.shape[2]]))
        return _filled(block, -block.mT)


def with_solvent(metric: np.ndarray, spins: int, factors: int) -> np.ndarray:
    """The metric with the response of a solvent behind the fitting functions of each spin.

    Args:
        metric: Of :func:`fitted_metric`, float64 [spins P, spins P].
        spins: Channels of the molecule.
        factors: Number of factors of the response.

    Returns:
        float64 [spins (P + G), spins (P + G)].
    """
    size = len(metric) // spins
    out = np.zeros((spins, size + factors, spins, size + factors))
    out[:, :size, :, :size] = metric.reshape(spins, size, spins, size)
    out[:, size:, :, size:] = -2.0 * np.eye(factors)[:, None]
    return out.reshape(spins * (size + factors), -1)


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
        float64 [P, P], for an open shell [2 P, 2 P], alpha before beta; without f for Hartree-Fock, and where PySCF
        dropped dependent fitting functions.
    """
    functional, spins = ground_state.method.functional, len(ground_state.channels)
    size = fitting.get_naoaux()
    identity = np.kron(np.ones((spins, spins)), 2.0 * np.eye(size))
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
    blocks = [(a, b) for a in range(spins) for b in range(a, spins)]
    integrated = {block: torch.zeros((size, size), dtype=torch.float64) for block in blocks}
    numint = dft.numint.NumInt()
    for i in range(0, len(weights), POINTS_AT_ONCE):
        part = points[i : i + POINTS_AT_ONCE]
        values = numint.eval_ao(ground_state.mol, part, deriv=1)
        density = np.array(
            [
                numint.eval_rho(ground_state.mol, values, channel.density_matrix, xctype="GGA", hermi=1)
                for channel in ground_state.channels
            ]
        )
        second = xc_kernel(functional, density) * weights[i : i + len(part)]
        second[..., density[:, 0].min(0) < THIN_DENSITY / spins] = 0.0
        fits = torch.as_tensor(numint.eval_ao(auxiliary, part, deriv=1)[: second.shape[1]]).to(dtype)
        for a, b in blocks:
            for row, fit in zip(torch.as_tensor(second[a, :, b]).to(dtype), fits, strict=True):
                integrated[a, b] += fit.T @ sum_rows(row, fits)
    metric = identity.reshape(spins, size, spins, size)
    for (a, b), block in integrated.items():
        half = scipy.linalg.solve_triangular(lower, block.numpy(), lower=True)
        f = 2.0 * scipy.linalg.solve_triangular(lower, half.T, lower=True).T
        metric[a, :, b] += f
        if a != b:
            metric[b, :, a] += f.T
    return identity


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
