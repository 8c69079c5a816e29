"""Transitions of Casida roots and of the peaks of a propagation."""

import numpy as np
import pytest
from ase.io.cube import read_cube_data
from pyscf import tdscf
from pyscf.tools import molden

from tdddft import InputError, Kick, Method, Molecule, ground_state, propagate
from tdddft.analysis.peak_transitions import peak_transitions, peaks_of
from tdddft.analysis.transition import casida_transitions
from tdddft.analysis.transition_files import write_transition
from tdddft.propagation.schemes import Linear
from tdddft.units import BOHR_ANGSTROM

FORMALDEHYDE = Molecule("CH2O", [6, 8, 1, 1], [[0, 0, -0.53], [0, 0, 0.68], [0, 0.94, -1.12], [0, -0.94, -1.12]])
LEVEL = Method(basis="6-31g", pseudopotential=None, functional="PBE0", grid_level=1, response_grid=1)


@pytest.fixture(scope="module")
def state():
    return ground_state(FORMALDEHYDE, LEVEL)


@pytest.fixture(scope="module")
def roots(state):
    return casida_transitions(state, 8)


@pytest.fixture(scope="module")
def kicked(state):
    """Ten femtoseconds after a kick along the CO bond."""
    return propagate(state, Kick(1e-4), 500, 0.02, save_every=1, propagator=Linear("grid"), precision="complex128")


def test_roots_have_the_natural_orbitals_and_dipoles_of_pyscf(state, roots):
    solver = tdscf.TDDFT(state.mean_field).set(nstates=8)
    solver.kernel()
    assert np.allclose([t.energy_ev / 27.211386 for t in roots], solver.e, atol=1e-6)
    occupied = state.num_occupied
    for number, (t, dipole) in enumerate(zip(roots, solver.transition_dipole(), strict=True), 1):
        assert np.allclose(np.abs(t.dipole_au), np.abs(dipole), atol=1e-4)
        weights, orbitals = solver.get_nto(state=number)
        pairs = t.natural_orbitals()
        assert np.allclose(pairs.weights, weights[: len(pairs.weights)], atol=1e-4)
        for own, theirs in ((pairs.holes[:, 0], orbitals[:, 0]), (pairs.electrons[:, 0], orbitals[:, occupied])):
            assert abs(own @ state.overlap @ theirs) == pytest.approx(1.0, abs=1e-4)


def test_peaks_of_a_propagation_are_the_roots(kicked, state):
    energies, strengths = peaks_of(kicked)
    seen = energies[(energies < 14) & (strengths > 0.01)]
    assert len(seen) >= 2
    every = casida_transitions(state, 20)
    for t in peak_transitions(kicked, seen):
        root = min((r for r in every if abs(r.dipole_au[2]) > 0.05), key=lambda r: abs(r.energy_ev - t.energy_ev))
        assert abs(root.energy_ev - t.energy_ev) < 0.01
        assert t.strength() == pytest.approx(root.strength(), rel=0.02)
        assert t.strength(t.direction) == pytest.approx(t.line_strength, rel=0.02)
        assert t.deexcitation == pytest.approx(root.deexcitation, abs=2e-3)
        assert np.allclose(t.charge_transfer(), root.charge_transfer(), atol=0.01)
        assert np.allclose(t.natural_orbitals().weights, root.natural_orbitals().weights, atol=0.01)
        assert np.abs(np.abs(t.density_matrix) - np.abs(root.density_matrix)).max() < 0.02


def test_far_molecules_have_local_and_charge_transfer_states():
    """Two different hydrogen molecules 6 angstrom apart, minimal basis: four pairs, two of each kind."""
    pair = Molecule("pair", [1] * 4, [[0, 0, 0], [0, 0, 0.74], [6, 0, 0], [6, 0, 0.95]])
    level = Method(basis="sto-3g", pseudopotential=None, functional="HF")
    found = casida_transitions(ground_state(pair, level), 4)
    numbers = np.array([t.charge_transfer_number([[0, 1]]) for t in found])
    assert np.allclose(numbers, [0, 0, 1, 1], atol=1e-3)
    assert np.allclose([t.distance_angstrom for t in found], [0, 0, 6, 6], atol=0.05)
    assert found[0].charge_transfer_number() > 0.4  # between the atoms of one molecule
    assert np.allclose([t.charge_transfer().sum() for t in found], 1.0)
    with pytest.raises(InputError, match="at most once"):
        found[0].charge_transfer_number([[0, 1], [1]])
    with pytest.raises(InputError, match="0 to 3"):
        found[0].charge_transfer_number([[4]])


def test_files_hold_the_dipole_and_the_orbitals(state, roots, tmp_path):
    bright = max(roots, key=lambda t: t.strength())
    density, hole, electron, orbitals = write_transition(tmp_path / "new", "CH2O", bright, spacing_au=0.3)
    values, _ = read_cube_data(str(density))
    axes = [(np.arange(n) - (n - 1) / 2) * 0.3 for n in values.shape]
    moments = [-np.einsum("xyz," + "xyz"[i] + "->", values, axes[i]) * 0.3**3 for i in range(3)]
    assert np.allclose(moments, bright.dipole_au, atol=0.01)
    for path in (hole, electron):
        assert (read_cube_data(str(path))[0] ** 2).sum() * 0.3**3 == pytest.approx(1.0, abs=0.05)
    _, _, coefficients, occupations, _, _ = molden.load(str(orbitals))
    assert occupations[0] == pytest.approx(-occupations[-1])
    pairs = bright.natural_orbitals()
    middle = coefficients.shape[1] // 2
    assert np.allclose(coefficients[:, middle], pairs.electrons[:, 0], atol=1e-6)
    assert occupations[middle] == pytest.approx(pairs.weights[0], abs=1e-4)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write"):
        write_transition(tmp_path / "file", "CH2O", bright)


def test_what_a_trajectory_cannot_tell_is_refused(kicked):
    with pytest.raises(InputError, match=r"no peak within 0\.2 eV of 2 eV; there are \d"):
        peak_transitions(kicked, [2.0])
    frames = {name: getattr(kicked, name)[:15] for name in ("times_fs", "frame_coefficients", "dipole_au")}
    short = kicked.replace(**frames)
    with pytest.raises(InputError, match="frames after the field are too few"):
        peak_transitions(short, [peaks_of(short)[0][0]])
    radical = kicked.replace(spins=np.array([1] * 4 + [-1] * 4), fock_beta_hartree=kicked.fock_hartree)
    with pytest.raises(InputError, match="an open shell, and the transition of a peak is for closed shells alone"):
        peak_transitions(radical, [10.0])


def test_the_distance_of_a_pair_in_bohr_is_turned_into_angstrom(roots):
    t = roots[0]
    occupied, virtual = t.orbitals[:, : len(t.x)], t.orbitals[:, len(t.x) :]
    x = t.x / np.linalg.norm(t.x)
    hole = [np.trace(x.T @ occupied.T @ r @ occupied @ x) for r in t.dipole_ao_au]
    electron = [np.trace(x @ virtual.T @ r @ virtual @ x.T) for r in t.dipole_ao_au]
    assert t.distance_angstrom == pytest.approx(np.linalg.norm(np.subtract(hole, electron)) * BOHR_ANGSTROM)
