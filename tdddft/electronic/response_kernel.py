"""The change of the Fock matrix to first order in the change of the occupied orbitals, at several levels."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from graphlearn.base.errors import InputError
from graphlearn.base.machine import available_bytes
from tdddft.electronic.coulomb_exchange import FittedIntegrals, fitting_of
from tdddft.electronic.exchange_kernel import exchange_blocks
from tdddft.electronic.functionals.semilocal import exchange_terms
from tdddft.electronic.grid_kernel import grid_kernel
from tdddft.electronic.ground_state import GroundState
from tdddft.electronic.linear_kernel import fitted_metric, strongest_pairs, with_solvent
from tdddft.electronic.method_names import KERNEL_LEVELS, KernelLevel
from tdddft.electronic.minimal_fitting import minimal_fitting

SHARE_OF_MEMORY = 0.5
KERNEL_CUT = 3e-5  # of the strongest combination of fitting functions; leaves out 1e-4 of the response


class ResponseKernel:
    r"""First-order change of the Fock matrix between all orbitals m and the occupied ones n.

    With :math:`\delta\psi_j = \sum_b (q_{bj} + i p_{bj})\,\psi_b` over virtual orbitals b,

    .. math::
        \delta F_{mn} = \sum_{bj} \left[4 (mn|1+f|bj) - c_x (mb|jn) - c_x (mj|bn)\right] q_{bj}
        - i c_x \sum_{bj} \left[(mb|jn) - (mj|bn)\right] p_{bj}

    f is the exchange-correlation kernel of the ground state and :math:`c_x` the share of exact exchange. Levels:

    * ``none``: independent particles, :math:`\delta F = 0`;
    * ``hartree``: the Coulomb term alone (the random-phase approximation);
    * ``ris``: Coulomb and exact exchange in one Gaussian s function per atom, no f (TDDFT-ris);
    * ``fitted``: f between the fitting functions of the Coulomb integrals; a meta-GGA is represented by PBE;
    * ``grid``: f on ``method.response_grid``, exact to first order; costs the square of the number of pairs per point.

    Args:
        ground_state: Converged, closed-shell.
        level: One of the above.
        dtype: Of the products.
        device: Where to compute.
        reaction: Factors of the response of a solvent, :func:`tdddft.electronic.solvent.reaction_field`.

    Raises:
        InputError: for an unknown level, and where the kernel does not fit into half of the available memory.

    Source: Zhou, Della Sala and Parker, J. Phys. Chem. Lett. 14, 1968 (2023) for ``ris``.
    """

    def __init__(
        self,
        ground_state: GroundState,
        level: KernelLevel,
        dtype: torch.dtype,
        device: torch.device,
        reaction: np.ndarray | None = None,
    ) -> None:
        if level not in KERNEL_LEVELS:
            raise InputError(f"kernel {level!r}: choose one of {', '.join(KERNEL_LEVELS)}")
        self._factors: tuple[Tensor, Tensor] | None = None
        self._even: Tensor | None = None  # [M S, V S], acts on q
        self._odd: Tensor | None = None  # [M S, V S], acts on p
        self.level, occupied = level, ground_state.num_occupied
        if level == "none":
            return
        method = ground_state.method
        functional = "PBE" if level == "hartree" else method.functional  # without exact exchange
        fitting = minimal_fitting(ground_state.mol) if level == "ris" else fitting_of(ground_state)
        m, size, exchange = ground_state.orbitals.shape[1], fitting.get_naoaux(), bool(exchange_terms(functional))
        rows, pairs = m * occupied, (m - occupied) * occupied
        dense = level == "grid" or exchange or pairs * rows < size * (pairs + rows)
        _check_memory(ground_state, pairs * rows * (1 + exchange) if dense else size * (pairs + rows))
        integrals = FittedIntegrals.of(fitting, ground_state.orbitals, functional)
        left = integrals.coulomb[:, :, :occupied]
        metric = fitted_metric(ground_state, fitting, dtype) if level == "fitted" else 2.0 * np.eye(size)
        if reaction is not None:
            left, metric = np.concatenate([left, reaction[:, :, :occupied]]), with_solvent(metric, 1, len(reaction))
        if level == "grid":
            right = np.tensordot(metric, left[:, occupied:], 1)
        else:
            (left,), strengths = strongest_pairs([left], metric, KERNEL_CUT)
            right = strengths[:, None, None] * left[:, occupied:]
        left, right = left.reshape(-1, rows), 2.0 * right.reshape(-1, pairs)
        dense = dense and (level == "grid" or exchange or pairs * rows < len(left) * (pairs + rows))
        factors = [torch.as_tensor(np.ascontiguousarray(factor)).to(dtype) for factor in (left, right)]
        if not dense:
            self._factors = factors[0].to(device), factors[1].to(device)
            return
        even = factors[0].T @ factors[1]
        if level == "grid" and method.functional.upper() != "HF":
            even += grid_kernel(ground_state, dtype)
        if integrals.exchange is not None:
            direct, crossed = exchange_blocks(integrals.exchange, occupied, integrals.share, dtype)
            even -= direct + crossed
            self._odd = (crossed - direct).to(device)
        self._even = even.to(device)

    def even(self, q: Tensor) -> Tensor | None:
        """Real part of the change of the Fock matrix, or None where it is zero.

        Args:
            q: Real parts of the change of the orbitals, [V S].

        Returns:
            [M S], hartree, in the dtype of ``q``.
        """
        if self._factors is not None:
            left, right = self._factors
            return ((right @ q.to(right.dtype)) @ left).to(q.dtype)
        return None if self._even is None else (self._even @ q.to(self._even.dtype)).to(q.dtype)

    def odd(self, p: Tensor) -> Tensor | None:
        """Imaginary part of the change of the Fock matrix, or None where it is zero.

        Args:
            p: Imaginary parts of the change of the orbitals, [V S].

        Returns:
            [M S], hartree, in the dtype of ``p``.
        """
        return None if self._odd is None else (self._odd @ p.to(self._odd.dtype)).to(p.dtype)


def _check_memory(ground_state: GroundState, numbers: int) -> None:
    needed, most = 16.0 * numbers, SHARE_OF_MEMORY * available_bytes()
    if needed > most:
        raise InputError(
            f"{ground_state.molecule.name}: the linear kernel takes {needed / 1e9:.1f} GB, and {most / 1e9:.1f} GB may "
            "be used; take propagator adaptive, or a smaller basis"
        )
