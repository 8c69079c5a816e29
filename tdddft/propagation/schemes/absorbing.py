"""Any scheme that builds Fock matrices, under a complex absorbing potential."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor

from graphlearn.base.errors import InputError
from tdddft.electronic.absorber import Absorber, absorber_matrices
from tdddft.electronic.batched_matrices import stack_padded
from tdddft.electronic.hamiltonian import Hamiltonian
from tdddft.propagation.schemes.linear import Linear
from tdddft.propagation.schemes.state import Drive, Propagator, State


class _WithAbsorber:
    """A Hamiltonian whose coupling to the outside holds the absorber too: not Hermitian any more."""

    def __init__(self, hamiltonian: Hamiltonian, absorber: Tensor) -> None:
        self._hamiltonian, self._absorber = hamiltonian, absorber

    def coupling(self, field_au: Tensor) -> Tensor:
        coupling = self._hamiltonian.coupling(field_au)
        return torch.complex(coupling, -self._absorber.expand_as(coupling))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._hamiltonian, name)


class Absorbing(Propagator):
    r"""A scheme whose exponentials are of :math:`F - iW`: orbitals lose norm where they reach the absorber.

    The exponentials of all schemes are series, which need no Hermitian matrix. Where a scheme estimates its error, it
    takes the orbitals as orthonormal, a difference of the order of what was absorbed.

    Args:
        scheme: Any but :class:`tdddft.propagation.schemes.Linear`, whose orbitals keep their norm to first order.
        absorber: The potential.
        hamiltonian: Of the ground states that will be propagated.

    Raises:
        InputError: for the linear scheme, and where no orbital reaches the absorber.
    """

    def __init__(self, scheme: Propagator, absorber: Absorber, hamiltonian: Hamiltonian) -> None:
        if isinstance(scheme, Linear):
            raise InputError(
                "the linear propagator keeps every electron, as ionisation is of second order in the field; an "
                "absorber needs another propagator"
            )
        self.scheme, self.absorber = scheme, absorber
        matrices = [matrix for g in hamiltonian.ground_states for matrix in absorber_matrices(g, absorber)]
        self._matrix = stack_padded(matrices, torch.float64, hamiltonian.device)  # [L, M, M]

    def start(self, hamiltonian: Hamiltonian, occupied: Tensor) -> State:
        """The state at t = 0; see :meth:`Propagator.start`."""
        return self.scheme.start(hamiltonian, occupied)

    def advance(self, hamiltonian: Hamiltonian, drive: Drive, state: State, until_au: float) -> State:
        """As the scheme does, with the absorber; see :meth:`Propagator.advance`."""
        absorbing = cast(Hamiltonian, _WithAbsorber(hamiltonian, self._matrix))
        return self.scheme.advance(absorbing, drive, state, until_au)

    def orbitals(self, state: State) -> Tensor:
        """Occupied orbitals of a state, shorter by what was absorbed: complex128 [B, M, S]."""
        return self.scheme.orbitals(state)

    def describe(self) -> str:
        """One line for the provenance of a file."""
        return f"{self.scheme.describe()}; {self.absorber.describe()}"
