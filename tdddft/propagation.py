"""Real-time propagation: the exponential midpoint rule with one Fock build a step."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tdddft.errors import ConvergenceError
from tdddft.field import Field, field_to_dict
from tdddft.hamiltonian import Hamiltonian
from tdddft.provenance import package_versions
from tdddft.scf import GroundState, ao_table
from tdddft.trajectory import Trajectory, orthonormality_error
from tdddft.units import AU_TIME_FS

Progress = Callable[[int, int], None]
MAX_ITERATIONS = 50


@dataclass
class State:
    """Everything a propagation needs to go on: step, occupied orbitals [M, S], last two responses [M, M]."""

    step: int
    occupied: np.ndarray
    response: np.ndarray
    previous_response: np.ndarray


def initial_state(hamiltonian: Hamiltonian, field: Field) -> State:
    r"""The ground state, multiplied by :math:`e^{-i\mathbf{k}\cdot\mathbf{r}}` where the field starts with a kick."""
    occupied = hamiltonian.ground_orbitals()
    impulse = field.impulse_au
    if not impulse.any():
        still = np.zeros_like(hamiltonian.response(occupied))
        return State(0, occupied, still, still)
    occupied = exponential_action(np.einsum("x,xmn->mn", impulse, hamiltonian.dipole), occupied, 1.0)
    response = hamiltonian.response(occupied)
    return State(0, occupied, response, response)


def advance(
    hamiltonian: Hamiltonian, state: State, field_midpoint: np.ndarray, dt_au: float, tolerance: float | None = None
) -> State:
    r"""One step of the exponential midpoint rule.

    .. math:: C(t+\Delta t) = \exp\left[-i \Delta t\, F(t + \Delta t/2)\right] C(t)

    The response at the midpoint is extrapolated linearly, the orbitals are propagated, the response is evaluated at
    the new time, and the step is repeated with the mean of the responses at both ends (predict, evaluate, correct:
    one Fock build). With ``tolerance`` the last two are repeated until the response changes by less.

    Args:
        hamiltonian: Gives the response and the position matrices.
        state: Where to start; not changed.
        field_midpoint: Field at the middle of the step, float64 [3], atomic units.
        dt_au: Time step, atomic units.
        tolerance: Largest change of the response matrix, hartree; None for a single evaluation.

    Source: predictor-corrector exponential midpoint, Castro, Marques and Rubio, J. Chem. Phys. 121, 3425 (2004).
    """
    static = np.einsum("x,xmn->mn", field_midpoint, hamiltonian.dipole)
    np.einsum("mm->m", static)[...] += hamiltonian.energies
    middle = 1.5 * state.response - 0.5 * state.previous_response
    response = state.response
    for iteration in range(1 if tolerance is None else MAX_ITERATIONS):
        predicted = exponential_action(static + middle, state.occupied, dt_au)
        last, response = response, hamiltonian.response(predicted)
        middle = 0.5 * (state.response + response)
        if tolerance is not None and iteration and np.abs(response - last).max() < tolerance:
            break
    else:
        if tolerance is not None:
            raise ConvergenceError(
                f"step {state.step}: the Fock matrix did not settle to {tolerance:g} hartree in {MAX_ITERATIONS} "
                "iterations; take a smaller time step"
            )
    occupied = exponential_action(static + middle, state.occupied, dt_au)
    return State(state.step + 1, occupied, response, state.response)


def exponential_action(matrix: np.ndarray, vectors: np.ndarray, dt: float) -> np.ndarray:
    r""":math:`e^{-i \Delta t\, H} X` for Hermitian H [M, M] and complex X [M, S], summed to rounding.

    Taylor series of the shifted matrix; H has a spectral radius of a few hartree here, so that 10 to 20 products with
    the occupied block suffice. The result is unitary to rounding.
    """
    diagonal = np.diag(matrix).real
    shift = 0.5 * (diagonal.max() + diagonal.min())
    shifted = matrix - shift * np.eye(len(matrix))
    pieces = max(1, int(np.ceil(dt * np.abs(shifted).sum(axis=1).max() / 4.0)))
    result = np.ascontiguousarray(vectors)
    for _ in range(pieces):
        term, order = result, 0
        result = result.copy()
        while np.abs(term).max() > 1e-17 and order < 100:
            order += 1
            term = _product(shifted, term) * (-1j * dt / (pieces * order))
            result += term
    return result * np.exp(-1j * dt * shift)


def _product(matrix: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    if np.iscomplexobj(matrix):
        return matrix @ vectors
    return (matrix @ vectors.view(np.float64)).view(np.complex128)


def propagate(
    ground_state: GroundState,
    field: Field,
    steps: int = 1000,
    dt_fs: float = 0.005,
    *,
    save_every: int = 10,
    tolerance: float | None = None,
    precision: str = "complex64",
    hamiltonian: Hamiltonian | None = None,
    progress: Progress | None = None,
) -> Trajectory:
    r"""Propagate all occupied orbitals, :math:`i S \dot{C} = F[D(t), t]\, C`, with fixed nuclei.

    Args:
        ground_state: Start of the propagation.
        field: External field.
        steps: Number of time steps.
        dt_fs: Time step, fs.
        save_every: Steps between stored frames; the field is stored at every step.
        tolerance: None for one Fock build a step; else iterate each step until the Fock matrix changes by less
            (hartree).
        precision: ``complex64`` or ``complex128`` for the stored coefficients.
        hamiltonian: Reuse the integrals of another propagation of the same ground state.
        progress: Called with (step, steps) after every frame.

    Returns:
        The trajectory with ``steps // save_every + 1`` frames, the first at t = 0 (after a delta kick).
    """
    started = time.perf_counter()
    hamiltonian = hamiltonian or Hamiltonian(ground_state)
    builds_before = hamiltonian.builds
    midpoints = field.at((np.arange(steps) + 0.5) * dt_fs)
    state = initial_state(hamiltonian, field)
    frames, dipoles, energies = [], [], []

    def record(state: State) -> None:
        state.response, energy = hamiltonian.response_and_energy(state.occupied)
        frames.append((ground_state.orbitals @ state.occupied).T)
        dipoles.append(hamiltonian.electronic_dipole_au(state.occupied))
        energies.append(energy)

    record(state)
    for midpoint in midpoints:
        state = advance(hamiltonian, state, midpoint, dt_fs / AU_TIME_FS, tolerance)
        if state.step % save_every == 0:
            record(state)
            if progress is not None:
                progress(state.step, steps)
    coefficients = np.array(frames)
    times = np.arange(steps + 1) * dt_fs
    occupied = ground_state.num_occupied
    return Trajectory(
        numbers=ground_state.molecule.numbers,
        positions_angstrom=ground_state.molecule.positions_angstrom,
        ao_table=ao_table(ground_state.mol),
        overlap=ground_state.overlap,
        dipole_ao_au=ground_state.dipole_ao_au,
        origin_au=ground_state.origin_au,
        fock_hartree=ground_state.fock_hartree,
        coefficients=ground_state.orbitals[:, :occupied].T.copy(),
        energies_hartree=ground_state.energies_hartree[:occupied],
        occupations=np.full(occupied, 2.0),
        field_times_fs=times,
        field_au=field.at(times),
        field_impulse_au=field.impulse_au,
        times_fs=times[::save_every],
        frame_coefficients=coefficients.astype(precision),
        dipole_au=np.array(dipoles) + ground_state.nuclear_dipole_au,
        energy_hartree=ground_state.energy_hartree + np.array(energies),
        norm_error=orthonormality_error(coefficients, ground_state.overlap),
        info={
            "molecule": {
                "name": ground_state.molecule.name,
                "charge": ground_state.molecule.charge,
                "source": ground_state.molecule.source,
                "smiles": ground_state.molecule.smiles,
            },
            "basis": ground_state.method.model_dump(mode="json"),
            "ground_state": ground_state.facts(),
            "field": field_to_dict(field),
            "provenance": {
                "versions": package_versions(),
                "propagator": "exponential midpoint, "
                + ("one Fock build a step" if tolerance is None else f"self-consistent to {tolerance:g} hartree"),
                "dt_fs": dt_fs,
                "fock_builds": hamiltonian.builds - builds_before,
                "wall_seconds": round(time.perf_counter() - started, 3),
            },
        },
    )
