"""The state of a propagation, the polynomials that extrapolate it, and the interface of every scheme."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from tdddft.electronic.hamiltonian import Hamiltonian
from tdddft.propagation.schemes.exponential import exponential_action

Drive = Callable[[Sequence[float]], Tensor]
"""The field of a batch: of T times in atomic units it returns float64 [T, B, 3], atomic units."""


@dataclass(frozen=True)
class State:
    """Occupied orbitals and what the next step needs of the past.

    Args:
        time_au: Time.
        occupied: Complex128 [B, M, S].
        response: Change of the Fock matrix [B, M, M] at this time.
        energy: Energy above the ground state, float64 [B], hartree, field term left out.
        past: Times and matrices that the scheme extrapolates from, newest first.
        step_au: Step that an adaptive scheme wants to take next.
        substep_au: Inner step that it wants to take next.
        span_au: Largest induced dipole so far, float64 [B].
        unchecked: Steps since the inner step was last checked.
    """

    time_au: float
    occupied: Tensor
    response: Tensor
    energy: Tensor
    past: tuple[tuple[float, Tensor], ...] = ()
    step_au: float = 0.0
    substep_au: float = 0.0
    span_au: Tensor | None = None
    unchecked: int = 0


class Propagator(Protocol):
    """A scheme of time steps. Schemes hold no state of a run: the same object serves many.

    A scheme of your own needs ``advance`` and ``describe``; one that derives from this class inherits ``start``.
    Shapes: B molecules, M orbitals of the ground state, S occupied ones. All quantities are in atomic units and in the
    orthonormal basis of ground-state orbitals of :class:`tdddft.Hamiltonian`.
    """

    def start(self, hamiltonian: Hamiltonian, occupied: Tensor) -> State:
        """The state at t = 0; unless a scheme overrides it, without a past to extrapolate from.

        Args:
            hamiltonian: Of one molecule or a batch.
            occupied: Occupied orbitals after a kick, if there is one, complex128 [B, M, S].

        Returns:
            The state, with the response of these orbitals; one Fock build.
        """
        response, energy = hamiltonian.response(occupied)
        return State(0.0, occupied, response, energy)

    def advance(self, hamiltonian: Hamiltonian, drive: Drive, state: State, until_au: float) -> State:
        """Propagate a state to a later time, in one step or in as many as the scheme chooses.

        Args:
            hamiltonian: Of one molecule or a batch.
            drive: The field, float64 [T, B, 3], atomic units, at a sequence of T times in atomic units.
            state: Where to begin: that of :meth:`start` or of the last call.
            until_au: Time at which to end exactly, atomic units, after ``state.time_au``.

        Returns:
            The state at ``until_au``, with orthonormal orbitals and the response of these, or of orbitals within the
            error of the scheme.
        """

    def orbitals(self, state: State) -> Tensor:
        """Orthonormal occupied orbitals of a state, as they are stored: complex128 [B, M, S]."""
        return state.occupied

    def describe(self) -> str:
        """One line for the provenance of a file; it must differ where settings differ, as a checkpoint compares it."""


def initial_state(hamiltonian: Hamiltonian, propagator: Propagator, impulses_au: np.ndarray) -> State:
    r"""The ground state, multiplied by :math:`e^{-i\mathbf{k}\cdot\mathbf{r}}` where the field starts with a kick.

    Args:
        hamiltonian: Of one molecule or a batch.
        propagator: The scheme that will go on.
        impulses_au: Impulse k of each, float64 [B, 3], atomic units of field times time, zero without a kick.

    Returns:
        The state at t = 0.
    """
    occupied = hamiltonian.ground_orbitals()
    if impulses_au.any():
        impulses = torch.as_tensor(impulses_au, dtype=torch.float64, device=hamiltonian.device)
        occupied = exponential_action(hamiltonian.coupling(impulses), occupied, 1.0)
    return propagator.start(hamiltonian, occupied)


def lagrange_weights(nodes: Sequence[float], time: float) -> list[float]:
    """Weights of the values at distinct ``nodes`` in the interpolating polynomial's value at ``time``.

    Args:
        nodes: Distinct times.
        time: Where the polynomial is evaluated.

    Returns:
        One weight per node.
    """
    return [math.prod((time - other) / (node - other) for other in nodes if other != node) for node in nodes]


def polynomial_at(points: Sequence[tuple[float, Tensor]], time: float) -> Tensor:
    """Value at ``time`` of the polynomial through (time, matrix) points.

    Args:
        points: Distinct times and the matrices [B, M, M] there.
        time: Where the polynomial is evaluated.

    Returns:
        Matrix [B, M, M].
    """
    weights = lagrange_weights([t for t, _ in points], time)
    total = weights[0] * points[0][1]
    for weight, (_, matrix) in zip(weights[1:], points[1:], strict=True):
        total = total + weight * matrix
    return total
