"""First-order propagation under the linear kernel of the ground state, without a Fock build."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from graphlearn.base.errors import InputError
from tdddft.electronic.hamiltonian import Hamiltonian
from tdddft.electronic.method_names import KernelLevel
from tdddft.electronic.response_kernel import ResponseKernel
from tdddft.propagation.schemes.multirate import BLANES_MOAN, adjoint_shares
from tdddft.propagation.schemes.state import Drive, Propagator, State
from tdddft.units import AU_TIME_FS

MOST_EXCITED = 2e-3  # share of an orbital; from there on the orbitals are off by some 10 % of their motion


@dataclass(frozen=True)
class Linear(Propagator):
    r"""The occupied orbitals to first order in the field, under the ground state's own linear kernel.

    .. math::
        \psi_n(t) = e^{-i\varepsilon_n t}\Big(\psi_n + \sum_m c_{mn}(t)\, \psi_m\Big), \qquad
        i \dot c_{mn} = (\varepsilon_m - \varepsilon_n)\, c_{mn} + \mathbf{E}(t)\cdot\mathbf{r}_{mn} + \delta F_{mn}[c]

    with :math:`\delta F` of :class:`tdddft.electronic.response_kernel.ResponseKernel`. These are coupled oscillators:
    phases, the real and the imaginary part of :math:`\delta F` are each propagated exactly and combined by a symmetric
    splitting of order 4. The error is of second order in the field; strong fields are refused.

    Args:
        kernel: Level of the kernel.
        substep_au: Largest inner step, atomic units.

    Source: Blanes and Moan, J. Comput. Appl. Math. 142, 313 (2002), whose six stages are used as a composition of a
    first-order step and its adjoint.
    """

    kernel: KernelLevel = "fitted"
    substep_au: float = 1.1

    def start(self, hamiltonian: Hamiltonian, occupied: Tensor) -> State:
        """The state at t = 0; see :meth:`Propagator.start`."""
        l, m, _ = occupied.shape
        kernel, ground = hamiltonian.response_kernel(self.kernel), hamiltonian.ground_orbitals()
        amplitudes = [c[:, :s] for c, s in zip(occupied - ground, _counts(ground), strict=True)]
        energy = hamiltonian.occupation * _energy(kernel, amplitudes, _gaps(hamiltonian, ground))
        return State(0.0, occupied, occupied.real.new_zeros((l, m, m)), energy)

    def advance(self, hamiltonian: Hamiltonian, drive: Drive, state: State, until_au: float) -> State:
        """Equal inner steps up to a time; see :meth:`Propagator.advance`."""
        kernel = hamiltonian.response_kernel(self.kernel)
        duration = until_au - state.time_au
        steps = max(1, math.ceil(abs(duration) / self.substep_au - 1e-9))
        step = duration / steps
        ground = hamiltonian.ground_orbitals()
        counts, gaps = _counts(ground), _gaps(hamiltonian, ground)
        drifts, kicks = BLANES_MOAN
        offsets = torch.tensor(drifts[:-1], dtype=torch.float64).cumsum(0).tolist()
        times = [state.time_au + (number + offset) * step for number in range(steps) for offset in offsets]
        couplings = hamiltonian.coupling(drive(times))
        fields = torch.cat([couplings[:, row, :, :s].flatten(1) for row, s in enumerate(counts)], 1)
        turns = {a: [torch.exp(-1j * a * step * gap) for gap in gaps] for a in {*drifts, 2 * drifts[0]}}
        shares = adjoint_shares(drifts, kicks)
        levels = [e[:s] for e, s in zip(hamiltonian.energies, counts, strict=True)]
        moved = [
            torch.exp(1j * e * state.time_au) * c[:, : len(e)] for e, c in zip(levels, state.occupied, strict=True)
        ]
        rest = [g[:, : c.shape[1]] for g, c in zip(ground, moved, strict=True)]
        c = _turned(turns[drifts[0]], [a - g for a, g in zip(moved, rest, strict=True)])
        for number, field in enumerate(fields):
            stage = number % len(kicks)
            before, after = shares[stage]
            c = _odd(kernel, c, before * step)
            even = kernel.even(_virtual([a.real for a in c]))
            force = _split(field if even is None else field + even, c)
            c = [torch.complex(a.real, a.imag - kicks[stage] * step * f) for a, f in zip(c, force, strict=True)]
            c = _odd(kernel, c, after * step)
            between = stage == len(kicks) - 1 and number < len(fields) - 1
            c = _turned(turns[2 * drifts[0] if between else drifts[stage + 1]], c)
        for amplitudes in c:
            _check_strength(amplitudes[amplitudes.shape[1] :], until_au)
        energy = hamiltonian.occupation * _energy(kernel, c, gaps)
        occupied = torch.zeros_like(state.occupied)
        for row, (e, g, a) in enumerate(zip(levels, rest, c, strict=True)):
            occupied[row, :, : len(e)] = torch.exp(-1j * e * until_au) * (g + a)
        return State(until_au, occupied, state.response, energy)

    def orbitals(self, state: State) -> Tensor:
        """The closest orthonormal orbitals; see :meth:`Propagator.orbitals`."""
        out = torch.zeros_like(state.occupied)
        for row, occupied in enumerate(state.occupied):
            filled = occupied.abs().sum(0) > 0
            u, _, v = torch.linalg.svd(occupied[:, filled], full_matrices=False)
            out[row, :, filled] = torch.matmul(u, v)
        return out

    def describe(self) -> str:
        """One line for the provenance of a file."""
        return f"linear, kernel {self.kernel}, no Fock build, inner steps of at most {self.substep_au:g} au"


def _check_strength(virtual: Tensor, time_au: float) -> None:
    excited = max(virtual.abs().square().sum(0).tolist(), default=0.0)
    if excited > MOST_EXCITED:
        raise InputError(
            f"at {time_au * AU_TIME_FS:.3g} fs the field excites {100 * excited:.2g} % of an orbital; the linear "
            f"propagation is for fields that excite at most {100 * MOST_EXCITED:g} %: weaken the field or take the "
            "propagator adaptive"
        )


def _counts(ground: Tensor) -> list[int]:
    """Occupied orbitals of each row of ground-state orbitals [L, M, S]."""
    return [int(n) for n in ground.real.sum((-2, -1))]


def _gaps(hamiltonian: Hamiltonian, ground: Tensor) -> list[Tensor]:
    """Energies of all orbitals over those of the occupied ones, float64 [M, S] for each row."""
    return [e.unsqueeze(-1) - e[:s] for e, s in zip(hamiltonian.energies, _counts(ground), strict=True)]


def _virtual(parts: Sequence[Tensor]) -> Tensor:
    """Virtual rows of [M, S] of each channel as one vector."""
    return torch.cat([part[part.shape[1] :].flatten() for part in parts])


def _split(vector: Tensor, like: Sequence[Tensor]) -> list[Tensor]:
    """A vector over all pairs as [M, S] of each channel."""
    parts = vector.split([part.numel() for part in like])
    return [part.view(shape.shape) for part, shape in zip(parts, like, strict=True)]


def _turned(turns: Sequence[Tensor], c: Sequence[Tensor]) -> list[Tensor]:
    return [turn * part for turn, part in zip(turns, c, strict=True)]


def _odd(kernel: ResponseKernel, c: list[Tensor], step: float) -> list[Tensor]:
    change = kernel.odd(_virtual([part.imag for part in c]))
    if change is None:
        return c
    moves = _split(change, c)
    return [torch.complex(part.real + step * move, part.imag) for part, move in zip(c, moves, strict=True)]


def _energy(kernel: ResponseKernel, c: Sequence[Tensor], gaps: Sequence[Tensor]) -> Tensor:
    """Energy above the ground state to second order over electrons per orbital, float64 [1], hartree."""
    energy = sum((gap * part.abs().square())[part.shape[1] :].sum() for gap, part in zip(gaps, c, strict=True))
    for parts, response in (([part.real for part in c], kernel.even), ([part.imag for part in c], kernel.odd)):
        vector = _virtual(parts)
        change = response(vector)
        if change is not None:
            energy = energy + (vector * _virtual(_split(change, c))).sum()
    return torch.as_tensor(energy)[None]
