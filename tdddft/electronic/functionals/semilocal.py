"""One interface to closed forms on any device and to libxc on the CPU."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import redirect_stderr
from functools import partial

import numpy as np
import torch
from pyscf import dft
from torch import Tensor

from graphlearn.base.errors import InputError
from tdddft.electronic.functionals.closed_forms import (
    pbe_correlation,
    pbe_exchange,
    perdew_wang_correlation,
    slater_exchange,
    vosko_wilk_nusair_correlation,
)
from tdddft.electronic.method_names import functional_name

ROWS = {"LDA": 1, "GGA": 4, "MGGA": 5}
LOCAL: dict[int, Callable[[Tensor], tuple[Tensor, Tensor]]] = {
    1: slater_exchange,
    7: vosko_wilk_nusair_correlation,
    12: partial(perdew_wang_correlation, modified=False),
    13: partial(perdew_wang_correlation, modified=True),
}
GRADIENT: dict[int, Callable[[Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]] = {
    101: pbe_exchange,
    130: pbe_correlation,
}
COMPOSED = {406: ((101, 0.75), (130, 1.0))}  # libxc's PBE0 by its parts
VACUUM = 1e-12


class Semilocal:
    r"""A closed-shell LDA, GGA or meta-GGA: energy per volume and potential on a grid.

    Terms with a closed form (Slater, VWN5, PW92, PBE, and PBE0's semilocal part) are evaluated where the density lies;
    any other functional goes through libxc on the CPU.

    Args:
        functional: Name as PySCF takes it, hybrid or not; the exact-exchange part is left out.
    """

    def __init__(self, functional: str) -> None:
        self.functional = functional
        self.kind = str(dft.libxc.xc_type(functional))
        found = dft.libxc.parse_xc(functional)[1]
        terms = [(i, weight * w) for whole, weight in found for i, w in COMPOSED.get(whole, ((whole, 1.0),))]
        self._terms = terms if all(i in LOCAL or i in GRADIENT for i, _ in terms) else None

    def __call__(self, density: Tensor) -> tuple[Tensor, Tensor]:
        r"""Energy per volume [..., G] and potential [..., R, G] of the density [..., R, G].

        Rows R: the density, for a GGA its gradient, for a meta-GGA :math:`\tau` too; the potential of the gradient is
        :math:`2 v_\sigma \nabla\rho`. Points below 1e-12 electrons per cubic bohr count as vacuum.
        """
        return self._through_libxc(density) if self._terms is None else self._closed(density)

    def polarised(self, density: Tensor) -> tuple[Tensor, Tensor]:
        """Energy per volume [..., G] and potential [..., 2, R, G] of alpha and beta densities [..., 2, R, G].

        The potential of each gradient row is the derivative of the energy by it. Through libxc, on the CPU.
        """
        spins, rows, points = density.shape[-3:]
        flat = density.detach().cpu().double().reshape(-1, spins, rows, points).numpy()
        flat = np.ascontiguousarray(np.moveaxis(flat, 0, 2)).reshape(spins, rows, -1)
        flat[:, :, flat[:, 0].sum(0) < VACUUM] = 0.0
        rho = flat[:, 0] if rows == 1 else flat
        per_electron, potential = dft.numint.NumInt().eval_xc_eff(
            self.functional, rho, deriv=1, xctype=self.kind, spin=1
        )[:2]
        shape = (*density.shape[:-3], points)
        energy = torch.from_numpy(np.asarray(per_electron * flat[:, 0].sum(0))).reshape(shape)
        rows_first = torch.from_numpy(np.ascontiguousarray(potential)).reshape(spins, rows, *shape)
        return energy.to(density), rows_first.movedim((0, 1), (-3, -2)).to(density)

    def _closed(self, density: Tensor) -> tuple[Tensor, Tensor]:
        rho = density[..., 0, :]
        vacuum = rho < VACUUM
        rho = rho.masked_fill(vacuum, 1.0)
        gradient = density[..., 1:4, :]  # no rows of an LDA
        sigma = gradient.square().sum(-2)
        energy, by_rho, by_sigma = (torch.zeros_like(rho) for _ in range(3))
        for identifier, weight in self._terms or ():
            if identifier in LOCAL:
                e, v = LOCAL[identifier](rho)
            else:
                e, v, w = GRADIENT[identifier](rho, sigma)
                by_sigma = by_sigma + weight * w
            energy, by_rho = energy + weight * e, by_rho + weight * v
        energy, by_rho, by_sigma = (part.masked_fill(vacuum, 0.0) for part in (energy, by_rho, by_sigma))
        return energy, torch.cat([by_rho.unsqueeze(-2), 2 * by_sigma.unsqueeze(-2) * gradient], -2)

    def _through_libxc(self, density: Tensor) -> tuple[Tensor, Tensor]:
        rows = density.shape[-2]
        flat = density.detach().cpu().double().reshape(-1, rows, density.shape[-1]).numpy()
        flat = np.ascontiguousarray(flat.swapaxes(0, 1)).reshape(rows, -1)
        flat[:, flat[0] < VACUUM] = 0.0
        rho = flat[0] if rows == 1 else flat
        per_electron, potential = dft.numint.NumInt().eval_xc_eff(self.functional, rho, deriv=1, xctype=self.kind)[:2]
        shape = (*density.shape[:-2], density.shape[-1])
        energy = torch.from_numpy(np.asarray(per_electron * flat[0])).reshape(shape)
        rows_first = torch.from_numpy(np.ascontiguousarray(potential)).reshape(rows, *shape)
        return energy.to(density), rows_first.movedim(0, -2).to(density)


def exact_xc_kernel(functional: str, density: np.ndarray) -> np.ndarray:
    """Second derivatives of the energy per volume by rows of the density, through libxc.

    The kernel of a hybrid is that of its semilocal part.

    Args:
        functional: Name as PySCF takes it.
        density: Density, its gradient and the kinetic-energy density, as far as the functional needs them, of each
            spin: [C, R, G], C = 1 for a closed shell and 2 for alpha and beta.

    Returns:
        float64 [C, R, C, R, G] with R = 1 row for an LDA, 4 for a GGA and 5 for a meta-GGA.
    """
    kind = str(dft.libxc.xc_type(functional))
    spins, rows = len(density), ROWS[kind]
    rho = np.squeeze(density[:, :rows], tuple(axis for axis, size in enumerate((spins, rows)) if size == 1))
    second = dft.numint.NumInt().eval_xc_eff(functional, rho, deriv=2, xctype=kind, spin=spins - 1)[2]
    return np.asarray(second).reshape(spins, rows, spins, rows, -1)


def xc_kernel(functional: str, density: np.ndarray) -> np.ndarray:
    r"""As :func:`exact_xc_kernel`, with PBE in place of a meta-GGA.

    Args:
        functional: Name as PySCF takes it.
        density: Density and its gradient of each spin, float64 [C, 4, G].

    Returns:
        float64 [C, R, C, R, G] with R = 1 row for an LDA and 4 otherwise.
    """
    return exact_xc_kernel("PBE" if dft.libxc.xc_type(functional) == "MGGA" else functional, density)


def exchange_terms(functional: str) -> tuple[tuple[float, float], ...]:
    r"""Exact exchange as a sum of positive shares of interactions.

    Args:
        functional: Name as PySCF takes it.

    Returns:
        Share and range parameter :math:`\omega` of each term, in 1/bohr: zero is the whole interaction, positive the
        long range :math:`\mathrm{erf}(\omega r)/r`, negative the short range :math:`\mathrm{erfc}(|\omega| r)/r`.
        Nothing for a functional without exact exchange.
    """
    if functional.upper() == "HF":
        return ((1.0, 0.0),)
    omega, long_range, difference = (float(x) for x in dft.libxc.rsh_coeff(functional))
    if omega == 0.0:
        share = float(dft.libxc.hybrid_coeff(functional))
        return ((share, 0.0),) if share else ()
    short_range = round(long_range + difference, 12)  # libxc writes 1 - 0.842294
    terms = (
        ((short_range, 0.0), (long_range - short_range, omega))
        if long_range >= short_range
        else ((long_range, 0.0), (short_range - long_range, -omega))
    )
    return tuple(term for term in terms if term[0])


def exact_exchange(functional: str) -> float:
    """Factor of the exchange matrix: the share of a global hybrid; 1 for HF and where the integrals hold the shares.

    Args:
        functional: Name as PySCF takes it.

    Returns:
        The factor, 0 without exact exchange.
    """
    terms = exchange_terms(functional)
    if any(omega for _, omega in terms):
        return 1.0
    return terms[0][0] if terms else 0.0


def check_functional(functional: str) -> None:
    """Refuse a name unless it has one meaning: HF, LDA, GGA, meta-GGA, or a hybrid of them.

    Args:
        functional: Name as PySCF takes it.

    Raises:
        InputError: for any other name.
    """
    if functional.upper() == "HF":
        return
    functional_name(functional)
    said = io.StringIO()
    try:
        with redirect_stderr(said):
            kind = dft.libxc.xc_type(functional)
            odd = {
                "a functional with nonlocal correlation": dft.libxc.is_nlc(functional),
                "a functional of the Laplacian": kind == "MGGA" and dft.libxc.needs_laplacian(functional),
                str(kind): kind not in ROWS,
            }
    except (KeyError, ValueError, IndexError, NotImplementedError, AssertionError) as error:
        known = functional.replace("-", "_") if _is_known(functional.replace("-", "_")) else "a libxc name"
        raise InputError(f"unknown functional {functional!r} ({error}); use {known}") from None
    if said.getvalue():
        raise InputError(f"functional {functional!r} has several meanings; write libxc's whole name (gga_x_..., ...)")
    for what, applies in odd.items():
        if applies:
            raise InputError(
                f"functional {functional!r} is {what}; LDA, GGA, meta-GGA, their hybrids and HF can be propagated"
            )


def _is_known(functional: str) -> bool:
    try:
        dft.libxc.xc_type(functional)
    except (KeyError, ValueError, IndexError, NotImplementedError):
        return False
    return True
