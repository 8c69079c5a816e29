r"""Local-density terms of a closed-shell density in closed form: energy per volume and its derivative.

Every function takes :math:`\rho > 0` and returns :math:`(e, \partial e/\partial\rho)`, elementwise, in hartree units.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

SLATER = -0.75 * (3 / math.pi) ** (1 / 3)
WIGNER_SEITZ = (3 / (4 * math.pi)) ** (1 / 3)


def slater_exchange(density: Tensor) -> tuple[Tensor, Tensor]:
    r""":math:`e = -\tfrac34 (3/\pi)^{1/3} \rho^{4/3}` (Dirac 1930; libxc LDA_X)."""
    root = density.pow(1 / 3)
    return SLATER * density * root, 4 / 3 * SLATER * root


def perdew_wang_correlation(density: Tensor, *, modified: bool) -> tuple[Tensor, Tensor]:
    """Perdew and Wang, Phys. Rev. B 45, 13244 (1992), unpolarised; ``modified`` takes more digits (libxc PW_MOD).

    Args:
        density: Electrons per cubic bohr, positive.
        modified: Take more digits of the constants (libxc PW_MOD).

    Returns:
        Energy per volume and its derivative by the density.
    """
    energy, slope = perdew_wang_energy(WIGNER_SEITZ * density.pow(-1 / 3), 0.0310907 if modified else 0.031091)
    return density * energy, energy + slope


def perdew_wang_energy(radius: Tensor, scale: float) -> tuple[Tensor, Tensor]:
    r"""Energy per electron of the Wigner-Seitz radius, and :math:`\rho\, d\epsilon/d\rho`.

    Args:
        radius: Wigner-Seitz radius, bohr.
        scale: Constant A of the fit, hartree.

    Returns:
        Energy per electron, and the density times its derivative by the density.
    """
    a1, b1, b2, b3, b4 = 0.21370, 7.5957, 3.5876, 1.6382, 0.49294
    x = radius.sqrt()
    front = -2 * scale * (1 + a1 * radius)
    inner = 2 * scale * x * (b1 + x * (b2 + x * (b3 + x * b4)))
    inner_slope = scale * (b1 / x + 2 * b2 + x * (3 * b3 + 4 * b4 * x))
    logarithm = torch.log1p(1 / inner)
    slope = -2 * scale * a1 * logarithm - front * inner_slope / (inner * (inner + 1))
    return front * logarithm, slope * radius / -3


def vosko_wilk_nusair_correlation(density: Tensor) -> tuple[Tensor, Tensor]:
    """Vosko, Wilk and Nusair, Can. J. Phys. 58, 1200 (1980), form 5, unpolarised (libxc LDA_C_VWN)."""
    a, b, c, x0 = 0.0310907, 3.72744, 12.9352, -0.10498
    q = math.sqrt(4 * c - b * b)
    at_x0 = x0 * x0 + b * x0 + c
    x = (WIGNER_SEITZ * density.pow(-1 / 3)).sqrt()
    quadratic = x * x + b * x + c
    angle = 2 / q * torch.atan(q / (2 * x + b))
    weight = b * x0 / at_x0
    energy = a * (
        torch.log(x * x / quadratic)
        + b * angle
        - weight * (torch.log((x - x0) ** 2 / quadratic) + (b + 2 * x0) * angle)
    )
    ratio, bell = (2 * x + b) / quadratic, 4 / (q * q + (2 * x + b) ** 2)
    slope = a * (2 / x - ratio - b * bell - weight * (2 / (x - x0) - ratio - (b + 2 * x0) * bell))
    return density * energy, energy - slope * x / 6
