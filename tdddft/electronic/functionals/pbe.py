r"""PBE exchange and correlation of a closed-shell density in closed form.

Every function takes :math:`\rho > 0` and :math:`\sigma = |\nabla\rho|^2` and returns
:math:`(e, \partial e/\partial\rho, \partial e/\partial\sigma)`, elementwise, in hartree units.
Source: Perdew, Burke and Ernzerhof, Phys. Rev. Lett. 77, 3865 (1996), with the digits of libxc.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from tdddft.electronic.functionals.local_density import SLATER, WIGNER_SEITZ, perdew_wang_energy

KAPPA = 0.804
MU = 0.2195149727645171
BETA = 0.06672455060314922
GAMMA = (1 - math.log(2)) / math.pi**2


def pbe_exchange(density: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    r""":math:`e = e_x^{LDA}(\rho)\,[1 + \kappa - \kappa / (1 + \mu s^2/\kappa)]`, :math:`s = |\nabla\rho|/2k_F\rho`.

    Args:
        density: Electrons per cubic bohr, positive.
        sigma: Squared gradient of the density.

    Returns:
        Energy per volume, and its derivatives by density and sigma.
    """
    root = density.pow(1 / 3)
    power = density * root
    uniform = SLATER * power
    per_sigma = 1 / (4 * (3 * math.pi**2) ** (2 / 3) * power * power)
    s2 = sigma * per_sigma
    damping = 1 / (1 + MU / KAPPA * s2)
    enhancement = 1 + KAPPA - KAPPA * damping
    slope = uniform * MU * damping * damping
    return uniform * enhancement, (4 / 3 * uniform * enhancement - 8 / 3 * slope * s2) / density, slope * per_sigma


def pbe_correlation(density: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    r"""Gradient-corrected Perdew-Wang correlation; with :math:`y = t^2`,

    .. math:: e = \rho\,[\epsilon_c + \gamma \ln(1 + \tfrac{\beta}{\gamma} y \tfrac{1 + Ay}{1 + Ay + A^2y^2})].

    Args:
        density: Electrons per cubic bohr, positive.
        sigma: Squared gradient of the density.

    Returns:
        Energy per volume, and its derivatives by density and sigma.
    """
    root = density.pow(1 / 3)
    local, local_slope = perdew_wang_energy(WIGNER_SEITZ / root, 0.0310907)
    per_sigma = math.pi / (16 * (3 * math.pi**2) ** (1 / 3)) / (root * density * density)
    y = sigma * per_sigma
    decay = torch.exp(-local / GAMMA)
    a = BETA / GAMMA / (decay - 1)
    ay = a * y
    denominator = 1 + ay + ay * ay
    inside = 1 + BETA / GAMMA * y * (1 + ay) / denominator
    gradient = GAMMA * torch.log(inside)
    scale = BETA / (inside * denominator * denominator)
    by_y = scale * (1 + 2 * ay)
    by_local = -scale * ay * y * y * (2 + ay) * a * a * decay / BETA
    energy = local + gradient
    potential = energy + local_slope * (1 + by_local) - 7 / 3 * by_y * y
    return density * energy, potential, density * by_y * per_sigma
