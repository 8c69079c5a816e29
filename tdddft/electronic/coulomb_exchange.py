"""Coulomb and exchange matrices in the orbitals of the ground state, with the integrals kept in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from pyscf import df, lib, scf
from torch import Tensor

from graphlearn.base.errors import InputError
from tdddft.electronic.batched_matrices import stack_padded
from tdddft.electronic.functionals.semilocal import exact_exchange, exchange_terms
from tdddft.electronic.ground_state import GroundState, SpinChannel
from tdddft.electronic.mole import build_fitting

FUNCTIONS_AT_ONCE = 64


def fitting_of(ground_state: GroundState) -> df.DF:
    """PySCF's density fitting of the ground state, or a new one where that has exact integrals."""
    fitting = getattr(ground_state.mean_field, "with_df", None)
    return build_fitting(df.DF(ground_state.mol)) if fitting is None else fitting


def _between_orbitals(fitting: df.DF, orbitals: np.ndarray) -> Iterator[np.ndarray]:
    r""":math:`B_{P,pq}` of :math:`(pq|rs) \approx \sum_P B_{P,pq} B_{P,rs}` in orbitals [A, M]: float64 [p, M, M]."""
    for block in fitting.loop(FUNCTIONS_AT_ONCE):
        yield orbitals.T @ (lib.unpack_tril(block) @ orbitals)


@dataclass(frozen=True, eq=False)
class FittedIntegrals:
    r"""Fitted integrals of one channel: of the Coulomb interaction, and of what exact exchange takes of it.

    Args:
        fitting: PySCF's density fitting.
        packed: :math:`B_{P,pq}` of the Coulomb interaction, the lower triangle row by row, [P, M(M+1)/2] in the
            precision of the response.
        occupied: The same between all orbitals and occupied ones, float64 [P, M, S].
        exchange: Likewise of the exchange interaction, float64 [Q, M, M]: all of it for a global hybrid, the terms of a
            range-separated one on top of each other, each by the square root of its share; None without exact exchange.
        share: Factor of the exchange that they give.
    """

    fitting: df.DF
    packed: np.ndarray
    occupied: np.ndarray
    exchange: np.ndarray | None
    share: float

    @classmethod
    def of(cls, fitting: df.DF, channel: SpinChannel, functional: str, precision: str) -> FittedIntegrals:
        """The integrals that a functional needs.

        Args:
            fitting: PySCF's density fitting, built.
            channel: Its orbitals.
            functional: Name as PySCF takes it.
            precision: Of the packed ones, ``float32`` or ``float64``.

        Returns:
            The integrals.
        """
        share, terms, orbitals = exact_exchange(functional), exchange_terms(functional), channel.orbitals
        packed, occupied, whole = [], [], []
        for block in _between_orbitals(fitting, orbitals):
            packed.append(lib.pack_tril(block).astype(precision))
            occupied.append(block[:, :, : channel.num_occupied].copy())
            if any(not omega for _, omega in terms):
                whole.append(block)
        parts = []
        for part, omega in terms:
            if omega:
                with fitting.range_coulomb(omega) as screened:
                    parts.append(np.sqrt(part) * np.concatenate(list(_between_orbitals(screened, orbitals))))
            else:
                of_global = len(terms) == 1  # its share is the factor
                parts.append(np.concatenate(whole) if of_global else np.sqrt(part) * np.concatenate(whole))
        exchange = None if not parts else parts[0] if len(parts) == 1 else np.concatenate(parts)
        return cls(fitting, np.concatenate(packed), np.concatenate(occupied), exchange, share)

    @classmethod
    def of_factors(cls, fitting: df.DF, factors: np.ndarray) -> FittedIntegrals:
        """Other factors of an interaction between pairs of orbitals in their place, without exchange.

        Args:
            fitting: PySCF's density fitting.
            factors: Symmetric, float64 [G, M, M].

        Returns:
            The integrals.
        """
        return cls(fitting, lib.pack_tril(factors), factors[:, :, :0], None, 0.0)


class FittedRepulsion:
    """Density-fitted repulsion of a batch of molecules; L rows of B molecules.

    Args:
        integrals: Of each row: one for a closed shell, alpha and beta for an open one.
        spins: Rows per molecule; the Coulomb matrix of each is that of the density of all.
        dtype: Of the Coulomb products; exchange is always float64.
        device: Where to compute.
    """

    def __init__(
        self, integrals: Sequence[FittedIntegrals], spins: int, dtype: torch.dtype, device: torch.device
    ) -> None:
        self._exchange = [i.exchange for i in integrals if i.exchange is not None]
        self._device, self._spins = device, spins
        self.packed = stack_padded([i.packed for i in integrals], dtype, device)  # [L, P, M(M+1)/2]
        rows, columns = np.tril_indices(round((2 * self.packed.shape[-1]) ** 0.5 - 0.5))
        self._rows, self._columns = torch.from_numpy(rows).to(device), torch.from_numpy(columns).to(device)
        self._weights = torch.where(self._rows == self._columns, 1.0, 2.0).to(device, dtype)

    @cached_property
    def _dense(self) -> Tensor:
        """[B, Q * M, M]."""
        return stack_padded(self._exchange, torch.float64, self._device).flatten(1, 2)

    def coulomb(self, density: Tensor) -> Tensor:
        """J[D] for real symmetric densities [L, M, M]."""
        pairs = density[:, self._rows, self._columns].to(self.packed.dtype) * self._weights
        fitted = sum_of_spins(self.packed @ pairs.unsqueeze(-1), self._spins)
        values = (fitted.mT @ self.packed).squeeze(1).to(density.dtype)
        out = torch.empty_like(density)
        out[:, self._rows, self._columns] = values
        out[:, self._columns, self._rows] = values
        return out

    def exchange(self, occupied: Tensor) -> Tensor:
        """K of D = 2 C C^dagger for complex occupied orbitals [L, M, S]; Hermitian complex [L, M, M]."""
        b, m, s = occupied.shape
        real = torch.view_as_real(occupied.contiguous()).reshape(b, m, 2 * s)
        half = torch.view_as_complex((self._dense @ real).reshape(b, -1, m, s, 2))
        half = half.transpose(1, 2).reshape(b, m, -1)
        return 2.0 * (half @ half.mH)


class ExactRepulsion:
    """Four-index integrals of one molecule on the CPU, between atomic orbitals, in memory with eightfold symmetry.

    They are computed when they are first needed.

    Args:
        ground_states: Exactly one.
        device: Must be the CPU.

    Raises:
        InputError: for several molecules, and another device.
    """

    def __init__(self, ground_states: Sequence[GroundState], device: torch.device) -> None:
        if len(ground_states) != 1 or device.type != "cpu":
            raise InputError("exact integrals are for one molecule at a time on the CPU; set method.density_fitting")
        (self._ground_state,) = ground_states
        self._orbitals = np.stack([c.orbitals for c in self._ground_state.channels])  # [L, A, M]

    @cached_property
    def _integrals(self) -> np.ndarray:
        return _four_index(self._ground_state, 0.0)

    @cached_property
    def _exchange(self) -> np.ndarray:
        terms = exchange_terms(self._ground_state.method.functional)
        if not any(omega for _, omega in terms):
            return self._integrals
        return np.asarray(sum(share * _four_index(self._ground_state, omega) for share, omega in terms))

    def coulomb(self, density: Tensor) -> Tensor:
        """J[D] for real symmetric densities [L, M, M]."""
        total = self._atomic(density.numpy()).sum(0)
        return self._molecular(scf.hf.dot_eri_dm(self._integrals, total, hermi=1, with_k=False)[0])

    def exchange(self, occupied: Tensor) -> Tensor:
        """K of D = 2 C C^dagger for complex occupied orbitals [L, M, S]; Hermitian complex [L, M, M]."""
        density = 2.0 * (occupied @ occupied.mH).numpy()
        real, imag = self._atomic(density.real), self._atomic(density.imag)
        k = scf.hf.dot_eri_dm(self._exchange, real, hermi=1, with_j=False)[1]
        return self._molecular(k + 1j * scf.hf.dot_eri_dm(self._exchange, imag, hermi=2, with_j=False)[1])

    def _atomic(self, matrices: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(self._orbitals @ matrices @ self._orbitals.swapaxes(1, 2))

    def _molecular(self, matrices: np.ndarray) -> Tensor:
        return torch.from_numpy(self._orbitals.swapaxes(1, 2) @ matrices @ self._orbitals)


def _four_index(ground_state: GroundState, omega: float) -> np.ndarray:
    """Integrals with eightfold symmetry; the range parameter is that of :func:`exchange_terms`."""
    with ground_state.mol.with_range_coulomb(omega or None):
        return np.asarray(ground_state.mol.intor("int2e", aosym="s8"))


def sum_of_spins(values: Tensor, spins: int) -> Tensor:
    """For each row the sum over the rows of its molecule.

    Args:
        values: [L, ...].
        spins: Rows per molecule.

    Returns:
        [L, ...].
    """
    if spins == 1:
        return values
    each: Tensor = values.unflatten(0, (-1, spins))
    return each.sum(1, keepdim=True).expand_as(each).flatten(0, 1)


Repulsion = FittedRepulsion | ExactRepulsion
