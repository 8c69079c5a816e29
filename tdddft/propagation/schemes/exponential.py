"""Action of matrix exponentials on the occupied orbitals."""

from __future__ import annotations

import math

import torch
from torch import Tensor

LARGEST_PIECE = 4.0
ROUNDING = 1e-17


def exponential_action(matrix: Tensor, vectors: Tensor, dt_au: float) -> Tensor:
    r""":math:`e^{-i \Delta t\, H} X` for Hermitian H [B, M, M] and complex X [B, M, S], summed to rounding.

    Taylor series of the shifted and, where its norm asks for it, divided matrix: only products with the occupied block,
    no diagonalisation. The result is unitary to rounding.

    Args:
        matrix: Hermitian, real or complex [B, M, M], hartree.
        vectors: Complex [B, M, S].
        dt_au: Time step, atomic units.

    Returns:
        Complex [B, M, S].
    """
    diagonal = matrix.diagonal(dim1=-2, dim2=-1).real
    shift = 0.5 * (diagonal.amax(-1) + diagonal.amin(-1))
    shifted = matrix - torch.diag_embed(shift[:, None].expand_as(diagonal)).to(matrix.dtype)
    norm = abs(dt_au) * float(torch.linalg.matrix_norm(shifted, ord=1).max())
    pieces = max(1, math.ceil(norm / LARGEST_PIECE))
    result = vectors
    for _ in range(pieces):
        result = taylor(shifted, result, dt_au / pieces, norm / pieces)
    return result * torch.exp(-1j * dt_au * shift)[:, None, None]


def taylor(matrix: Tensor, vectors: Tensor, dt_au: float, norm: float) -> Tensor:
    r""":math:`\sum_k (-i \Delta t\, H)^k X / k!` with as many terms as a norm of :math:`\Delta t\, H` asks for.

    Args:
        matrix: Real or complex [B, M, M], hartree.
        vectors: Complex [B, M, S].
        dt_au: Time step, atomic units.
        norm: Upper bound of the norm of the matrix times the step.

    Returns:
        Complex [B, M, S].
    """
    if matrix.is_complex():
        return _series(matrix, vectors, -1j * dt_au, norm)[0]
    b, m, s = vectors.shape
    pairs = torch.view_as_real(vectors.contiguous()).reshape(b, m, 2 * s)
    even, odd = (torch.view_as_complex(part.reshape(b, m, s, 2)) for part in _series(matrix, pairs, dt_au, norm))
    return even - 1j * odd


def _series(matrix: Tensor, vectors: Tensor, factor: complex, norm: float) -> tuple[Tensor, Tensor]:
    """The exponential series; for a real factor its even and odd parts with the signs of cosine and sine."""
    power, coefficient, size = vectors, 1.0 + 0.0 * factor, 1.0
    even, odd = vectors.clone(), torch.zeros_like(vectors)
    real = not isinstance(factor, complex)
    for order in range(1, 100):
        size *= norm / order
        if size < ROUNDING:
            break
        power = matrix @ power
        coefficient = coefficient * factor / order
        sign = -1.0 if real and order % 4 in (2, 3) else 1.0
        (odd if real and order % 2 else even).add_(power, alpha=sign * coefficient)
    return even, odd
