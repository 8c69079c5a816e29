"""The change of the Fock matrix to first order in the change of the occupied orbitals, at several levels."""

from __future__ import annotations

from collections.abc import Sequence

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
from tdddft.electronic.linear_kernel import coulomb_metric, fitted_metric, strongest_pairs, with_solvent
from tdddft.electronic.method_names import KERNEL_LEVELS, KernelLevel
from tdddft.electronic.minimal_fitting import minimal_fitting

SHARE_OF_MEMORY = 0.5
KERNEL_CUT = 3e-5  # of the strongest combination of fitting functions; leaves out 1e-4 of the response
EXACT_CUT = 1e-11  # for the level that is exact


class ResponseKernel:
    r"""First-order change of the Fock matrix between all orbitals m and the occupied ones n.

    With :math:`\delta\psi_j = \sum_b (q_{bj} + i p_{bj})\,\psi_b` over virtual orbitals b,

    .. math::
        \delta F_{mn} = \sum_{bj} \left[2 w (mn|1+f|bj) - c_x (mb|jn) - c_x (mj|bn)\right] q_{bj}
        - i c_x \sum_{bj} \left[(mb|jn) - (mj|bn)\right] p_{bj}

    with w electrons per orbital: 2 in a closed shell; 1 in an open one, where the first sum is over both spins and the
    others over that of m and n. f is the exchange-correlation kernel of the ground state and :math:`c_x` the share of
    exact exchange. Vectors hold the pairs of all channels one after another: N = M S and n = V S, each the sum over
    channels. Levels:

    * ``none``: independent particles, :math:`\delta F = 0`;
    * ``hartree``: the Coulomb term alone (the random-phase approximation);
    * ``ris``: Coulomb and exact exchange in one Gaussian s function per atom, no f (TDDFT-ris);
    * ``fitted``: f between the fitting functions of the Coulomb integrals; a meta-GGA is represented by PBE;
    * ``grid``: f on ``method.response_grid``, exact to first order; costs the square of the number of pairs per point.

    Args:
        ground_state: Converged.
        level: One of the above.
        dtype: Of the products.
        device: Where to compute.
        reaction: Factors of the response of a solvent for each channel, of
            :func:`tdddft.electronic.solvent.reaction_field`.

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
        reaction: Sequence[np.ndarray] | None = None,
    ) -> None:
        if level not in KERNEL_LEVELS:
            raise InputError(f"kernel {level!r}: choose one of {', '.join(KERNEL_LEVELS)}")
        self._factors: tuple[list[Tensor], Tensor] | None = None  # [R, M S] of each channel, [R, n]
        self._even: Tensor | None = None  # [N, n], acts on q
        self._odd: Tensor | None = None  # [N, n], acts on p
        self.level = level
        if level == "none":
            return
        method, channels = ground_state.method, ground_state.channels
        functional = "PBE" if level == "hartree" else method.functional  # without exact exchange
        fitting = minimal_fitting(ground_state.mol) if level == "ris" else fitting_of(ground_state)
        size, exchange = len(channels) * fitting.get_naoaux(), bool(exchange_terms(functional))
        rows, pairs = sum(c.num_occupied * len(c.energies_hartree) for c in channels), ground_state.num_pairs
        dense = level == "grid" or exchange or pairs * rows < size * (pairs + rows)
        _check_memory(ground_state, pairs * rows * (1 + exchange) if dense else size * (pairs + rows))
        integrals = [FittedIntegrals.of(fitting, c, functional, method.response_precision) for c in channels]
        metric = (
            fitted_metric(ground_state, fitting, dtype) if level == "fitted" else coulomb_metric(ground_state, size)
        )
        seen = [i.occupied for i in integrals]
        if reaction is not None:
            metric = with_solvent(metric, len(channels), len(reaction[0]))
            more = [w[:, :, : c.num_occupied] for w, c in zip(reaction, channels, strict=True)]
            seen = [np.concatenate(both) for both in zip(seen, more, strict=True)]
        seen, strengths = strongest_pairs(seen, metric, EXACT_CUT if level == "grid" else KERNEL_CUT)
        virtual = [w[:, c.num_occupied :].reshape(len(w), -1) for w, c in zip(seen, channels, strict=True)]
        acting = channels[0].occupation * strengths[:, None] * np.concatenate(virtual, 1)
        left = [torch.as_tensor(w.reshape(len(w), -1)).to(dtype) for w in seen]
        right = torch.as_tensor(acting).to(dtype)
        dense = dense and (level == "grid" or exchange or pairs * rows < len(right) * (pairs + rows))
        if not dense:
            self._factors = [part.to(device) for part in left], right.to(device)
            return
        even = torch.cat([part.T @ right for part in left])
        if level == "grid" and method.functional.upper() != "HF":
            even += grid_kernel(ground_state, dtype)
        if exchange:
            each = [
                exchange_blocks(i.exchange, c.num_occupied, i.share, dtype)
                for i, c in zip(integrals, channels, strict=True)
                if i.exchange is not None
            ]
            direct, crossed = (torch.block_diag(*blocks) for blocks in zip(*each, strict=True))
            even -= direct + crossed
            self._odd = (crossed - direct).to(device)
        self._even = even.to(device)

    def even(self, q: Tensor) -> Tensor | None:
        """Real part of the change of the Fock matrix, or None where it is zero.

        Args:
            q: Real parts of the change of the orbitals, [n].

        Returns:
            [N], hartree, in the dtype of ``q``.
        """
        if self._factors is not None:
            left, right = self._factors
            seen = right @ q.to(right.dtype)
            return torch.cat([seen @ part for part in left]).to(q.dtype)
        return None if self._even is None else (self._even @ q.to(self._even.dtype)).to(q.dtype)

    def odd(self, p: Tensor) -> Tensor | None:
        """Imaginary part of the change of the Fock matrix, or None where it is zero.

        Args:
            p: Imaginary parts of the change of the orbitals, [n].

        Returns:
            [N], hartree, in the dtype of ``p``.
        """
        return None if self._odd is None else (self._odd @ p.to(self._odd.dtype)).to(p.dtype)


def _check_memory(ground_state: GroundState, numbers: int) -> None:
    needed, most = 16.0 * numbers, SHARE_OF_MEMORY * available_bytes()
    if needed > most:
        raise InputError(
            f"{ground_state.molecule.name}: the linear kernel takes {needed / 1e9:.1f} GB, and {most / 1e9:.1f} GB may "
            "be used; take propagator adaptive, or a smaller basis"
        )
