"""Enforced time-reversal symmetry (ETRS)."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from tdddft.electronic.hamiltonian import Hamiltonian
from tdddft.propagation.schemes.exponential import exponential_action
from tdddft.propagation.schemes.state import Drive, Propagator, State


@dataclass(frozen=True)
class ETRS(Propagator):
    r"""Half a step with the Fock matrix of each end, second order in the step; two Fock builds.

    .. math:: C(t+\Delta t) = e^{-i\Delta t F(t+\Delta t)/2}\, e^{-i\Delta t F(t)/2}\, C(t)

    F(t + dt) is that of the orbitals propagated with F(t) alone; the response is then evaluated at the new orbitals.
    Both take the field in the middle of the step.

    Source: Castro, Marques and Rubio, J. Chem. Phys. 121, 3425 (2004).
    """

    def advance(self, hamiltonian: Hamiltonian, drive: Drive, state: State, until_au: float) -> State:
        """One step of any length, see :meth:`Propagator.advance`."""
        dt = until_au - state.time_au
        diagonal = torch.diag_embed(hamiltonian.energies)
        static = diagonal + hamiltonian.coupling(drive([state.time_au + 0.5 * dt])[0])
        now = static + state.response
        half = exponential_action(now, state.occupied, 0.5 * dt)
        predicted, _ = hamiltonian.response(exponential_action(now, half, 0.5 * dt))
        then = static + predicted
        occupied = exponential_action(then, half, 0.5 * dt)
        response, energy = hamiltonian.response(occupied)
        return State(until_au, occupied, response, energy, ())

    def describe(self) -> str:
        """One line for the provenance of a file."""
        return "enforced time-reversal symmetry, two builds a step"
