"""Exponential midpoint rules: extrapolated, predictor-corrector, and self-consistent."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from graphlearn.base.errors import ConvergenceError
from tdddft.electronic.hamiltonian import Hamiltonian
from tdddft.propagation.schemes.exponential import exponential_action
from tdddft.propagation.schemes.interpolation import polynomial_at
from tdddft.propagation.schemes.state import Drive, Propagator, State

MAX_ITERATIONS = 50


@dataclass(frozen=True)
class ExtrapolatedMidpoint(Propagator):
    r"""The exponential midpoint rule with an extrapolated Fock matrix, second order in the step; one Fock build.

    .. math:: C(t+\Delta t) = \exp\left[-i \Delta t\, F(t + \Delta t/2)\right] C(t)

    The response at the midpoint is extrapolated linearly from the last two. One exponential per step, but unstable at
    shorter steps than :class:`Midpoint`.

    Source: Castro, Marques and Rubio, J. Chem. Phys. 121, 3425 (2004).
    """

    def advance(self, hamiltonian: Hamiltonian, drive: Drive, state: State, until_au: float) -> State:
        """One step of any length, see :meth:`Propagator.advance`."""
        static, middle = _at_midpoint(hamiltonian, drive, state, until_au)
        occupied = exponential_action(static + middle, state.occupied, until_au - state.time_au)
        response, energy = hamiltonian.response(occupied)
        return State(until_au, occupied, response, energy, ((state.time_au, state.response),))

    def describe(self) -> str:
        """One line for the provenance of a file."""
        return "exponential midpoint, extrapolated, one build a step"


@dataclass(frozen=True)
class Midpoint(Propagator):
    r"""The exponential midpoint rule, corrected with the Fock matrix at the end; second order in the step.

    .. math:: C(t+\Delta t) = \exp\left[-i \Delta t\, F(t + \Delta t/2)\right] C(t)

    The response at the midpoint is extrapolated linearly, the orbitals are propagated, the response is evaluated at
    the new time, and the step is repeated with the mean of the responses at both ends (predict, evaluate, correct:
    one Fock build).

    Args:
        tolerance: Repeat evaluation and correction until the response changes by less, hartree; NWChem's scheme, and
            reversible in time.

    Source: Castro, Marques and Rubio, J. Chem. Phys. 121, 3425 (2004).
    """

    tolerance: float | None = None

    def advance(self, hamiltonian: Hamiltonian, drive: Drive, state: State, until_au: float) -> State:
        """One step of any length, see :meth:`Propagator.advance`.

        Args:
            hamiltonian: Of one molecule or a batch.
            drive: The field, see :meth:`Propagator.advance`.
            state: Where to begin.
            until_au: Time at which to end, atomic units.

        Returns:
            The state at ``until_au``.

        Raises:
            ConvergenceError: if the response does not converge to ``tolerance`` within 50 iterations.
        """
        dt = until_au - state.time_au
        static, middle = _at_midpoint(hamiltonian, drive, state, until_au)
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
                    f"t = {state.time_au:.4g} au: the Fock matrix did not converge to {self.tolerance:g} hartree in "
                    f"{MAX_ITERATIONS} iterations; take a smaller time step"
                )
        occupied = exponential_action(static + middle, state.occupied, dt)
        energy = hamiltonian.energy_near(occupied, predicted, response, energy)
        return State(until_au, occupied, response, energy, ((state.time_au, state.response),))

    def describe(self) -> str:
        """One line for the provenance of a file."""
        if self.tolerance is not None:
            return f"exponential midpoint, self-consistent to {self.tolerance:g} hartree"
        return "exponential midpoint, predictor-corrector, one build a step"


def _at_midpoint(hamiltonian: Hamiltonian, drive: Drive, state: State, until_au: float) -> tuple[Tensor, Tensor]:
    """Orbital energies with the field in the middle of the step, and the response extrapolated to it, [B, M, M]."""
    middle_time = state.time_au + 0.5 * (until_au - state.time_au)
    static = torch.diag_embed(hamiltonian.energies) + hamiltonian.coupling(drive([middle_time])[0])
    return static, polynomial_at([(state.time_au, state.response), *state.past[:1]], middle_time)
