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
KERNEL_CUT = 3e-4  # of the strongest combination; leaves out 0.07 % of the response, the fit some per cent
DEPENDENT = 1e-12
POINTS_AT_ONCE = 256  # few, so that they lie close together and most fitting functions are far away
FAR = 1e-4  # largest value and slope of a fitting function that is left out


class LinearKernel:
    r"""Linear response of the Fock matrix between all orbitals m and the occupied n, in the space of the fit.

    .. math:: L_{mn} = 2 \sum_{PQ} B_{P,mn} (1 + f)_{PQ} \sum_{bj} B_{Q,bj}\, \mathrm{Re}\, D_{bj}
              - \tfrac{c_x}{2} \sum_{bj} \left[(mb|nj) D_{bj} + (mj|nb) D^*_{bj}\right]

    f is the exchange-correlation kernel of the ground state between fitting functions, of which the strongest
    combinations are taken (:func:`strongest_pairs`); exact exchange is that of
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
        pairs, strengths = [], []
        for number, (g, each) in enumerate(zip(ground_states, fitted, strict=True)):
            blocks = [f.occupied for f in each]
            metric = fitted_metric(g, each[0].fitting, dtype)
            if reaction is not None:
                more = [w[:, :, : c.num_occupied] for w, c in zip(reaction[number], g.channels, strict=True)]
                blocks = [np.concatenate(both) for both in zip(blocks, more, strict=True)]
                metric = with_solvent(metric, len(more), len(more[0]))
            rows, strength = strongest_pairs(blocks, metric, KERNEL_CUT)
            pairs += [_by_halves(row, s) for row in rows]
            strengths.append(strength)
        self._pairs = stack_padded(pairs, dtype, device).flatten(2)  # [L, R, M * S]
        self._strengths = stack_padded(strengths, dtype, device).unsqueeze(1)  # [B, 1, R]
        virtual = [np.arange(c.orbitals.shape[1])[:, None] >= c.num_occupied for c in channels]
        self._virtual = stack_padded(virtual, torch.float64, device)  # [L, M, 1]
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
        fitted = self._pairs @ (density * self._virtual).reshape(b, -1, 1).to(self._pairs.dtype)
        spins = b // len(self._strengths)
        seen = self._strengths * fitted.view(b // spins, spins, fitted.shape[1]).sum(1, keepdim=True)
        block = (seen.repeat_interleave(spins, 0) @ self._pairs).reshape(b, m, s).double()
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


def strongest_pairs(
    integrals: Sequence[np.ndarray], metric: np.ndarray, cut: float
) -> tuple[list[np.ndarray], np.ndarray]:
    r"""A kernel between pairs of orbitals by its strongest eigenvectors, :math:`B^T M B \approx W^T \lambda W`.

    Args:
        integrals: B of each spin between all orbitals and occupied ones, float64 [P, M, S].
        metric: M between the fitting functions of all spins, symmetric, float64 [spins P, spins P].
        cut: Eigenvalues below this share of the largest are left out.

    Returns:
        W of each spin, float64 [R, M, S], whose rows are orthonormal over the virtual M of all spins, and the
        eigenvalues, float64 [R].
    """
    halves = []
    for block in integrals:
        pairs = block[:, block.shape[2] :].reshape(len(block), -1)
        values, vectors = scipy.linalg.eigh(pairs @ pairs.T)
        kept = values > DEPENDENT * values[-1]
        halves.append(vectors[:, kept] * np.sqrt(values[kept]))
    half = scipy.linalg.block_diag(*halves)
    strengths, turn = scipy.linalg.eigh(half.T @ metric @ half)
    strong = np.abs(strengths) > cut * np.abs(strengths).max(initial=0.0)
    seen = ((half @ turn[:, strong]) / strengths[strong]).T @ metric
    parts = np.split(seen, len(integrals), axis=1)
    return [np.tensordot(part, block, 1) for part, block in zip(parts, integrals, strict=True)], strengths[strong]


def _by_halves(rows: np.ndarray, columns: int) -> np.ndarray:
    """Rows [R, M, S] with as many columns, those between two occupied orbitals by halves."""
    out = np.pad(rows, ((0, 0), (0, 0), (0, columns - rows.shape[2])))
    out[:, : rows.shape[2]] *= 0.5
    return out


def coulomb_metric(ground_state: GroundState, size: int) -> np.ndarray:
    """As :func:`fitted_metric`, of the Coulomb interaction alone.

    Args:
        ground_state: Its channels are counted.
        size: Fitting functions of all channels, C P.

    Returns:
        float64 [C P, C P].
    """
    channels = len(ground_state.channels)
    return np.kron(np.ones((channels, channels)), 2.0 * np.eye(size // channels))


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
    identity = coulomb_metric(ground_state, spins * size)
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
    integrated = {block: np.zeros((size, size)) for block in blocks}
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
        fits = numint.eval_ao(auxiliary, part, deriv=1)[: second.shape[1]]
        near = np.flatnonzero(np.abs(fits).max(axis=(0, 1)) > FAR)
        fits = torch.as_tensor(fits[:, :, near]).to(dtype)
        for a, b in blocks:
            rows = torch.as_tensor(second[a, :, b]).to(dtype)
            weighted = torch.stack([sum_rows(row, fits) for row in rows])
            integrated[a, b][np.ix_(near, near)] += (fits.flatten(0, 1).T @ weighted.flatten(0, 1)).numpy()
    metric = identity.reshape(spins, size, spins, size)
    for (a, b), block in integrated.items():
        half = scipy.linalg.solve_triangular(lower, block, lower=True)
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
