"""The polarisable continuum against PySCF's own: ground state, roots of Casida's equation, and the propagation."""

import dataclasses

import numpy as np
import pytest
import torch
from pyscf import dft, scf
from pyscf.solvent.pcm import PCM

from tdddft import (
    GaussianPulses,
    Hamiltonian,
    InputError,
    Kick,
    Linear,
    Method,
    Midpoint,
    Molecule,
    ground_state,
    level_of_theory,
    propagate,
    propagate_batch,
    read_trajectory,
    write_trajectory,
)
from tdddft.analysis.linear_response import linear_response_modes, linear_response_roots
from tdddft.electronic.solvent import dielectric_constants
from tdddft.propagation.schemes.exponential import exponential_action
from tdddft.trajectory.validation import failures
from tdddft.units import HARTREE_EV

SETTINGS = {
    "functional": "PBE0", "basis": "6-31g", "grid_level": 1, "response_grid": 1, "response_precision": "float64",
}  # fmt: skip
FAST = {"solvent": "water", "solvent_response": "fast"}


def method(**changes):
    return Method(**{**SETTINGS, **changes})


@pytest.fixture(scope="module")
def states():
    levels = {"none": {}, "frozen": {"solvent": "water"}, "fast": FAST}
    return {name: ground_state("g2:H2O", method(**changes)) for name, changes in levels.items()}


@pytest.mark.parametrize(("model", "name"), [("iefpcm", "IEF-PCM"), ("cpcm", "C-PCM")])
def test_the_ground_state_is_that_of_pyscf(states, model, name):
    state = ground_state("g2:H2O", method(solvent=35.688, solvent_model=model))
    continuum = PCM(state.mol)
    continuum.method, continuum.eps = name, 35.688
    direct = dft.RKS(state.mol, xc="PBE0").density_fit().PCM(continuum).set(conv_tol=1e-11)
    direct.grids.level = 1
    assert direct.kernel() == pytest.approx(state.energy_hartree, abs=1e-8)
    assert -0.02 < state.energy_hartree - states["none"].energy_hartree < -0.005
    named = ground_state("g2:H2O", method(solvent="acetonitrile", solvent_model=model))
    assert named.energy_hartree == pytest.approx(state.energy_hartree, abs=1e-9)


def test_hartree_fock_in_a_solvent():
    state = ground_state("g2:H2O", Method(functional="HF", basis="6-31g", solvent="water"))
    continuum = PCM(state.mol)
    continuum.method, continuum.eps = "IEF-PCM", 78.355
    assert scf.RHF(state.mol).density_fit().PCM(continuum).kernel() == pytest.approx(state.energy_hartree, abs=1e-7)


def test_roots_are_those_of_pyscf(states):
    """PySCF's vertical excitations take an optical dielectric constant of 1.78."""
    fast = ground_state("g2:H2O", method(**FAST, optical_dielectric=1.78))
    solver = fast.mean_field.TDDFT(equilibrium_solvation=False).set(nstates=3)
    roots = linear_response_roots(fast, 3).energies_ev
    assert np.abs(np.sort(solver.kernel()[0]) * HARTREE_EV - roots).max() < 1e-4
    gas, frozen = (linear_response_roots(states[name], 3).energies_ev for name in ("none", "frozen"))
    assert (frozen > gas).all()  # the lone pair of water is stabilised
    assert (roots < frozen - 1e-3).all()


@pytest.mark.parametrize("response", ["frozen", "fast"])
@pytest.mark.parametrize("level", ["fitted", "grid"])
def test_eigenvalues_of_the_linear_kernel_are_the_roots_of_pyscf(states, response, level):
    g = states[response]
    kernel, s = Hamiltonian(g).response_kernel(level), g.num_occupied
    gaps = (g.energies_hartree[s:, None] - g.energies_hartree[:s]).ravel()

    def matrix(part):
        columns = [part(row) for row in torch.eye(len(gaps), dtype=torch.float64)]
        return np.diag(gaps) + np.stack([c.view(-1, s)[s:].flatten().numpy() for c in columns])

    squares = np.linalg.eigvals(matrix(kernel.even) @ matrix(kernel.odd))
    energies = np.sqrt(np.sort(squares.real))[:3] * HARTREE_EV
    tolerance = 0.002 if level == "grid" else 0.03
    assert np.abs(energies - linear_response_roots(g, 3).energies_ev).max() < tolerance


@pytest.mark.parametrize("response", ["frozen", "fast"])
def test_the_propagated_response_is_that_of_the_kernel(states, response):
    g, pulse = states[response], GaussianPulses((0.3, 0.5, 0.8))
    hamiltonian = Hamiltonian(g)
    whole = propagate(g, pulse, 120, 0.01, hamiltonian=hamiltonian)
    linear = propagate(g, pulse, 120, 0.01, hamiltonian=hamiltonian, propagator=Linear("grid"))
    induced = whole.dipole_au - whole.dipole_au[0]
    assert np.abs(linear.dipole_au - whole.dipole_au).max() < 5e-3 * np.abs(induced).max()
    assert failures(whole) == []


def test_the_fast_response_moves_the_dipole_and_the_inner_steps_know_it(states):
    kick = Kick(1e-3, (0, 0, 1))
    runs = {name: propagate(g, kick, 60) for name, g in states.items()}
    span = np.abs(runs["fast"].dipole_au - runs["fast"].dipole_au[0]).max()
    assert np.abs(runs["fast"].dipole_au - runs["frozen"].dipole_au).max() > 0.02 * span
    assert runs["fast"].provenance.fock_builds < 1.3 * runs["frozen"].provenance.fock_builds


def test_modes_carry_the_response_of_the_solvent(states):
    """At a root the change of the Fock matrix closes Casida's equation: (E - w) (X + Y) + F = gap terms."""
    for name in ("frozen", "fast"):
        g = states[name]
        modes, s = linear_response_modes(g, 2), g.num_occupied
        gaps = g.energies_hartree[s:] - g.energies_hartree[:s, None]
        fock = g.orbitals[:, :s].T @ modes.fock_hartree @ g.orbitals[:, s:]
        residual = (
            gaps * (modes.x + modes.y) + fock - modes.energies_ev[:, None, None] / HARTREE_EV * (modes.x - modes.y)
        )
        assert np.abs(residual).max() < 2e-3


@pytest.mark.parametrize("molecule", ["closed", "open"])
def test_the_fast_response_is_the_reaction_field_of_pyscf(molecule):
    given = "g2:H2O" if molecule == "closed" else Molecule("OH", [8, 1], [[0, 0, 0], [0, 0, 0.97]], multiplicity=2)
    fast = ground_state(given, method(**FAST))
    frozen = dataclasses.replace(fast, method=method(solvent="water"))
    with_field, without = Hamiltonian(fast), Hamiltonian(frozen)
    random = np.random.default_rng(0).normal(size=(2, *with_field.energies.shape, with_field.energies.shape[-1]))
    matrix = torch.complex(*torch.as_tensor(random))
    turned = exponential_action(0.02 * (matrix + matrix.mH), with_field.ground_orbitals(), 1.0)
    difference = with_field.response(turned)[0] - without.response(turned)[0]
    change = with_field.density_change(turned).real.numpy()
    density = sum(c.orbitals @ d @ c.orbitals.T for c, d in zip(fast.channels, change, strict=True))
    continuum = PCM(fast.mol)
    continuum.method, continuum.eps = "IEF-PCM", dielectric_constants(fast.method)[1]
    field = continuum._B_dot_x(density)
    for channel, found in zip(fast.channels, difference.real.numpy(), strict=True):
        expected = channel.orbitals.T @ field @ channel.orbitals
        assert np.abs(found - expected).max() < 1e-6 * np.abs(expected).max()
    kick = Kick(1e-3, (0, 0, 1))
    steps = (
        propagate(fast, kick, 40, hamiltonian=with_field),
        propagate(fast, kick, 160, 0.00125, save_every=40, hamiltonian=with_field, propagator=Midpoint()),
    )
    span = np.abs(steps[0].dipole_au - steps[0].dipole_au[0]).max()
    assert np.abs(steps[0].dipole_au[-1] - steps[1].dipole_au[-1]).max() < 5e-3 * span


def test_the_file_says_what_the_solvent_does(tmp_path, states):
    path = write_trajectory(tmp_path / "t.h5", propagate(states["fast"], Kick(1e-3), 20))
    trajectory = read_trajectory(path)
    said = trajectory.ground_state.solvent
    assert said == (
        "IEF-PCM, dielectric constant 78.355 in the ground state; its fast part follows the electrons with 1.776"
    )
    assert level_of_theory(trajectory)[1] == states["fast"].method
    frozen = states["frozen"].summary()["solvent"]
    assert frozen == "IEF-PCM, dielectric constant 78.355 in the ground state; frozen in the propagation"
    assert "solvent" not in states["none"].summary()


def test_molecules_of_a_batch_have_their_own_reaction_field(states):
    kick = Kick(1e-3, (0, 0, 1))
    other = ground_state("g2:NH3", method(**FAST))
    pair = propagate_batch([states["fast"], other], [kick, kick], 10, propagator=Midpoint())
    for state, together in zip((states["fast"], other), pair, strict=True):
        alone = propagate(state, kick, 10, propagator=Midpoint())
        span = np.abs(alone.dipole_au - alone.dipole_au[0]).max()
        assert np.abs(alone.dipole_au - together.dipole_au).max() < 1e-6 * span


def test_constants_of_solvents():
    assert dielectric_constants(method(solvent="Water")) == (78.355, pytest.approx(1.3328**2))
    assert dielectric_constants(method(**{**FAST, "solvent": 10.0}, optical_dielectric=2.0)) == (10.0, 2.0)
    with pytest.raises(InputError, match=r"unknown solvent 'watr'; similar: water"):
        ground_state("g2:H2", method(solvent="watr"))
    with pytest.raises(InputError, match=r"needs method\.optical_dielectric"):
        ground_state("g2:H2", method(**{**FAST, "solvent": 10.0}))


@pytest.mark.parametrize(
    "changes",
    [
        {"solvent_model": "cpcm"},
        {"solvent_response": "fast"},
        {"optical_dielectric": 1.8},
        {"solvent": "water", "optical_dielectric": 1.8},
    ],
)
def test_keys_of_a_solvent_without_effect_are_errors(changes):
    with pytest.raises(ValueError, match="has no effect"):
        method(**changes)


def test_without_a_solvent_the_level_of_theory_is_stored_as_before():
    stored = Method().model_dump(mode="json")
    assert not {"solvent", "solvent_model", "solvent_response", "optical_dielectric"} & stored.keys()
