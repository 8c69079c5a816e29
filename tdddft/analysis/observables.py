"""Observables of a trajectory besides its dipole: populations, charges, energies. Needs only numpy, scipy and h5py."""

from __future__ import annotations

import numpy as np
import scipy.linalg

from graphlearn.base.errors import ContractError
from tdddft.trajectory import Trajectory, electronic_dipole_au, orthonormal_basis


def ground_orbital_populations(trajectory: Trajectory) -> tuple[np.ndarray, np.ndarray]:
    r"""Electrons in each ground-state orbital, :math:`n_p(t) = \sum_i \eta_i |\langle \phi_p|S|C_i(t)\rangle|^2`.

    Args:
        trajectory: Simulated or predicted.

    Returns:
        Orbital energies float64 [M], hartree, and populations float64 [F, M], the occupied orbitals first; at t = 0
        without a kick they hold 2 and the others 0. Inside a degenerate level only the sum has a meaning. Of an open
        shell alpha stands before beta among the occupied orbitals, which hold 1, and among the others.
    """
    t = trajectory
    half = orthonormal_basis(t.overlap)
    found = []
    for chosen, fock in t.channels:
        energies, orbitals = scipy.linalg.eigh(half.T @ fock @ half)
        amplitudes = t.frame_coefficients[:, chosen].astype(np.complex128) @ (t.overlap @ half @ orbitals)
        populations = np.einsum("s,fsm->fm", t.occupations[chosen], np.abs(amplitudes) ** 2)
        found.append(np.split(np.vstack([energies, populations]), [chosen.sum()], axis=1))
    rows = np.concatenate([part for parts in zip(*found, strict=True) for part in parts], axis=1)
    return rows[0], rows[1:]


def orbital_motion(trajectory: Trajectory, frame_coefficients: np.ndarray | None = None) -> np.ndarray:
    r"""What the occupied orbitals do beyond turning their phases, :math:`\Delta_n(t) = C_n(t) / \gamma_n(t) - C_n(0)`.

    :math:`\gamma_n` is the phase of :math:`\langle C_n(0)|S|C_n(t)\rangle`.

    Args:
        trajectory: Gives C(0), the overlap, and the frames where no others are given.
        frame_coefficients: Complex [F, S, A].

    Returns:
        complex128 [F, S, A].
    """
    start = trajectory.coefficients
    frames = trajectory.frame_coefficients if frame_coefficients is None else frame_coefficients
    c = frames.astype(np.complex128)
    overlap = np.einsum("sa,fsa->fs", start @ trajectory.overlap, c)
    return np.asarray(c / (overlap / np.abs(overlap))[..., None] - start)


def mulliken_charges(trajectory: Trajectory) -> np.ndarray:
    r"""Charges of the atoms, :math:`q_A(t) = Z_A - \sum_{\mu \in A} \mathrm{Re}\,(D(t) S)_{\mu\mu}`.

    Args:
        trajectory: Simulated or predicted.

    Returns:
        float64 [F, N], e. Z is the charge of the ion where a pseudopotential stands for the core.

    Raises:
        ContractError: for files written before the charges of the ions were stored.
    """
    t = trajectory
    ions = t.ground_state.ion_charges
    if ions is None:
        raise ContractError(f"{t.name}: the file does not hold the charges of the ions; generate it again")
    c = t.frame_coefficients.astype(np.complex128)
    gross = np.einsum("s,fsa,fsa->fa", t.occupations, c.conj(), c @ t.overlap.T).real
    atoms = t.ao_table[:, 0][None] == np.arange(len(t.numbers))[:, None]
    return np.asarray(np.asarray(ions, dtype=np.float64) - gross @ atoms.T)


def field_energy_hartree(trajectory: Trajectory) -> np.ndarray:
    r"""Energy of the electrons in the field, :math:`-\mathbf E(t)\cdot\boldsymbol\mu_\mathrm{el}(t)`, float64 [F].

    It is not part of ``energy_hartree``; the sum of both is what the time-dependent Hamiltonian gives.
    """
    t = trajectory
    field = np.stack([np.interp(t.times_fs, t.field_times_fs, t.field_au[:, axis]) for axis in range(3)], axis=1)
    return np.asarray(-np.einsum("fx,fx->f", field, electronic_dipole_au(t.frame_coefficients, t)))


def idempotency_error(trajectory: Trajectory) -> np.ndarray:
    r"""Largest :math:`|P S P - P|` of each frame with :math:`P = \sum_i C_i C_i^\dagger` of a spin, float64 [F]."""
    errors = []
    for chosen, _ in trajectory.channels:
        c = trajectory.frame_coefficients[:, chosen].astype(np.complex128)
        projector = np.swapaxes(c, 1, 2) @ c.conj()
        errors.append(np.abs(projector @ trajectory.overlap @ projector - projector).max(axis=(1, 2)))
    return np.asarray(np.max(errors, axis=0))
