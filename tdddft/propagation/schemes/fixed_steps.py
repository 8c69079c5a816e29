"""Schemes of fixed steps, each a product of exponentials: midpoint rules, ETRS, and Magnus of order four."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from graphlearn.base.errors import ConvergenceError
from tdddft.electronic.hamiltonian import Hamiltonian
from tdddft.propagation.schemes.exponential import exponential_action
from tdddft.propagation.schemes.state import Drive, Propagator, State, polynomial_at

MAX_ITERATIONS = 50
NODE = math.sqrt(3) / 6  # of the Gauss points of a step, from its middle
HISTORY = 2


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
        (static,) = _without_response(hamiltonian, drive, [state.time_au + 0.5 * dt])
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


@dataclass(frozen=True)
class Magnus4(Propagator):
    r"""Two exponentials of the Fock matrix at the Gauss points :math:`t_\pm = t + (1/2 \pm \sqrt3/6)\Delta t`.

    .. math:: C(t+\Delta t) = e^{-i\Delta t (a_- F_- + a_+ F_+)}\, e^{-i\Delta t (a_+ F_- + a_- F_+)}\, C(t),
              \qquad a_\pm = \tfrac14 \pm \tfrac{\sqrt3}{6}

    The responses at the Gauss points come from a polynomial through the last three, then, corrected, through the one
    evaluated at the new time as well.

    Args:
        corrections: Evaluations per step; more of them make long steps stable.

    Source: Blanes and Moan, Appl. Numer. Math. 56, 1519 (2006).
    """

    corrections: int = 1

    def advance(self, hamiltonian: Hamiltonian, drive: Drive, state: State, until_au: float) -> State:
        """One step of any length, see :meth:`Propagator.advance`."""
        dt = until_au - state.time_au
        times = [state.time_au + (0.5 + sign * NODE) * dt for sign in (-1, 1)]
        static = _without_response(hamiltonian, drive, times)
        known = [(state.time_au, state.response), *state.past]

        def step(points: list[tuple[float, Tensor]]) -> Tensor:
            early, late = (fixed + polynomial_at(points, t) for fixed, t in zip(static, times, strict=True))
            large, small = 0.25 + NODE, 0.25 - NODE
            half = exponential_action(large * early + small * late, state.occupied, dt)
            return exponential_action(small * early + large * late, half, dt)

        occupied = step(known[: HISTORY + 1])
        response, energy = state.response, state.energy
        for _ in range(self.corrections):
            response, energy = hamiltonian.response(occupied)
            evaluated, occupied = occupied, step([(until_au, response), *known[: HISTORY + 1]])
            energy = hamiltonian.energy_near(occupied, evaluated, response, energy)
        return State(until_au, occupied, response, energy, tuple(known[:HISTORY]))

    def describe(self) -> str:
        """One line for the provenance of a file."""
        return f"commutator-free Magnus of order 4, {self.corrections} build(s) a step"


def _without_response(hamiltonian: Hamiltonian, drive: Drive, times_au: list[float]) -> Tensor:
    """Orbital energies and field at each time, [T, B, M, M]."""
    return torch.diag_embed(hamiltonian.energies) + hamiltonian.coupling(drive(times_au))


def _at_midpoint(hamiltonian: Hamiltonian, drive: Drive, state: State, until_au: float) -> tuple[Tensor, Tensor]:
    """Orbital energies with the field in the middle of the step, and the response extrapolated to it, [B, M, M]."""
    middle_time = state.time_au + 0.5 * (until_au - state.time_au)
    (static,) = _without_response(hamiltonian, drive, [middle_time])
    return static, polynomial_at([(state.time_au, state.response), *state.past[:1]], middle_time)
