"""Fourth-order commutator-free Magnus propagator."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from tdddft.electronic.hamiltonian import Hamiltonian
from tdddft.propagation.schemes.exponential import exponential_action
from tdddft.propagation.schemes.interpolation import polynomial_at
from tdddft.propagation.schemes.state import Drive, Propagator, State

NODE = math.sqrt(3) / 6
HISTORY = 2


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
        static = [torch.diag_embed(hamiltonian.energies) + fields for fields in hamiltonian.coupling(drive(times))]
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
