"""Linear response of exact exchange between virtual and occupied orbitals, as one matrix or in factors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import scipy.linalg
import torch
from torch import Tensor

from tdddft.electronic.batched_matrices import stack_padded

EXCHANGE_CUT = 1e-3  # of the strongest combination of fitting functions
LARGEST_MATRIX = 4e7  # elements; beyond it the factors take less memory, and soon less time


class ExchangeKernel(Protocol):
    r"""Exact exchange of a change of the density D between virtual b and occupied j.

    .. math:: L_{mi} = -\tfrac{c_x}{2} \sum_{bj} \left[(mb|ij)\, D_{bj} + (mj|ib)\, D^*_{bj}\right]

    Shapes: L rows, M orbitals, S occupied ones. Elements between two occupied orbitals are given by halves: adding the
    mirror image makes them whole.
    """

    def even(self, density: Tensor) -> Tensor:
        """The response to real D [L, M, S], real [L, M, S]."""

    def odd(self, density: Tensor) -> Tensor:
        """The imaginary part of the response to i D with real D [L, M, S], real [L, M, S]."""


def exchange_kernel(
    integrals: Sequence[np.ndarray], occupied: Sequence[int], share: float, dtype: torch.dtype, device: torch.device
) -> ExchangeKernel:
    """The cheaper of the two ways.

    Args:
        integrals: Fitted integrals between orbitals, float64 [P, M, M], of each row.
        occupied: Number of occupied orbitals of each row.
        share: The factor c_x.
        dtype: Of the products.
        device: Where to compute.

    Returns:
        The kernel.
    """
    pairs = (max(i.shape[-1] for i in integrals) - min(occupied)) * max(occupied)
    way = DenseExchange if pairs**2 <= LARGEST_MATRIX else FactoredExchange
    return way(integrals, occupied, share, dtype, device)


class DenseExchange:
    """:class:`ExchangeKernel` as a matrix between pairs; see :func:`exchange_kernel` for the arguments."""

    def __init__(
        self, integrals: Sequence[np.ndarray], occupied: Sequence[int], share: float, dtype: torch.dtype,
        device: torch.device,
    ) -> None:  # fmt: skip
        self._lowest, columns = min(occupied), max(occupied)
        orbitals = max(i.shape[-1] for i in integrals)
        shape = (len(integrals), orbitals, columns, orbitals - self._lowest, columns)
        even, odd = torch.zeros(shape, dtype=dtype), torch.zeros(shape, dtype=dtype)
        for row, (b, s) in enumerate(zip(integrals, occupied, strict=True)):
            m = b.shape[-1]
            place = (row, slice(m), slice(s), slice(s - self._lowest, m - self._lowest), slice(s))
            direct, crossed = (part.reshape(m, s, m - s, s) for part in exchange_blocks(b, s, 0.5 * share, dtype))
            even[place], odd[place] = -(direct + crossed), crossed - direct
            even[row, :s] *= 0.5
            odd[row, :s] *= 0.5
        self._even, self._odd = (part.flatten(3).flatten(1, 2).to(device) for part in (even, odd))

    def even(self, density: Tensor) -> Tensor:
        """See :meth:`ExchangeKernel.even`."""
        return self._product(self._even, density)

    def odd(self, density: Tensor) -> Tensor:
        """See :meth:`ExchangeKernel.odd`."""
        return self._product(self._odd, density)

    def _product(self, matrix: Tensor, density: Tensor) -> Tensor:
        virtual = density[:, self._lowest :].reshape(len(matrix), -1, 1)
        return (matrix @ virtual.to(matrix.dtype)).view(density.shape).to(density.dtype)


class FactoredExchange:
    """:class:`ExchangeKernel` in the strongest combinations of fitting functions, for virtual m alone.

    It is for large molecules, where the matrix would be too large.

    See :func:`exchange_kernel` for the arguments.
    """

    def __init__(
        self, integrals: Sequence[np.ndarray], occupied: Sequence[int], share: float, dtype: torch.dtype,
        device: torch.device,
    ) -> None:  # fmt: skip
        columns = max(occupied)
        each = [_factors(i, s, columns) for i, s in zip(integrals, occupied, strict=True)]
        virtual, pairs, mixed = (stack_padded(part, dtype, device) for part in zip(*each, strict=True))
        self._factor = -0.5 * share
        self._virtual = virtual.transpose(1, 2).flatten(2)  # [L, M, Q * M]
        self._occupied = pairs.flatten(1, 2)  # [L, Q * S, S]
        self._mixed = mixed.transpose(1, 2).flatten(2)  # [L, M, R * S]
        self._mixed_turned = mixed.mT.flatten(1, 2)  # [L, R * S, M]

    def even(self, density: Tensor) -> Tensor:
        """See :meth:`ExchangeKernel.even`."""
        direct, crossed = self._parts(density)
        return (self._factor * (direct + crossed)).to(density.dtype)

    def odd(self, density: Tensor) -> Tensor:
        """See :meth:`ExchangeKernel.odd`."""
        direct, crossed = self._parts(density)
        return (self._factor * (direct - crossed)).to(density.dtype)

    def _parts(self, density: Tensor) -> tuple[Tensor, Tensor]:
        """(ab|ij) D_bj and (aj|ib) D_bj, [L, M, S]."""
        b, m, s = density.shape
        density = density.to(self._mixed.dtype)
        moved = (self._occupied @ density.mT).reshape(b, -1, s, m).transpose(2, 3)  # [L, Q, M, S]
        turned = (self._mixed_turned @ density).reshape(b, -1, s, s).transpose(2, 3)  # [L, Q, S(j), S(i)]
        return self._virtual @ moved.flatten(1, 2), self._mixed @ turned.flatten(1, 2)


def exchange_blocks(integrals: np.ndarray, occupied: int, share: float, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Exact exchange between pairs: c (mb|jn) and c (mj|bn), each [M S, V S].

    Args:
        integrals: Fitted integrals in orbitals, float64 [P, M, M].
        occupied: Number S of occupied orbitals.
        share: The factor c.
        dtype: Of the products.

    Returns:
        Direct and crossed block.
    """
    size, m = integrals.shape[:2]
    b = torch.as_tensor(integrals).to(dtype)
    vo, oo, mv = b[:, occupied:, :occupied], b[:, :occupied, :occupied], b[:, :, occupied:]
    mo = b[:, :, :occupied]
    v, s = m - occupied, occupied
    direct = (mv.reshape(size, -1).T @ (share * oo).reshape(size, -1)).reshape(m, v, s, s)  # (m b| j n)
    crossed = (mo.reshape(size, -1).T @ (share * vo).reshape(size, -1)).reshape(m, s, v, s)  # (m j| b n)
    return direct.permute(0, 3, 1, 2).reshape(m * s, v * s), crossed.permute(0, 3, 2, 1).reshape(m * s, v * s)


def _factors(integrals: np.ndarray, num_occupied: int, columns: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(ab| and |ij) in the combinations that occupied pairs need, and (aj| in those that mixed pairs need."""
    occupied, virtual = slice(None, num_occupied), slice(num_occupied, None)
    direct = _strongest(integrals, integrals[:, occupied, occupied])
    strongest = _strongest(integrals, integrals[:, virtual, occupied])
    ab, ij = np.zeros_like(direct), np.zeros((len(direct), columns, columns))
    ab[:, virtual, virtual] = direct[:, virtual, virtual]
    ij[:, occupied, occupied] = direct[:, occupied, occupied]
    mixed = np.zeros((*strongest.shape[:2], columns))
    mixed[:, virtual, occupied] = strongest[:, virtual, occupied]
    return ab, ij, mixed


def _strongest(integrals: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Combinations [Q, M, M] of fitting functions that matter to the given pairs."""
    flat = pairs.reshape(len(pairs), -1)
    values, vectors = scipy.linalg.eigh(flat @ flat.T)
    kept = vectors[:, values > EXCHANGE_CUT * values[-1]]
    return np.tensordot(kept.T, integrals, 1)
