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
    r"""Four times the kernel between pairs, :math:`4 \int\!\!\int \rho_{mn}\, f_{xc}\, \rho_{bj}`, [M S, V S], hartree.

    Args:
        ground_state: Gives the density, the functional and ``method.response_grid``.
        dtype: Of the products.

    Returns:
        Between all orbitals m with occupied n, and virtual b with occupied j.
    """
    method, s = ground_state.method, ground_state.num_occupied
    m = ground_state.orbitals.shape[1]
    points, weights = response_grid(ground_state.mol, method.response_grid)
    numint, kind = dft.numint.NumInt(), str(dft.libxc.xc_type(method.functional))
    occupied = ground_state.orbitals[:, :s]
    density_matrix = 2.0 * occupied @ occupied.T
    out = torch.zeros((m * s, (m - s) * s), dtype=dtype)
    for i in range(0, len(weights), POINTS_AT_ONCE):
        part = points[i : i + POINTS_AT_ONCE]
        values = numint.eval_ao(ground_state.mol, part, deriv=int(kind != "LDA"))
        density = numint.eval_rho(ground_state.mol, values, density_matrix, xctype=kind, hermi=1, with_lapl=False)
        density = np.atleast_2d(density)
        second = 4.0 * exact_xc_kernel(method.functional, density[None])[0, :, 0] * weights[i : i + len(part)]
        second[:, :, density[0] < THIN_DENSITY] = 0.0
        orbitals = torch.as_tensor((values if kind != "LDA" else values[None]) @ ground_state.orbitals).to(dtype)
        rows = _pair_rows(orbitals, s, kind).flatten(2)  # [R, G, M S]
        columns = rows.reshape(*rows.shape[:2], m, s)[:, :, s:].flatten(2)
        weighted = torch.stack([sum_rows(row, columns) for row in torch.as_tensor(second).to(dtype)])
        out += rows.flatten(0, 1).T @ weighted.flatten(0, 1)
    return out


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
