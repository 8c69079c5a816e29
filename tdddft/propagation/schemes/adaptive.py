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
SUBSTEP_AU = (0.02, 1.1)
STEPS_BETWEEN_CHECKS = 8
SPAN_FLOOR_AU = 1e-9
EXPECTED_SHARE = 0.1  # of the dipole that independent electrons would have, counted on before it is there
FIELD_SAMPLES = 2000
SMALLEST_GAP_HARTREE = 0.05
ORDER_TIME_AU = 2500.0  # error that a correction leaves, times the step, over the square of the correction
INNER_SHARE = 2.0  # errors of inner steps do not add up: the dipole's is some forty times less than their sum
LARGEST_GROWTH = 2.0
SPLITTING_ORDER = 3  # by which the error of the inner steps falls at least; their splitting is of order 4
TINY = 1e-15


@dataclass(frozen=True)
class Adaptive(Propagator):
    r"""The multirate scheme with long and short steps chosen by the engine.

    Two changes of the orbitals are watched: what a Fock build corrects at the end of a long step, at every step; and
    what inner steps of twice the length change, every eight steps. What just changed has not moved the dipole yet, it
    will: a change counts with the largest dipole that it comes to while its phases turn,

    .. math:: a = \left| 4 \sum_n \langle \psi_n | \mathbf{r}\, (1 - P) | \delta\psi_n \rangle \right|,

    P onto the occupied orbitals, relative to the largest induced dipole so far, or a tenth of what independent
    electrons would show in the strongest field to come or after the kick. The error that a correction a over a step h
    leaves is an order higher, and taken as :math:`\tau a^2 / h`. Both errors may spend the tolerance evenly over the
    duration; what inner steps change adds up to far less, and may count four times over. Long steps never go beyond
    the time that is asked for, so that frames lie exactly on their times. In a batch the molecule with the largest
    error decides.

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
        ground = hamiltonian.ground_orbitals()
        kicked = EXPECTED_SHARE * _amplitude(hamiltonian, ground, occupied - ground)
        span = torch.maximum(_induced(hamiltonian, hamiltonian.electronic_dipole_au(occupied)), kicked)
        return replace(
            state, step_au=FIRST_STEP_AU, substep_au=FIRST_STEP_AU, span_au=span, unchecked=STEPS_BETWEEN_CHECKS
        )

    def advance(self, hamiltonian: Hamiltonian, drive: Drive, state: State, until_au: float) -> State:
        """As many long steps as the tolerance asks for; see :meth:`Propagator.advance`."""
        if state.time_au == 0.0 and state.span_au is not None:
            expected = EXPECTED_SHARE * _strongest_static(hamiltonian, drive, self.duration_au)
            state = replace(state, span_au=torch.maximum(state.span_au, expected))
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
            error, predicted = _inner_error(hamiltonian, drive, state, until_au, predicted, substeps, span)
            grown = _clip((INNER_SHARE * allowed / max(error, TINY)) ** 0.25, (0.4, LARGEST_GROWTH))
            substep = _clip(step / substeps * grown, SUBSTEP_AU)
            settles = grown < LARGEST_GROWTH or substep == SUBSTEP_AU[1]
            unchecked = 0 if settles else STEPS_BETWEEN_CHECKS
        settled = correct_remainder(hamiltonian, state, predicted, until_au)
        correction = _share(hamiltonian, predicted, settled.occupied, span)
        factor = math.sqrt(allowed * step / ORDER_TIME_AU) / max(correction, TINY)
        wanted = _clip(step * _clip(factor ** (1 / 3), (0.3, 2.0)), STEP_AU)
        return replace(settled, step_au=wanted, substep_au=substep, span_au=span, unchecked=unchecked)

    def describe(self) -> str:
        """One line for the provenance of a file."""
        return f"multirate, steps chosen for a dipole error of {self.dipole_tolerance:g} of its range"


def _inner_error(
    hamiltonian: Hamiltonian,
    drive: Drive,
    state: State,
    until_au: float,
    predicted: Tensor,
    substeps: int,
    span: Tensor,
) -> tuple[float, Tensor]:
    """Error of the inner steps by the same with half of them, and the better orbitals of the two."""
    if substeps == 1:
        finer = propagate_substeps(hamiltonian, drive, state, until_au, 2)
        return _share(hamiltonian, finer, predicted, span), finer
    fewer = math.ceil(substeps / 2)
    coarse = propagate_substeps(hamiltonian, drive, state, until_au, fewer)
    difference = _share(hamiltonian, predicted, coarse, span)
    return difference / ((substeps / fewer) ** SPLITTING_ORDER - 1.0), predicted


def _induced(hamiltonian: Hamiltonian, dipole: Tensor) -> Tensor:
    norm: Tensor = torch.linalg.vector_norm(dipole - hamiltonian.ground_dipole_au, dim=-1)
    return norm


def _strongest_static(hamiltonian: Hamiltonian, drive: Drive, duration_au: float) -> Tensor:
    """Dipole of independent electrons in the strongest field of a duration, held still, [B]."""
    fields = drive([duration_au * k / FIELD_SAMPLES for k in range(FIELD_SAMPLES + 1)])  # [T, B, 3]
    occupied = hamiltonian.ground_orbitals().real  # [L, M, S]
    gaps = hamiltonian.energies.unsqueeze(-1) - hamiltonian.energies.unsqueeze(1)[..., : occupied.shape[-1]]
    empty = 1.0 - occupied.sum(-1)
    weights = empty.unsqueeze(-1) * occupied.sum(-2, keepdim=True) / gaps.clamp_min(SMALLEST_GAP_HARTREE)
    moments = hamiltonian.dipole @ occupied.unsqueeze(1)  # [L, 3, M, S]
    spins = torch.einsum("bxms,byms,bms->bxy", moments, moments, weights)
    response = 2.0 * hamiltonian.occupation * hamiltonian.per_molecule(spins)
    dipoles = (response @ fields.unsqueeze(-1)).squeeze(-1)
    return torch.as_tensor(torch.linalg.vector_norm(dipoles, dim=-1).amax(0))


def _share(hamiltonian: Hamiltonian, orbitals: Tensor, changed: Tensor, span: Tensor) -> float:
    """Largest dipole that a change of the orbitals comes to, over the span; of the batch the largest."""
    amplitude = _amplitude(hamiltonian, orbitals, changed - orbitals)
    return float((amplitude / span.clamp_min(SPAN_FLOOR_AU)).max())


def _amplitude(hamiltonian: Hamiltonian, orbitals: Tensor, change: Tensor) -> Tensor:
    """Largest dipole that a change of the orbitals comes to, [B]."""
    change = change - orbitals @ (orbitals.mH @ change)
    parts = torch.view_as_real(change).flatten(2).unsqueeze(1)
    moments = torch.view_as_complex((hamiltonian.dipole @ parts).unflatten(-1, (-1, 2)))  # [L, 3, M, S]
    total = hamiltonian.per_molecule((orbitals.conj().unsqueeze(1) * moments).sum((-2, -1)))
    return torch.as_tensor(2.0 * hamiltonian.occupation * torch.linalg.vector_norm(total, dim=-1))


def _clip(value: float, bounds: tuple[float, float]) -> float:
    return min(max(value, bounds[0]), bounds[1])
