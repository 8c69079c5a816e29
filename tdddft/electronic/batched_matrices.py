"""Small operations on batches of matrices that every part of the propagation needs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


def stack_padded(arrays: Sequence[np.ndarray], dtype: torch.dtype, device: torch.device) -> Tensor:
    """Arrays of one rank and different sizes as one tensor [B, ...], filled up with zeros.

    Args:
        arrays: B arrays of the same rank.
        dtype: Of the result.
        device: Of the result.

    Returns:
        Tensor [B, ...] with the largest length of each axis.
    """
    if len(arrays) == 1:
        return torch.as_tensor(arrays[0]).to(device, dtype)[None]
    shape = np.max([a.shape for a in arrays], axis=0)
    out = torch.zeros((len(arrays), *shape), dtype=dtype, device=device)
    for row, array in zip(out, arrays, strict=True):
        row[tuple(slice(n) for n in array.shape)] = torch.as_tensor(array).to(device, dtype)
    return out


def product(matrix: Tensor, vectors: Tensor) -> Tensor:
    """Real or complex matrices [B, N, M] times complex vectors [B, M, S].

    Args:
        matrix: Real or complex [B, N, M].
        vectors: Complex [B, M, S].

    Returns:
        Complex [B, N, S].
    """
    if matrix.is_complex():
        return matrix @ vectors
    b, m, s = vectors.shape
    pairs = matrix @ torch.view_as_real(vectors.resolve_conj().contiguous()).reshape(b, m, 2 * s)
    return torch.view_as_complex(pairs.reshape(b, -1, s, 2))


def real_outer(a: Tensor, b: Tensor) -> Tensor:
    """Re(A B^dagger).

    Args:
        a: Complex [B, M, S].
        b: Complex [B, N, S].

    Returns:
        Real [B, M, N].
    """
    return torch.view_as_real(a.contiguous()).flatten(2) @ torch.view_as_real(b.contiguous()).flatten(2).mT


def trace_product(a: Tensor, b: Tensor) -> Tensor:
    """Re tr(A^dagger B) of each pair of matrices, float64 [B].

    Args:
        a: Real or complex [B, M, M].
        b: Real or complex [B, M, M].

    Returns:
        float64 [B].
    """
    if a.is_complex() and b.is_complex():
        return (a.real * b.real + a.imag * b.imag).sum((-2, -1))
    return (a.real * b.real).sum((-2, -1))
