"""Exponential midpoint rule: predictor-corrector, extrapolated, or self-consistent."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from graphlearn.base.errors import ConvergenceError
from tdddft.electronic.hamiltonian import Hamiltonian
from tdddft.propagation.schemes.exponential import exponential_action
from tdddft.propagation.schemes.interpolation import polynomial_at
from tdddft.propagation.schemes.state import Drive, State, first_state

MAX_ITERATIONS = 50


@dataclass(frozen=True)
class Midpoint:
    r"""The exponential midpoint rule, second order in the step.

    .. math:: C(t+\Delta t) = \exp\left[-i \Delta t\, F(t + \Delta t/2)\right] C(t)

    The response at the midpoint is extrapolated linearly, the orbitals are propagated, the response is evaluated at
    the new time, and the step is repeated with the mean of the responses at both ends (predict, evaluate, correct:
    one Fock build).

    Args:
        correct: Without it, the extrapolated step stands (one exponential less, unstable sooner).
        tolerance: Repeat evaluation and correction until the response changes by less, hartree; NWChem's scheme, and
            reversible in time.

    Source: Castro, Marques and Rubio, J. Chem. Phys. 121, 3425 (2004).
    """

    correct: bool = True
    tolerance: float | None = None

    def start(self, hamiltonian: Hamiltonian, occupied: Tensor) -> State:
        """The state at t = 0; the first step extrapolates from it alone."""
        return first_state(hamiltonian, occupied)

    def advance(self, hamiltonian: Hamiltonian, drive: Drive, state: State, until_au: float) -> State:
        """One step, whatever its length."""
        dt = until_au - state.time_au
        middle_time = state.time_au + 0.5 * dt
        static = torch.diag_embed(hamiltonian.energies) + hamiltonian.coupling(drive([middle_time])[0])
        middle = polynomial_at([(state.time_au, state.response), *state.past[:1]], middle_time)
        response, energy = state.response, state.energy
        for iteration in range(1 if self.tolerance is None else MAX_ITERATIONS):
            predicted = exponential_action(static + middle, state.occupied, dt)
            last = response
            response, energy = hamiltonian.response(predicted)
            middle = 0.5 * (state.response + response)
            if self.tolerance is not None and iteration and float((response - last).abs().max()) < self.tolerance:
                break
        else:
            if self.tolerance is not None:
                raise ConvergenceError(
                    f"t = {state.time_au:.4g} au: the Fock matrix did not settle to {self.tolerance:g} hartree in "
                    f"{MAX_ITERATIONS} iterations; take a smaller time step"
                )
        occupied = exponential_action(static + middle, state.occupied, dt) if self.correct else predicted
        energy = hamiltonian.energy_near(occupied, predicted, response, energy)
        return State(until_au, occupied, response, energy, ((state.time_au, state.response),))

    def describe(self) -> str:
        """One line for the provenance of a file."""
        if self.tolerance is not None:
            return f"exponential midpoint, self-consistent to {self.tolerance:g} hartree"
        return f"exponential midpoint, {'predictor-corrector' if self.correct else 'extrapolated'}, one build a step"
