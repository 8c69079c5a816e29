"""The time-dependent Hamiltonian in the basis of ground-state orbitals, for one molecule or a batch of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from graphlearn.base.errors import InputError
from tdddft.electronic.batched_matrices import real_outer, stack_padded, trace_product
from tdddft.electronic.coulomb_exchange import ExactRepulsion, FittedIntegrals, FittedRepulsion, Repulsion, fitting_of
from tdddft.electronic.exchange_correlation import GridResponse
from tdddft.electronic.functionals.semilocal import exact_exchange
from tdddft.electronic.ground_state import GroundState, SpinChannel
from tdddft.electronic.linear_kernel import LinearKernel
from tdddft.electronic.method_names import KernelLevel
from tdddft.electronic.response_kernel import ResponseKernel
from tdddft.electronic.solvent import reaction_field


class Hamiltonian:
    r"""Fock matrix of a density away from the ground state, in the orthonormal basis of ground-state orbitals.

    .. math:: F(t) = \mathrm{diag}(\varepsilon) + \Delta F[D(t)] + \mathbf{E}(t)\cdot\mathbf{r}, \qquad
              \Delta F = J[\delta D] + \Delta V_{xc} - \tfrac{c_x}{2} (K[D] - K[D_0])

    The ground state enters exactly through :math:`\varepsilon`, so that without a field nothing moves; only the
    response is integrated on ``method.response_grid``. Integrals and orbital values on the grid are computed here,
    once. An open shell has two rows, alpha and beta, whose orbitals hold one electron each; the formula is that of a
    row, with :math:`c_x K` in place of half of it, and J and the semilocal part see the density of both. Shapes: B
    molecules; L rows, B for closed and 2 B for open shells; M orbitals, S occupied ones; smaller molecules are filled
    up with zeros.

    Args:
        ground_states: A ground state, or several of the same level of theory.
        device: A torch device, for example ``cuda``; states and results live there.

    Raises:
        InputError: for ground states of different methods, closed shells beside open ones, and exact integrals of more
            than one molecule.
    """

    def __init__(self, ground_states: GroundState | Sequence[GroundState], device: str | torch.device = "cpu") -> None:
        states = [ground_states] if isinstance(ground_states, GroundState) else list(ground_states)
        method = states[0].method
        if any(g.method != method for g in states):
            raise InputError("the molecules of one batch must share their level of theory")
        if len({len(g.channels) for g in states}) != 1:
            raise InputError("closed and open shells are not propagated in one batch: give a batch of each")
        self.ground_states, self.method, self.device = states, method, torch.device(device)
        rows = self._rows
        self.spins, self.occupation = len(states[0].channels), rows[0][1].occupation
        self.energies = stack_padded([c.energies_hartree for _, c in rows], torch.float64, self.device)  # [L, M]
        dipoles = [c.orbitals.T @ g.dipole_ao_au @ c.orbitals for g, c in rows]
        self.dipole = stack_padded(dipoles, torch.float64, self.device)  # [L, 3, M, M]
        occupied = [np.eye(c.orbitals.shape[1], c.num_occupied) for _, c in rows]
        self._ground = stack_padded(occupied, torch.complex128, self.device)  # [L, M, S]
        self._ground_density = self.occupation * torch.diag_embed(self._ground.real.sum(-1))  # [L, M, M]
        self.exact_exchange = exact_exchange(method.functional)
        self._dtype = getattr(torch, method.response_precision)
        self._kernels: dict[KernelLevel, ResponseKernel] = {}
        self.builds = 0
        if not method.density_fitting:
            _ = self.repulsion  # several molecules are refused here, not at the first step

    @property
    def _rows(self) -> list[tuple[GroundState, SpinChannel]]:
        return [(g, channel) for g in self.ground_states for channel in g.channels]

    def per_molecule(self, values: Tensor) -> Tensor:
        """Sum over the spins of each molecule: [L, ...] to [B, ...]."""
        return values.unflatten(0, (-1, self.spins)).sum(1) if self.spins > 1 else values

    @cached_property
    def _fitted(self) -> list[list[FittedIntegrals]]:
        return [
            [FittedIntegrals.of(fitting, c, self.method.functional, self.method.response_precision) for c in g.channels]
            for g in self.ground_states
            for fitting in [fitting_of(g)]
        ]

    @cached_property
    def semilocal(self) -> GridResponse | None:
        """The semilocal part of the response; None for Hartree-Fock."""
        if self.method.functional.upper() == "HF":
            return None
        return GridResponse(self.ground_states, self.method.response_grid, self._dtype, self.device)

    @cached_property
    def repulsion(self) -> Repulsion:
        """Coulomb and exchange matrices."""
        if self.method.density_fitting:
            return FittedRepulsion([f for each in self._fitted for f in each], self.spins, self._dtype, self.device)
        return ExactRepulsion(self.ground_states, self.device)

    @cached_property
    def _reaction(self) -> list[list[np.ndarray]] | None:
        """Factors of the fast response of the solvent, of each channel of each molecule."""
        factors = [reaction_field(g) for g in self.ground_states]
        return [f for f in factors if f is not None] or None

    @cached_property
    def _reaction_field(self) -> FittedRepulsion | None:
        if self._reaction is None:
            return None
        molecules = zip(self.ground_states, self._reaction, strict=True)
        integrals = [FittedIntegrals.of_factors(fitting_of(g), w) for g, factors in molecules for w in factors]
        return FittedRepulsion(integrals, self.spins, torch.float64, self.device)

    @cached_property
    def _ground_exchange(self) -> Tensor:
        return self.repulsion.exchange(self._ground)

    @cached_property
    def linear_kernel(self) -> LinearKernel:
        """The linear model of the response; built when it is first asked for."""
        return LinearKernel(self.ground_states, self._fitted, self._dtype, self.device, self._reaction)

    def response_kernel(self, level: KernelLevel) -> ResponseKernel:
        """The response to first order in the change of the orbitals; built when it is first asked for.

        Args:
            level: See :class:`tdddft.electronic.response_kernel.ResponseKernel`.

        Returns:
            The kernel.

        Raises:
            InputError: for a batch of several molecules, and as the kernel does.
        """
        if len(self.ground_states) != 1:
            raise InputError("a linear kernel is of one molecule: propagate molecules one at a time")
        if level not in self._kernels:
            self._kernels[level] = ResponseKernel(
                self.ground_states[0], level, self._dtype, self.device, self._reaction[0] if self._reaction else None
            )
        return self._kernels[level]

    def ground_orbitals(self) -> Tensor:
        """Occupied ground-state orbitals in this basis: unit vectors, complex128 [L, M, S]."""
        return self._ground.clone()

    @cached_property
    def ground_dipole_au(self) -> Tensor:
        """Dipole of the electrons in the ground state, float64 [B, 3]."""
        return self.electronic_dipole_au(self._ground)

    def coupling(self, field_au: Tensor) -> Tensor:
        """E . r of fields float64 [..., B, 3]: real symmetric [..., L, M, M].

        Args:
            field_au: Fields, float64 [..., B, 3], atomic units.

        Returns:
            Real symmetric [..., L, M, M], hartree.
        """
        rows, _, m, _ = self.dipole.shape
        if self.spins > 1:
            field_au = field_au.repeat_interleave(self.spins, dim=-2)
        return (field_au.unsqueeze(-2) @ self.dipole.reshape(rows, 3, m * m)).reshape(*field_au.shape[:-1], m, m)

    def response(self, occupied: Tensor) -> tuple[Tensor, Tensor]:
        """Delta F of occupied orbitals complex128 [L, M, S], and the energy above the ground state.

        Args:
            occupied: Occupied orbitals, complex128 [L, M, S].

        Returns:
            Real symmetric [L, M, M] for pure functionals, Hermitian otherwise; and float64 [B] in hartree, field term
            left out.
        """
        self.builds += 1
        density = self.density_change(occupied)
        change = density.real.contiguous()
        fock = self.repulsion.coulomb(change)
        if self._reaction_field is not None:
            fock = fock - self._reaction_field.coulomb(change)
        first_order = (self.energies * change.diagonal(dim1=-2, dim2=-1)).sum(-1)
        energy = self.per_molecule(first_order + 0.5 * trace_product(fock, change))
        if self.semilocal is not None:
            matrix, semilocal_energy = self.semilocal(change)
            fock = fock + matrix
            energy = energy + semilocal_energy
        if self.exact_exchange:
            exchange = self.repulsion.exchange(occupied) - self._ground_exchange
            fock = fock - 0.5 * self.exact_exchange * exchange
            energy = energy - 0.25 * self.exact_exchange * self.per_molecule(trace_product(density, exchange))
        return fock, energy

    def energy_near(self, occupied: Tensor, evaluated: Tensor, response: Tensor, energy: Tensor) -> Tensor:
        r"""Energy of orbitals close to evaluated ones, to second order in the distance, without a Fock build.

        .. math:: E[D] = E[D_*] + \mathrm{tr}\, F[D_*] (D - D_*)

        Args:
            occupied: Orbitals whose energy is asked for, complex128 [L, M, S].
            evaluated: Orbitals close to them, complex128 [L, M, S].
            response: Delta F of the evaluated ones [L, M, M], hartree.
            energy: Their energy, float64 [B], hartree.

        Returns:
            Energy above the ground state, float64 [B], hartree, field term left out.
        """
        change = self.density_change(occupied) - self.density_change(evaluated)
        diagonal = change.diagonal(dim1=-2, dim2=-1).real
        return energy + self.per_molecule((self.energies * diagonal).sum(-1) + trace_product(response, change))

    def density_change(self, occupied: Tensor) -> Tensor:
        """D - D_0 [L, M, M]: its real part for pure functionals, which need no more, Hermitian otherwise.

        Args:
            occupied: Occupied orbitals, complex128 [L, M, S].

        Returns:
            [L, M, M].
        """
        if self.exact_exchange:
            return self.occupation * (occupied @ occupied.mH) - self._ground_density
        return self.occupation * real_outer(occupied, occupied) - self._ground_density

    def electronic_dipole_au(self, occupied: Tensor) -> Tensor:
        """Dipole of the electrons, float64 [B, 3], relative to the origin of each ground state.

        Args:
            occupied: Occupied orbitals, complex128 [L, M, S].

        Returns:
            float64 [B, 3], e bohr.
        """
        parts = torch.view_as_real(occupied.contiguous()).flatten(2)
        moments = ((self.dipole @ parts.unsqueeze(1)) * parts.unsqueeze(1)).sum((-2, -1))
        return -self.occupation * self.per_molecule(moments)
