"""The electron density matrix of a pair of atoms as spherical-harmonic features."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from graphlearn.nn.constants import ConstantBuffers
from graphlearn.nn.equivariant.irreps import check_shape, num_components, wigner_3j


def coupling_matrix(shells: tuple[int, ...], lmax: int) -> Tensor:
    r"""Change of basis from products of orbitals to irreducible features.

    Products of shells :math:`(l_1, l_2)` couple to :math:`L = |l_1-l_2|..l_1+l_2`:
    :math:`w_{LM} = \sqrt{2L+1} \sum_{m_1 m_2} w^{l_1 l_2 L}_{m_1 m_2 M} M_{m_1 m_2}` with 3j symbols w.

    Args:
        shells: Radial channels of l = 0, 1, 2, ...
        lmax: Highest L kept.

    Returns:
        float64 [A * A, sum_L mult_L (2L+1)] with orthonormal columns, sorted by L, then multiplicity, then M. A is the
        number of orbitals, ordered by l, radial index, m.
    """
    offsets, start = [], 0
    for l, count in enumerate(shells):
        offsets.append([start + r * (2 * l + 1) for r in range(count)])
        start += count * (2 * l + 1)
    columns: list[list[Tensor]] = [[] for _ in range(lmax + 1)]
    for l1, rows1 in enumerate(offsets):
        for l2, rows2 in enumerate(offsets):
            for total in range(abs(l1 - l2), min(l1 + l2, lmax) + 1):
                symbols = wigner_3j(l1, l2, total) * (2 * total + 1) ** 0.5
                for a in rows1:
                    for b in rows2:
                        column = torch.zeros(start, start, 2 * total + 1, dtype=torch.float64)
                        column[a : a + 2 * l1 + 1, b : b + 2 * l2 + 1] = symbols
                        columns[total].append(column.flatten(0, 1))
    return torch.cat([c for group in columns for c in group], dim=1)


def multiplicities(shells: Sequence[int], lmax: int) -> list[int]:
    """How often each degree L = 0..lmax occurs among the products of two shells.

    Args:
        shells: Radial channels of l = 0, 1, 2, ...
        lmax: Highest degree L.

    Returns:
        One number per degree.
    """
    counts = [0] * (lmax + 1)
    for l1, n1 in enumerate(shells):
        for l2, n2 in enumerate(shells):
            for total in range(abs(l1 - l2), min(l1 + l2, lmax) + 1):
                counts[total] += n1 * n2
    return counts


class DensityEncoder(ConstantBuffers):
    r"""Density matrix blocks of atom pairs, linear in the change of the orbitals, as equivariant features.

    With :math:`C = C_0 + \beta\Delta` the constant and linear parts of :math:`D = \sum_n \eta_n C_n \otimes C_n^*` give
    1 + 2T channels for T frames of history,

    .. math::
        \sum_n \eta_n c_{0} \otimes c_{0}, \quad
        \sum_n \eta_n (c_{0} \otimes \mathrm{Re}\,\delta_t + \mathrm{Re}\,\delta_t \otimes c_{0}), \quad
        \sum_n \eta_n (\mathrm{Im}\,\delta_t \otimes c_{0} - c_{0} \otimes \mathrm{Im}\,\delta_t),

    summed over states first, coupled to irreducible features by one Clebsch-Gordan change of basis, then mixed by a
    linear map per degree.

    Args:
        shells: Radial channels of l = 0, 1, 2, for example (2, 2, 1) for a double-zeta polarised basis.
        num_frames: Frames of history T.
        channels: Output channels.
        lmax: Highest degree of the output.

    Shapes:
        - c0: ``[N, S, 9, R]``; delta: ``[N, S, 9, R, T, 2]`` (real, imaginary); occupations: ``[N, S]``, zero for
          padding
        - pairs: ``[2, P]``, left and right factor
        - output: ``[P, (lmax+1)**2, channels]``

    Source: OrbEvo-DM (arXiv 2603.03511); the contraction of QHNet (arXiv 2306.04922).
    """

    def __init__(self, shells: Sequence[int], num_frames: int, channels: int, *, lmax: int) -> None:
        super().__init__()
        highest = 2 * max((l for l, count in enumerate(shells) if count), default=0)
        if not 0 <= lmax <= highest:
            raise ValueError(f"lmax must be 0 to {highest} for shells {tuple(shells)}, got {lmax}")
        self.shells, self.num_frames, self.channels, self.lmax = tuple(shells), num_frames, channels, lmax
        self.multiplicities = multiplicities(self.shells, lmax)
        self.weight = nn.ParameterList(
            nn.Parameter(torch.empty(self.num_terms * count, channels)) for count in self.multiplicities
        )
        self.bias = nn.Parameter(torch.empty(channels))
        self._register_exact("coupling", coupling_matrix, self.shells, lmax)
        self.reset_parameters()

    @property
    def num_terms(self) -> int:
        """Blocks of the density matrix per pair: 1 + 2T."""
        return 1 + 2 * self.num_frames

    def reset_parameters(self) -> None:
        """Weights from N(0, 1/fan_in), zero bias."""
        for weight in self.weight:
            nn.init.normal_(weight, std=len(weight) ** -0.5)
        nn.init.zeros_(self.bias)

    def blocks(self, c0: Tensor, delta: Tensor, occupations: Tensor, pairs: Tensor) -> Tensor:
        """Density-matrix blocks of the pairs.

        Args:
            c0: Orbitals of the ground state, ``[N, S, 9, R]``.
            delta: Their changes, real and imaginary, ``[N, S, 9, R, T, 2]``.
            occupations: Electrons per orbital, ``[N, S]``; zero for padding.
            pairs: Atoms on the left and on the right, ``[2, P]``.

        Returns:
            Blocks ``[P, 1 + 2T, A, A]``: the constant one, then real parts, then imaginary parts of all frames.

        Raises:
            ValueError: for other shapes.
        """
        n, states, radial = c0.size(0), c0.size(1), max(self.shells)
        if c0.dim() != 4 or c0.size(2) < len(self.shells) ** 2 or c0.size(3) < radial:
            needed = f"[N, S, {len(self.shells) ** 2} or more, {radial} or more]"
            raise ValueError(f"c0 has shape {tuple(c0.shape)}; expected {needed} for shells {self.shells}")
        check_shape(delta, (*c0.shape, self.num_frames, 2), "delta")
        check_shape(occupations, (n, states), "occupations")
        still = pack_orbitals(c0.unsqueeze(-1), self.shells).squeeze(-1)  # [N, S, A]
        moving = pack_orbitals(delta.flatten(4), self.shells)  # [N, S, A, 2T]
        orbitals = moving.size(2)
        moving = moving.reshape(n, states, -1)
        left, right = pairs
        weight = occupations.index_select(0, left).unsqueeze(-1)
        still_left, still_right = still.index_select(0, left), still.index_select(0, right)
        weighted = (still_left * weight).transpose(1, 2)  # [P, A, S]
        constant = torch.bmm(weighted, still_right).unsqueeze(1)
        forward = torch.bmm(weighted, moving.index_select(0, right)).view(-1, orbitals, orbitals, self.num_frames, 2)
        moving_left = (moving.index_select(0, left) * weight).transpose(1, 2)
        backward = torch.bmm(moving_left, still_right).view(-1, orbitals, self.num_frames, 2, orbitals)
        forward, backward = forward.permute(0, 3, 4, 1, 2), backward.permute(0, 2, 3, 1, 4)
        real = forward[:, :, 0] + backward[:, :, 0]
        imaginary = backward[:, :, 1] - forward[:, :, 1]
        return torch.cat([constant, real, imaginary], dim=1)

    def couple(self, c0: Tensor, delta: Tensor, occupations: Tensor, pairs: Tensor) -> Tensor:
        """Irreducible parts of the blocks; no weights are involved.

        Args:
            c0: Orbitals of the ground state, ``[N, S, 9, R]``.
            delta: Their changes, real and imaginary, ``[N, S, 9, R, T, 2]``.
            occupations: Electrons per orbital, ``[N, S]``; zero for padding.
            pairs: Atoms on the left and on the right, ``[2, P]``.

        Returns:
            ``[P, 1 + 2T, columns of the coupling matrix]``.
        """
        blocks = self.blocks(c0, delta, occupations, pairs).flatten(2)  # [P, terms, A * A]
        return blocks @ self._exact("coupling", blocks)

    def mix(self, coupled: Tensor) -> Tensor:
        """Features [P, (lmax+1)**2, channels] from what :meth:`couple` gives, of this or of an equal encoder."""
        outputs, start = [], 0
        for l, (count, weight) in enumerate(zip(self.multiplicities, self.weight, strict=True)):
            width = count * (2 * l + 1)
            part = coupled[..., start : start + width].unflatten(-1, (count, 2 * l + 1))
            outputs.append(part.permute(0, 3, 1, 2).flatten(2) @ weight)
            start += width
        outputs[0] = outputs[0] + self.bias
        return torch.cat(outputs, dim=1)

    def forward(self, c0: Tensor, delta: Tensor, occupations: Tensor, pairs: Tensor) -> Tensor:
        """Features of the density-matrix blocks of atom pairs.

        Args:
            c0: Orbitals of the ground state, ``[N, S, 9, R]``.
            delta: Their changes, real and imaginary, ``[N, S, 9, R, T, 2]``.
            occupations: Electrons per orbital, ``[N, S]``; zero for padding.
            pairs: Atoms on the left and on the right, ``[2, P]``.

        Returns:
            ``[P, (lmax+1)**2, channels]``.

        Raises:
            ValueError: for other shapes.
        """
        return self.mix(self.couple(c0, delta, occupations, pairs))

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(shells={self.shells}, num_frames={self.num_frames}, channels={self.channels}, "
            f"lmax={self.lmax}, components={num_components(self.lmax)})"
        )


def pack_orbitals(slots: Tensor, shells: Sequence[int]) -> Tensor:
    """Orbital coefficients in slots of (l, m) and radial index as one list.

    Args:
        slots: ``[N, S, 9, R, T]``.
        shells: Radial channels of l = 0, 1, 2; slots beyond them are left out.

    Returns:
        ``[N, S, A, T]``, ordered by l, radial index, m.
    """
    parts = [slots[:, :, l * l : (l + 1) ** 2, :count].transpose(2, 3).flatten(2, 3) for l, count in enumerate(shells)]
    return torch.cat(parts, dim=2)
