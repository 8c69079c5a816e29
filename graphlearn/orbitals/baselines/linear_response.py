"""Linear response in a few excited states, the strong physical baseline."""

from __future__ import annotations

import numpy as np

from graphlearn.orbitals.baselines.ground_states import GroundStates
from graphlearn.orbitals.data.target import DELTA_SCALE
from tdddft.trajectory import Trajectory
from tdddft.units import AU_TIME_FS, HARTREE_EV


class LinearResponse:
    r"""Propagates a molecule as its lowest Casida states, each an oscillator driven by the field.

    .. math:: i \dot c_k = \omega_k c_k + \mathbf{E}(t) \cdot \mathbf{d}_k, \qquad
              U_{an}(t) = \sum_k X^k_{na} c_k(t) + Y^k_{na} c_k^*(t)

    with the transition dipoles :math:`\mathbf{d}_k = \sum_{na} (X^k + Y^k)_{na} \langle a|\mathbf{r}|n\rangle`. Density
    and dipole follow from these; the orbitals also mix among themselves,

    .. math:: i \dot U_{mn} = (\varepsilon_m - \varepsilon_n) U_{mn} + \langle m|\delta F(t) + \mathbf{E}(t) \cdot
              \mathbf{r}|n\rangle, \qquad \Delta_n = \beta^{-1} \Big(\sum_a U_{an} C_a + \sum_{m \ne n} U_{mn} C_m\Big)

    with the change of the Fock matrix :math:`\delta F` of the modes.

    Args:
        states: Excited states.
        ground_states: Shared with other methods; its own by default.
    """

    def __init__(self, states: int = 20, ground_states: GroundStates | None = None) -> None:
        self.states, self._ground_states = states, ground_states or GroundStates()

    def __call__(self, trajectory: Trajectory) -> np.ndarray:
        """Delta without the frame at t = 0, complex128 [F, S, A]."""
        from tdddft.analysis.linear_response import linear_response_modes

        t = trajectory
        state = self._ground_states(t)
        modes = linear_response_modes(state, self.states)
        orbitals = state.orbitals
        occupied, virtual = orbitals[:, : state.num_occupied], orbitals[:, state.num_occupied :]
        dipole = np.einsum("an,xab,bp->xnp", occupied, t.dipole_ao_au, orbitals, optimize=True)
        moments = np.einsum("knv,xnv->kx", modes.x + modes.y, dipole[:, :, state.num_occupied :])
        times, weights, field = t.field_quadrature()
        drive = _Drive(times, weights, t.times_fs[1:])
        force = field @ moments.T
        omega = modes.energies_ev / HARTREE_EV
        c = drive.at_frames(omega, force)
        u = np.einsum("fk,knv->fnv", c, modes.x) + np.einsum("fk,knv->fnv", c.conj(), modes.y)

        fock = np.einsum("am,kab,bn->kmn", occupied, modes.fock_hartree, occupied, optimize=True)
        inner = dipole[:, :, : state.num_occupied]
        displacement = drive.at_samples(omega, force).real
        mixing = np.einsum("qk,kmn->qmn", displacement, fock) + np.einsum("qx,xmn->qmn", field, inner)
        gaps = np.subtract.outer(state.energies_hartree[: len(inner[0])], state.energies_hartree[: len(inner[0])])
        among = drive.at_frames(gaps.ravel(), mixing.reshape(len(times), -1)).reshape(-1, *gaps.shape)
        mine = t.coefficients @ t.overlap @ occupied  # degenerate orbitals of the file may be mixed otherwise
        u, among = np.einsum("jn,fnv->fjv", mine, u), np.einsum("im,fmn,jn->fij", mine, among, mine)
        among[:, np.arange(len(mine)), np.arange(len(mine))] = 0.0  # the gauge takes the phase of each orbital
        delta = np.einsum("fnv,av->fna", u, virtual) + np.einsum("fij,ia->fja", among, t.coefficients)
        return np.asarray(delta / DELTA_SCALE)


class _Drive:
    r"""Solves :math:`i \dot c = \omega c + f(t)` from rest, with f sampled at quadrature points.

    Args:
        times_fs: Of the samples, [Q].
        weights_fs: Of the quadrature, [Q].
        frames_fs: Where the solution is wanted, [F].
    """

    def __init__(self, times_fs: np.ndarray, weights_fs: np.ndarray, frames_fs: np.ndarray) -> None:
        self.times, self.weights, self.frames = times_fs / AU_TIME_FS, weights_fs / AU_TIME_FS, frames_fs / AU_TIME_FS

    def _integral(self, omega: np.ndarray, force: np.ndarray) -> np.ndarray:
        turned = np.exp(1j * np.outer(self.times, omega)) * force * self.weights[:, None]
        return np.concatenate([np.zeros((1, len(omega))), -1j * np.cumsum(turned, axis=0)])

    def at_frames(self, omega: np.ndarray, force: np.ndarray) -> np.ndarray:
        """Solution at the frames for frequencies [K] in atomic units and forces [Q, K], complex128 [F, K]."""
        before = np.searchsorted(self.times, self.frames + 1e-9)
        return np.asarray(self._integral(omega, force)[before] * np.exp(-1j * np.outer(self.frames, omega)))

    def at_samples(self, omega: np.ndarray, force: np.ndarray) -> np.ndarray:
        """Solution at the samples themselves, each counted half, complex128 [Q, K]."""
        total = self._integral(omega, force)
        return np.asarray(0.5 * (total[1:] + total[:-1]) * np.exp(-1j * np.outer(self.times, omega)))
