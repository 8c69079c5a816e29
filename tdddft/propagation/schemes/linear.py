"""First-order propagation under the linear kernel of the ground state, without a Fock build."""

from __future__ import annotations

import math
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
        b, m, _ = occupied.shape
        kernel = hamiltonian.response_kernel(self.kernel)
        amplitudes = occupied - hamiltonian.ground_orbitals()
        energy = _energy(kernel, amplitudes[0], _gaps(hamiltonian, occupied))
        return State(0.0, occupied, occupied.real.new_zeros((b, m, m)), energy)

    def advance(self, hamiltonian: Hamiltonian, drive: Drive, state: State, until_au: float) -> State:
        """Equal inner steps up to a time; see :meth:`Propagator.advance`."""
        kernel = hamiltonian.response_kernel(self.kernel)
        duration = until_au - state.time_au
        steps = max(1, math.ceil(abs(duration) / self.substep_au - 1e-9))
        step = duration / steps
        ground, s = hamiltonian.ground_orbitals()[0], state.occupied.shape[-1]
        level, gaps = hamiltonian.energies[0, :s], _gaps(hamiltonian, state.occupied)
        drifts, kicks = BLANES_MOAN
        offsets = torch.tensor(drifts[:-1], dtype=torch.float64).cumsum(0).tolist()
        times = [state.time_au + (number + offset) * step for number in range(steps) for offset in offsets]
        couplings = hamiltonian.coupling(drive(times))[:, 0, :, :s]
        turns = {a: torch.exp(-1j * a * step * gaps) for a in {*drifts, 2 * drifts[0]}}
        shares = adjoint_shares(drifts, kicks)
        c = turns[drifts[0]] * (torch.exp(1j * level * state.time_au) * state.occupied[0] - ground)
        for number, coupling in enumerate(couplings):
            stage = number % len(kicks)
            before, after = shares[stage]
            c = _odd(kernel, c, before * step)
            even = kernel.even(c.real[s:].flatten())
            force = coupling if even is None else coupling + even.view_as(coupling)
            c = _odd(kernel, torch.complex(c.real, c.imag - kicks[stage] * step * force), after * step)
            between = stage == len(kicks) - 1 and number < len(couplings) - 1
            c = turns[2 * drifts[0] if between else drifts[stage + 1]] * c
        _check_strength(c[s:], until_au)
        energy = _energy(kernel, c, gaps)
        occupied = torch.exp(-1j * level * until_au) * (ground + c)
        return State(until_au, occupied[None], state.response, energy)

    def orbitals(self, state: State) -> Tensor:
        """The closest orthonormal orbitals; see :meth:`Propagator.orbitals`."""
        u, _, v = torch.linalg.svd(state.occupied, full_matrices=False)
        return torch.matmul(u, v)

    def describe(self) -> str:
        """One line for the provenance of a file."""
        return f"linear, kernel {self.kernel}, no Fock build, inner steps of at most {self.substep_au:g} au"


def _check_strength(virtual: Tensor, time_au: float) -> None:
    excited = float(virtual.abs().square().sum(0).max())
    if excited > MOST_EXCITED:
        raise InputError(
            f"at {time_au * AU_TIME_FS:.3g} fs the field excites {100 * excited:.2g} % of an orbital; the linear "
            f"propagation is for fields that excite at most {100 * MOST_EXCITED:g} %: weaken the field or take the "
            "propagator adaptive"
        )


def _gaps(hamiltonian: Hamiltonian, occupied: Tensor) -> Tensor:
    """Energies of all orbitals over those of the occupied ones, float64 [M, S]."""
    energies = hamiltonian.energies[0]
    return energies.unsqueeze(-1) - energies[: occupied.shape[-1]]


def _odd(kernel: ResponseKernel, c: Tensor, step: float) -> Tensor:
    change = kernel.odd(c.imag[c.shape[1] :].flatten())
    return c if change is None else torch.complex(c.real + step * change.view_as(c.real), c.imag)


def _energy(kernel: ResponseKernel, c: Tensor, gaps: Tensor) -> Tensor:
    """Energy above the ground state to second order, float64 [1], hartree."""
    s = c.shape[1]
    q, p = c.real[s:].flatten(), c.imag[s:].flatten()
    energy = (gaps[s:].flatten() * (q.square() + p.square())).sum()
    for part, change in ((q, kernel.even(q)), (p, kernel.odd(p))):
        if change is not None:
            energy = energy + (part * change.view(-1, s)[s:].flatten()).sum()
    return torch.as_tensor(2.0 * energy)[None]
