r"""Exchange and correlation of a closed-shell density in closed form: energy per volume and its derivatives.

Local-density terms take :math:`\rho > 0` and return :math:`(e, \partial e/\partial\rho)`; those of PBE take
:math:`\sigma = |\nabla\rho|^2` too and return :math:`\partial e/\partial\sigma` as the third. All are elementwise, in
hartree units.

Source of PBE: Perdew, Burke and Ernzerhof, Phys. Rev. Lett. 77, 3865 (1996), with the digits of libxc.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

SLATER = -0.75 * (3 / math.pi) ** (1 / 3)
WIGNER_SEITZ = (3 / (4 * math.pi)) ** (1 / 3)
KAPPA = 0.804
MU = 0.2195149727645171
BETA = 0.06672455060314922
GAMMA = (1 - math.log(2)) / math.pi**2


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
