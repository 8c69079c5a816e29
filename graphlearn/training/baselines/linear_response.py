"""Linear response in a few excited states, the strong physical baseline."""

from __future__ import annotations

import numpy as np

from graphlearn.datasets.gauge import BETA
from tdddft.trajectory import Trajectory
from tdddft.units import AU_TIME_FS, HARTREE_EV


class LinearResponse:
    r"""Propagates a molecule as its lowest Casida states, each an oscillator driven by the field.

    .. math:: i \dot c_k = \omega_k c_k + \mathbf{E}(t) \cdot \mathbf{d}_k, \qquad
              U_{an}(t) = \sum_k X^k_{na} c_k(t) + Y^k_{na} c_k^*(t), \qquad \Delta_n = \beta^{-1} \sum_a U_{an} C_a

    with the transition dipoles :math:`\mathbf{d}_k = \sum_{na} (X^k + Y^k)_{na} \langle a|\mathbf{r}|n\rangle` of
    amplitudes normalised to :math:`X^2 - Y^2 = 1`. Mixing among occupied orbitals, which density and dipole do not
    show, is left out. The ground state is solved again with PySCF, at the level of theory that the file names.

    Args:
        states: Excited states.
    """

    def __init__(self, states: int = 20) -> None:
        self.states = states

    def __call__(self, trajectory: Trajectory) -> np.ndarray:
        """Delta without the frame at t = 0, complex128 [F, S, A]."""
        from tdddft.casida import casida_amplitudes
        from tdddft.origin import molecule_of
        from tdddft.scf import ground_state

        t = trajectory
        state = ground_state(*molecule_of(t))
        energies_ev, x, y = casida_amplitudes(state, self.states)
        occupied = state.orbitals[:, : state.num_occupied].T
        virtual = state.orbitals[:, state.num_occupied :].T
        sign = np.sign(np.einsum("na,ab,nb->n", t.coefficients, t.overlap, occupied))
        dipole = np.einsum("na,xab,vb->xnv", occupied, t.dipole_ao_au, virtual)
        d = np.einsum("knv,xnv->kx", x + y, dipole)
        c = _driven(energies_ev / HARTREE_EV, d, t)
        u = np.einsum("fk,knv->fnv", c, x) + np.einsum("fk,knv->fnv", c.conj(), y)
        return np.asarray(np.einsum("fnv,va->fna", u, virtual) * sign[None, :, None] / BETA)


def _driven(omega: np.ndarray, dipole: np.ndarray, trajectory: Trajectory) -> np.ndarray:
    """Amplitudes c_k at the frames after t = 0, complex128 [F, K]."""
    times, weights, field = trajectory.field_quadrature()
    drive = (field @ dipole.T) * (weights / AU_TIME_FS)[:, None]  # [Q, K]
    phase = np.exp(1j * np.outer(times / AU_TIME_FS, omega))
    total = np.concatenate([np.zeros((1, len(omega)), complex), np.cumsum(-1j * phase * drive, axis=0)])
    frames = trajectory.times_fs[1:]
    upto = np.searchsorted(times, frames + 1e-9)
    return np.asarray(total[upto] * np.exp(-1j * np.outer(frames / AU_TIME_FS, omega)))
