"""The exchange-correlation kernel between pairs of orbitals, integrated on the response grid."""

from __future__ import annotations

import numpy as np
import torch
from pyscf import dft
from torch import Tensor

from tdddft.electronic.functionals.semilocal import exact_xc_kernel
from tdddft.electronic.grids import response_grid
from tdddft.electronic.ground_state import GroundState
from tdddft.electronic.linear_kernel import sum_rows

POINTS_AT_ONCE = 512
THIN_DENSITY = 1e-10  # electrons per cubic bohr below which the kernel is left out


def grid_kernel(ground_state: GroundState, dtype: torch.dtype) -> Tensor:
    r"""The kernel between pairs, :math:`2 w \int\!\!\int \rho_{mn}\, f_{xc}\, \rho_{bj}`, [N, n], hartree.

    Args:
        ground_state: Gives the density, the functional and ``method.response_grid``; w electrons per orbital.
        dtype: Of the products.

    Returns:
        Between all orbitals m with occupied n, and virtual b with occupied j, of all channels; see
        :class:`tdddft.electronic.response_kernel.ResponseKernel`.
    """
    method, channels = ground_state.method, ground_state.channels
    points, weights = response_grid(ground_state.mol, method.response_grid)
    numint, kind = dft.numint.NumInt(), str(dft.libxc.xc_type(method.functional))
    sizes = [(len(c.energies_hartree), c.num_occupied) for c in channels]
    factor = 2.0 * channels[0].occupation
    out = torch.zeros((sum(m * s for m, s in sizes), ground_state.num_pairs), dtype=dtype)
    for i in range(0, len(weights), POINTS_AT_ONCE):
        part = points[i : i + POINTS_AT_ONCE]
        values = numint.eval_ao(ground_state.mol, part, deriv=int(kind != "LDA"))
        each = [
            numint.eval_rho(ground_state.mol, values, c.density_matrix, xctype=kind, hermi=1, with_lapl=False)
            for c in channels
        ]
        density = np.array([np.atleast_2d(rho) for rho in each])
        second = factor * exact_xc_kernel(method.functional, density) * weights[i : i + len(part)]
        thick = density[:, 0] >= THIN_DENSITY
        second *= (thick[:, None, None, None] & thick[None, None, :, None]).astype(float)
        values = values if kind != "LDA" else values[None]
        rows, columns = [], []
        for channel, (m, s) in zip(channels, sizes, strict=True):
            rows.append(_pair_rows(torch.as_tensor(values @ channel.orbitals).to(dtype), s, kind).flatten(2))
            columns.append(rows[-1].reshape(*rows[-1].shape[:2], m, s)[:, :, s:].flatten(2))  # [R, G, V S]
        place = 0
        for a, left in enumerate(rows):
            weighted = torch.cat([_weighted(second[a, :, b], right) for b, right in enumerate(columns)], -1)
            out[place : place + left.shape[-1]] += left.flatten(0, 1).T @ weighted.flatten(0, 1)
            place += left.shape[-1]
    return out


def _weighted(second: np.ndarray, columns: Tensor) -> Tensor:
    """Second derivatives [R, R, G] times the rows of pairs [R, G, V S]."""
    return torch.stack([sum_rows(row, columns) for row in torch.as_tensor(second).to(columns.dtype)])


def _pair_rows(values: Tensor, occupied: int, kind: str) -> Tensor:
    """Density, its gradient and the kinetic-energy density of every pair [R, G, M, S] of orbitals [X, G, M]."""
    inner = values[:, :, :occupied]
    rows = [values[0].unsqueeze(-1) * inner[0].unsqueeze(-2)]
    if kind != "LDA":
        rows += [
            values[x].unsqueeze(-1) * inner[0].unsqueeze(-2) + values[0].unsqueeze(-1) * inner[x].unsqueeze(-2)
            for x in (1, 2, 3)
        ]
    if kind == "MGGA":
        rows.append(0.5 * torch.einsum("xgm,xgn->gmn", values[1:4], inner[1:4]))
    return torch.stack(rows)
