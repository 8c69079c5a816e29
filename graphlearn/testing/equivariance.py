"""Does a function turn its output when its input turns?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from graphlearn.nn import wigner_d
from graphlearn.testing.precision import cast, in_dtype, relative_error

TOLERANCE = {torch.float32: 1e-4, torch.float64: 1e-10}


def assert_equivariant(
    function: Callable[..., Tensor],
    inputs: Sequence[Any],
    kinds: Sequence[str | None],
    output: str | None,
    *,
    rotations: int = 3,
    inversion: bool = False,
    tolerance: dict[torch.dtype, float] | None = None,
    seed: int = 0,
) -> dict[torch.dtype, float]:
    r"""Assert that :math:`f(Rx) = R f(x)` for random rotations R, in float32 and in float64.

    Kinds of inputs, and of the output:

    - None: not changed by a rotation, for example features, edge lists, energies;
    - ``"vector"``: ``[..., 3]``, turned (x, y, z);
    - ``"position"``: like a vector, and shifted by the same random vector in every input (not for the output);
    - ``"degrees"``: ``[..., (lmax+1)**2, channels]``, degrees 0 to lmax in e3nn's order, as in :mod:`graphlearn.nn`;
    - irreps in e3nn's notation, for example ``"8x0e + 4x1o"``: ``[..., dim]``.

    Args:
        function: A module (copied, and run in both precisions) or any function of tensors.
        inputs: Its arguments.
        kinds: One kind an argument.
        output: Kind of the result.
        rotations: Number of random rotations.
        inversion: Turn space inside out as well: vectors change sign, degree l takes :math:`(-1)^l`.
        tolerance: Largest error allowed in each precision, relative to the largest value of the output.
        seed: Seed of rotations and shifts.

    Returns:
        The largest relative error in each precision.

    Raises:
        AssertionError: if an error is above its tolerance; it says in which precision, and how large.

    Example:
        >>> from graphlearn.nn import DegreeLinear
        >>> errors = assert_equivariant(DegreeLinear(2, 8, 4), [torch.randn(5, 9, 8)], ["degrees"], "degrees")
        >>> errors[torch.float64] < 1e-12
        True
    """
    if len(inputs) != len(kinds):
        raise ValueError(f"{len(inputs)} inputs but {len(kinds)} kinds; give one kind an input")
    generator = torch.Generator().manual_seed(seed)
    errors: dict[torch.dtype, float] = {}
    turns = [(random_rotation(generator), torch.randn(3, generator=generator).double()) for _ in range(rotations)]
    for dtype, allowed in (tolerance or TOLERANCE).items():
        run = in_dtype(function, dtype)
        given = [cast(value, dtype) for value in inputs]
        straight = run(*given)
        worst = 0.0
        for rotation, shift in turns:
            matrix = -rotation if inversion else rotation
            turned = [_turn(v, kind, matrix, shift) for v, kind in zip(given, kinds, strict=True)]
            worst = max(worst, relative_error(run(*turned), _turn(straight, output, matrix, None)))
        errors[dtype] = worst
        if not worst <= allowed:
            raise AssertionError(f"not equivariant: relative error {worst:.1e} in {dtype}, allowed {allowed:.1e}")
    return errors


def random_rotation(generator: torch.Generator | None = None) -> Tensor:
    """A uniformly random rotation matrix, float64 ``[3, 3]``."""
    q, r = torch.linalg.qr(torch.randn(3, 3, generator=generator, dtype=torch.float64))
    q = q * r.diagonal().sign()
    return q * torch.linalg.det(q).sign()


def _turn(value: Any, kind: str | None, matrix: Tensor, shift: Tensor | None) -> Any:
    if kind is None:
        return value
    matrix = matrix.to(value)
    if kind == "vector":
        return value @ matrix.T
    if kind == "position":
        if shift is None:
            raise ValueError("an output has no kind 'position'; subtract a position, or use 'vector'")
        return value @ matrix.T + shift.to(value)
    sign = torch.linalg.det(matrix).round()
    if kind == "degrees":
        lmax = round(value.size(-2) ** 0.5) - 1
        blocks = wigner_d((sign * matrix).double().unsqueeze(0), lmax)
        turn = torch.block_diag(*(block[0] * sign**degree for degree, block in enumerate(blocks)))
        return turn.to(value) @ value
    from e3nn import o3

    try:
        irreps = o3.Irreps(kind)
    except ValueError:
        raise ValueError(
            f"unknown kind {kind!r}: None, 'vector', 'position', 'degrees', or irreps as '8x0e + 4x1o'"
        ) from None
    return value @ irreps.D_from_matrix(matrix.double().cpu()).to(value).T
