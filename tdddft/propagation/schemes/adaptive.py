"""The engine chooses its steps so that the dipole keeps to a tolerance."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from graphlearn.base.errors import InputError
from tdddft.electronic.hamiltonian import Hamiltonian
from tdddft.propagation.schemes.multirate import Multirate, correct_remainder, propagate_substeps
from tdddft.propagation.schemes.state import Drive, Propagator, State

FIRST_STEP_AU = 0.05
STEP_AU = (0.01, 8.0)
SUBSTEP_AU = (0.02, 1.0)
STEPS_BETWEEN_CHECKS = 8
SPAN_FLOOR_AU = 1e-9
ORDER_TIME_AU = 2500.0  # error that a correction leaves, times the step, over the square of the correction
INNER_SHARE = 0.5
TINY = 1e-15


@dataclass(frozen=True)
class Adaptive(Propagator):
    r"""The multirate scheme with long and short steps chosen by the engine.

    Two changes of the orbitals are watched: what a Fock build corrects at the end of a long step, at every step; and
    what halving the inner steps changes, every eight steps. What just changed has not moved the dipole yet, it will: a
    change counts with the largest dipole that it comes to while its phases turn,

    .. math:: a = \left| 4 \sum_n \langle \psi_n | \mathbf{r}\, (1 - P) | \delta\psi_n \rangle \right|,

    P onto the occupied orbitals, relative to the largest induced dipole so far. The error that a correction a over a
    step h leaves is an order higher, and taken as :math:`\tau a^2 / h`. Both errors may spend the tolerance evenly over
    the duration. Long steps never go beyond the time that is asked for, so that frames lie exactly on their times. In a
    batch the molecule with the largest error decides.

    Args:
        dipole_tolerance: Wanted error of the dipole at the end, relative to the largest induced dipole; above 1e-8.
        duration_au: Length of the propagation, over which errors add up.

    Raises:
        InputError: for a tolerance or duration out of range.
    """

    dipole_tolerance: float
    duration_au: float

    def __post_init__(self) -> None:
        if not (1e-8 <= self.dipole_tolerance < 1.0 and self.duration_au > 0):
            raise InputError(
                f"dipole tolerance {self.dipole_tolerance:g} over {self.duration_au:g} au: the tolerance lies between "
                "1e-8 and 1, the duration is positive"
            )

    def start(self, hamiltonian: Hamiltonian, occupied: Tensor) -> State:
        """The state at t = 0, with short first steps; see :meth:`Propagator.start`."""
        state = Multirate().start(hamiltonian, occupied)
        span = _induced(hamiltonian, hamiltonian.electronic_dipole_au(occupied))
        return replace(
            state, step_au=FIRST_STEP_AU, substep_au=FIRST_STEP_AU, span_au=span, unchecked=STEPS_BETWEEN_CHECKS
        )

    def advance(self, hamiltonian: Hamiltonian, drive: Drive, state: State, until_au: float) -> State:
        """As many long steps as the tolerance asks for; see :meth:`Propagator.advance`."""
        while until_au > state.time_au:
            remaining = until_au - state.time_au
            steps = max(1, math.ceil(remaining / state.step_au - 1e-6))
            state = self._step(hamiltonian, drive, state, until_au if steps == 1 else state.time_au + remaining / steps)
        return state

    def _step(self, hamiltonian: Hamiltonian, drive: Drive, state: State, until_au: float) -> State:
        step = until_au - state.time_au
        allowed = self.dipole_tolerance * step / self.duration_au
        substeps = max(1, math.ceil(step / state.substep_au - 1e-9))
        predicted = propagate_substeps(hamiltonian, drive, state, until_au, substeps)
        assert state.span_au is not None
        span = torch.maximum(state.span_au, _induced(hamiltonian, hamiltonian.electronic_dipole_au(predicted)))
        substep, unchecked = state.substep_au, state.unchecked + 1
        if unchecked > STEPS_BETWEEN_CHECKS:
            coarse, predicted = predicted, propagate_substeps(hamiltonian, drive, state, until_au, 2 * substeps)
            factor = INNER_SHARE * allowed / max(_share(hamiltonian, predicted, coarse, span), TINY)
            substep = _clip(step / substeps * _clip(factor**0.25, (0.4, 2.0)), SUBSTEP_AU)
            unchecked = 0
        settled = correct_remainder(hamiltonian, state, predicted, until_au)
        correction = _share(hamiltonian, predicted, settled.occupied, span)
        factor = math.sqrt(allowed * step / ORDER_TIME_AU) / max(correction, TINY)
        wanted = _clip(step * _clip(factor ** (1 / 3), (0.3, 2.0)), STEP_AU)
        return replace(settled, step_au=wanted, substep_au=substep, span_au=span, unchecked=unchecked)

    def describe(self) -> str:
        """One line for the provenance of a file."""
        return f"multirate, steps chosen for a dipole error of {self.dipole_tolerance:g} of its range"


def _induced(hamiltonian: Hamiltonian, dipole: Tensor) -> Tensor:
    norm: Tensor = torch.linalg.vector_norm(dipole - hamiltonian.ground_dipole_au, dim=-1)
    return norm


def _share(hamiltonian: Hamiltonian, orbitals: Tensor, changed: Tensor, span: Tensor) -> float:
    """Largest dipole that a change of the orbitals comes to, over the span; of the batch the largest."""
    change = changed - orbitals
    change = change - orbitals @ (orbitals.mH @ change)
    moments = hamiltonian.dipole.to(change.dtype) @ change.unsqueeze(1)  # [L, 3, M, S]
    total = hamiltonian.per_molecule((orbitals.conj().unsqueeze(1) * moments).sum((-2, -1)))
    amplitude = 2.0 * hamiltonian.occupation * total
    return float((torch.linalg.vector_norm(amplitude, dim=-1) / span.clamp_min(SPAN_FLOOR_AU)).max())


def _clip(value: float, bounds: tuple[float, float]) -> float:
    return min(max(value, bounds[0]), bounds[1])
