"""Two step lengths: a linear model of the response in short steps, exact Fock matrices in long ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from tdddft.electronic.hamiltonian import Hamiltonian
from tdddft.electronic.linear_kernel import LinearKernel
from tdddft.propagation.schemes.exponential import taylor
from tdddft.propagation.schemes.state import Drive, Propagator, State, lagrange_weights, polynomial_at

HISTORY = 3
CLOSEST_NODES = 0.02  # of a step
LARGEST_QUADRATURE = 64
A1, A2, A3 = 0.0792036964311957, 0.353172906049774, -0.0420650803577195
B1, B2 = 0.209515106613362, -0.143851773179818
BLANES_MOAN = (
    (A1, A2, A3, 1 - 2 * (A1 + A2 + A3), A3, A2, A1),
    (B1, B2, 0.5 - B1 - B2, 0.5 - B1 - B2, B2, B1),
)
STRONG = 2e-3  # largest element of the known part times the inner step


@dataclass(frozen=True)
class Multirate(Propagator):
    r"""One Fock build per long step, with a cheap model of the response in between.

    The response is split into a linear model L (:class:`tdddft.electronic.linear_kernel.LinearKernel`), which gives
    most of it, and a small remainder N that changes slowly:

    .. math:: \Delta F[D(t)] = L[D(t)] + N(t)

    Inside a long step N is the polynomial through its last three values, and :math:`\varepsilon + L + N + E(t)\cdot r`
    is propagated by a symmetric splitting: phases :math:`e^{-i a \delta \varepsilon}`, exact also for core levels,
    alternate with short exponentials of the rest, which is small. The real part of L depends on the real part of D
    alone, which those exponentials change only to second order in the field, and the splitting is explicit; so is the
    imaginary part, a third part of the splitting that exact exchange adds. In strong fields L is evaluated once more in
    the middle of each. At the end of the long step one Fock
    build gives the true N; the error of the polynomial is applied to the orbitals through its integral over the step in
    the interaction picture of :math:`\varepsilon`.

    Args:
        substep_au: Largest inner step.

    Source: the splitting of order 4 with 6 stages is that of Blanes and Moan, J. Comput. Appl. Math. 142, 313 (2002),
    which is used as a composition of a first-order step and its adjoint where there are three parts.
    """

    substep_au: float = 0.5

    def start(self, hamiltonian: Hamiltonian, occupied: Tensor) -> State:
        """The state at t = 0, with the remainder of the linear model; see :meth:`Propagator.start`."""
        response, energy = hamiltonian.response(occupied)
        return State(0.0, occupied, response, energy, ((0.0, response - hamiltonian.linear_kernel(occupied)),))

    def advance(self, hamiltonian: Hamiltonian, drive: Drive, state: State, until_au: float) -> State:
        """One long step, one Fock build; see :meth:`Propagator.advance`."""
        substeps = max(1, math.ceil(abs(until_au - state.time_au) / self.substep_au - 1e-9))
        predicted = propagate_substeps(hamiltonian, drive, state, until_au, substeps)
        return correct_remainder(hamiltonian, state, predicted, until_au)

    def describe(self) -> str:
        """One line for the provenance of a file."""
        return f"multirate, one build a step, inner steps of at most {self.substep_au:g} au"


def propagate_substeps(hamiltonian: Hamiltonian, drive: Drive, state: State, until_au: float, substeps: int) -> Tensor:
    """Orbitals at a later time, from the linear model and the polynomial through the known remainders.

    Args:
        hamiltonian: Gives the linear model, the orbital energies and the coupling to the field.
        drive: The field, see :class:`tdddft.propagation.schemes.state.Drive`.
        state: Where the step begins; its ``past`` holds the known remainders.
        until_au: Where it ends, atomic units.
        substeps: Number of inner steps.

    Returns:
        Predicted occupied orbitals, complex128 [B, M, S].
    """
    kernel = hamiltonian.linear_kernel
    drifts, kicks = BLANES_MOAN
    step = (until_au - state.time_au) / substeps
    offsets = np.cumsum(drifts)[:-1]
    times = [state.time_au + (number + offset) * step for number in range(substeps) for offset in offsets]
    known = _known_parts(hamiltonian, drive, state, times)
    phases = {a: torch.exp(-1j * a * step * hamiltonian.energies).unsqueeze(-1) for a in {*drifts, 2 * drifts[0]}}
    strong = abs(step) * float(known.abs().max()) > STRONG
    shares = adjoint_shares(drifts, kicks)
    orbitals = phases[drifts[0]] * state.occupied
    for number, rest in enumerate(known):
        stage = number % len(kicks)
        before, after = shares[stage]
        orbitals = _turned(kernel, orbitals, before * step, strong)
        matrix = kernel.even(orbitals) + rest
        if strong:
            matrix = kernel.even(_short_exponential(matrix, orbitals, 0.5 * kicks[stage] * step)) + rest
        orbitals = _short_exponential(matrix, orbitals, kicks[stage] * step)
        orbitals = _turned(kernel, orbitals, after * step, strong)
        between = stage == len(kicks) - 1 and number < len(known) - 1
        orbitals = phases[2 * drifts[0] if between else drifts[stage + 1]] * orbitals
    return orbitals


def adjoint_shares(drifts: Sequence[float], kicks: Sequence[float]) -> list[tuple[float, float]]:
    """How much of a third part goes before and after each kick: coefficients of a first-order step and its adjoint.

    Args:
        drifts: Coefficients of the first part.
        kicks: Coefficients of the second part.

    Returns:
        Two coefficients per kick.
    """
    pairs, taken = [], 0.0
    for drift, kick in zip(drifts, kicks, strict=False):
        before = drift - taken
        pairs.append((before, kick - before))
        taken = kick - before
    return pairs


def _turned(kernel: LinearKernel, orbitals: Tensor, dt_au: float, strong: bool) -> Tensor:
    """Orbitals under the imaginary part of the linear model, a real rotation."""
    generator = kernel.odd(orbitals)
    if generator is not None and strong:
        generator = kernel.odd(_short_exponential(1j * generator, orbitals, 0.5 * dt_au))
    return orbitals if generator is None else _short_exponential(1j * generator, orbitals, dt_au)


def _known_parts(hamiltonian: Hamiltonian, drive: Drive, state: State, times: Sequence[float]) -> Tensor:
    """Extrapolated remainder and coupling to the field at each time, [T, B, M, M]."""
    remainders = torch.stack([matrix for _, matrix in state.past])
    weights = [lagrange_weights([t for t, _ in state.past], time) for time in times]
    mixed = torch.as_tensor(weights, dtype=remainders.dtype, device=remainders.device) @ remainders.flatten(1)
    return mixed.reshape(-1, *remainders.shape[1:]) + hamiltonian.coupling(drive(times))


def correct_remainder(hamiltonian: Hamiltonian, state: State, predicted: Tensor, until_au: float) -> State:
    """Evaluate the response at the predicted orbitals and correct them for the error of the extrapolated remainder.

    Args:
        hamiltonian: Its response is evaluated once.
        state: Where the step began.
        predicted: Of :func:`propagate_substeps`, complex128 [B, M, S].
        until_au: Where the step ends, atomic units.

    Returns:
        The state at the end of the step.
    """
    response, energy = hamiltonian.response(predicted)
    remainder = response - hamiltonian.linear_kernel(predicted)
    error = remainder - polynomial_at(state.past, until_au)
    nodes = [until_au, *(t for t, _ in state.past)]
    generator = _integrated(hamiltonian.energies, error, nodes, state.time_au)
    occupied = _short_exponential(generator, predicted, 1.0)
    energy = hamiltonian.energy_near(occupied, predicted, response, energy)
    past = _spread([(until_au, remainder), *state.past], CLOSEST_NODES * abs(until_au - state.time_au))
    return State(until_au, occupied, response, energy, past)


def _spread(points: Sequence[tuple[float, Tensor]], distance: float) -> tuple[tuple[float, Tensor], ...]:
    """The newest points whose times keep a distance: polynomials through close ones magnify rounding."""
    kept = [points[0]]
    for point in points[1:]:
        if abs(point[0] - kept[-1][0]) >= distance:
            kept.append(point)
    return tuple(kept[:HISTORY])


def _short_exponential(matrix: Tensor, orbitals: Tensor, dt_au: float) -> Tensor:
    norm = torch.linalg.vector_norm(matrix, dim=(-2, -1)).max()
    return taylor(matrix, orbitals, dt_au, abs(dt_au) * float(norm))


def _integrated(energies: Tensor, error: Tensor, nodes: Sequence[float], start: float) -> Tensor:
    r""":math:`\int \ell(s)\, e^{i\varepsilon(s - t)}\, \Delta N\, e^{-i\varepsilon(s - t)}\, ds` over the step.

    t is the end of the step and :math:`\ell` the interpolating polynomial that is 1 there and 0 at the older nodes.
    """
    end = nodes[0]
    spread = float((energies.amax(-1) - energies.amin(-1)).max())
    points, weights = np.polynomial.legendre.leggauss(min(LARGEST_QUADRATURE, 8 + int(0.5 * spread * abs(end - start))))
    times = 0.5 * (end - start) * (points + 1) + start
    shares = [0.5 * (end - start) * w * lagrange_weights(nodes, t)[0] for w, t in zip(weights, times, strict=True)]
    ages = torch.as_tensor(times - end, dtype=energies.dtype, device=energies.device)
    phases = torch.exp(1j * energies.unsqueeze(-1) * ages)  # [B, M, J]
    share = torch.as_tensor(shares, dtype=energies.dtype, device=energies.device)
    return ((phases * share) @ phases.mH) * error
