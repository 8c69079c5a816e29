"""Rotations that turn every edge onto the polar axis, and their action on spherical-harmonic features."""

from __future__ import annotations

import torch
from torch import Tensor

from graphlearn.nn.constants import constant
from graphlearn.nn.equivariant.irreps import check_shape, edge_order, num_components, wigner_3j


def unit_vectors(vectors: Tensor) -> Tensor:
    """Directions of vectors of any length, ``[..., 3]``; zero vectors stay zero."""
    largest = vectors.abs().amax(-1, keepdim=True)
    tiny = (largest > 0) & (largest < 1e-6)  # the squares would be lost
    return torch.nn.functional.normalize(vectors / torch.where(tiny, largest, 1.0), dim=-1)


def edge_frames(edge_vec: Tensor) -> Tensor:
    r"""Rotation matrices R with :math:`R\,\hat{r} = \hat{y}`, e3nn's polar axis.

    The roll about the edge is fixed by the edge direction alone, so equal inputs give equal frames; layers that
    commute with rotations about the polar axis do not depend on it.

    Args:
        edge_vec: Edge vectors, [E, 3].

    Returns:
        [E, 3, 3], orthogonal with determinant one; zero for an edge of length zero, which has no direction.

    Source: Duff et al., Building an Orthonormal Basis, Revisited, JCGT 6(1), 2017.
    """
    x, y, z = unit_vectors(edge_vec).unbind(-1)
    sign = torch.where(z < 0, -torch.ones_like(z), torch.ones_like(z))
    a = -1.0 / (sign + z)
    b = x * y * a
    first = torch.stack([1.0 + sign * x * x * a, sign * b, -sign * x], dim=-1)
    second = torch.stack([b, sign + y * y * a, -y], dim=-1)
    frames = torch.stack([second, torch.stack([x, y, z], dim=-1), first], dim=-2)
    return frames * (edge_vec != 0).any(-1)[:, None, None]


def wigner_d(rotation: Tensor, lmax: int) -> list[Tensor]:
    r"""Wigner D matrices of rotation matrices, by coupling rather than by angles.

    .. math:: D^{l}_{mm'} = (2l+1) \sum w_{abm}\, R_{aa'}\, D^{l-1}_{bb'}\, w_{a'b'm'}, \qquad D^1 = R

    with w the 3j symbols of (1, l-1, l): a polynomial in R, exact at every direction and in every precision.

    Args:
        rotation: [E, 3, 3].
        lmax: Highest degree.

    Returns:
        One tensor [E, 2l+1, 2l+1] for each l = 0..lmax, in e3nn's convention.
    """
    matrices = [torch.ones_like(rotation[:, :1, :1]), rotation]
    for l in range(2, lmax + 1):
        symbols = constant(wigner_3j, 1, l - 1, l, like=rotation).flatten(0, 1)  # [3 (2l-1), 2l+1]
        product = torch.einsum("eac,ebd->eabcd", rotation, matrices[l - 1]).flatten(3, 4).flatten(1, 2)
        matrices.append((2 * l + 1) * (symbols.T @ product @ symbols))
    return matrices[: lmax + 1]


class EdgeRotation:
    """Rotates features between the global frame (e3nn's order) and the frames of edges (edge order).

    An edge of length zero (a self-loop, two atoms at one place) has no frame: only degree 0 passes along it, which
    keeps every layer equivariant.

    Args:
        edge_vec: Edge vectors [E, 3].
        lmax: Highest degree.
    """

    def __init__(self, edge_vec: Tensor, lmax: int) -> None:
        check_shape(edge_vec, (edge_vec.size(0), 3), "edge_vec")
        self.lmax = lmax
        self._blocks = wigner_d(edge_frames(edge_vec), lmax)
        self._matrices: dict[tuple[int, bool, bool], Tensor] = {}

    @property
    def num_edges(self) -> int:
        """Number of edges."""
        return self._blocks[0].size(0)

    def matrix(self, lmax: int) -> Tensor:
        """Rotation into edge order up to ``lmax``, [E, K, K] with K = (lmax + 1)**2."""
        self._check_degree(lmax)
        inference = not torch.compiler.is_compiling() and torch.is_inference_mode_enabled()
        mode = lmax, torch.is_grad_enabled(), inference  # what was made without gradients serves no call with them
        if mode not in self._matrices:
            blocks = self._blocks[: lmax + 1]
            full = blocks[0].new_zeros(self.num_edges, num_components(lmax), num_components(lmax))
            for l, block in enumerate(blocks):
                full[:, l * l : (l + 1) ** 2, l * l : (l + 1) ** 2] = block
            self._matrices[mode] = full[:, edge_order(lmax)].contiguous()
        return self._matrices[mode]

    def degree(self, l: int) -> Tensor:
        """Wigner matrices of one degree in e3nn's order, [E, 2l+1, 2l+1]; rows belong to the frame of the edge."""
        self._check_degree(l)
        return self._blocks[l]

    def into_edge(self, x: Tensor, lmax: int) -> Tensor:
        """Features in the frames of the edges.

        Args:
            x: Features in e3nn's order, ``[E, S, K, C]`` with K = (lmax + 1)**2.
            lmax: Highest degree.

        Returns:
            ``[E, S, K, C]`` in edge order.

        Raises:
            ValueError: for another number of edges, or a degree that this rotation does not hold.
        """
        self._check_edges(x)
        return torch.matmul(self.matrix(lmax).unsqueeze(1), x)

    def out_of_edge(self, x: Tensor, lmax: int) -> Tensor:
        """Features in the global frame, the inverse of :meth:`into_edge`.

        Args:
            x: Features in edge order, ``[E, S, K, C]`` with K = (lmax + 1)**2.
            lmax: Highest degree.

        Returns:
            ``[E, S, K, C]`` in e3nn's order.

        Raises:
            ValueError: for another number of edges, or a degree that this rotation does not hold.
        """
        self._check_edges(x)
        return torch.matmul(self.matrix(lmax).transpose(1, 2).unsqueeze(1), x)

    def spread_scalars(self, x: Tensor, lmax: int) -> Tensor:
        """Features of m = 0 in the frames of the edges, turned into the global frame.

        Args:
            x: One row per degree, ``[E, lmax + 1, C]``.
            lmax: Highest degree.

        Returns:
            ``[E, (lmax + 1)**2, C]`` in e3nn's order.

        Raises:
            ValueError: for another number of edges, or a degree that this rotation does not hold.
        """
        self._check_edges(x)
        return torch.bmm(self.matrix(lmax)[:, : lmax + 1].transpose(1, 2), x)

    def _check_degree(self, l: int) -> None:
        if not 0 <= l <= self.lmax:
            raise ValueError(
                f"this rotation holds degrees 0 to {self.lmax}, but degree {l} is needed; "
                f"make it with EdgeRotation(edge_vec, {l})"
            )

    def _check_edges(self, x: Tensor) -> None:
        if x.size(0) != self.num_edges:
            raise ValueError(f"this rotation is that of {self.num_edges} edges, but there are features of {x.size(0)}")
