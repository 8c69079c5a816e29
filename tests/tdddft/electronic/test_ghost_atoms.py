"""Ghost atoms: basis functions without nucleus and electrons."""

import numpy as np
import pytest
from pyscf import dft, gto

from graphlearn.orbitals.data.layout import OrbitalLayout
from tdddft import (
    InputError,
    Kick,
    Linear,
    Method,
    Molecule,
    ground_state,
    level_of_theory,
    propagate,
    read_molecules,
    read_trajectory,
    write_trajectory,
)
from tdddft.analysis.observables import mulliken_charges
from tdddft.dataset.recovery import mismatch
from tdddft.molecules.selection import fingerprint
from tdddft.trajectory.validation import failures

POSITIONS = [[0, 0, 0], [0, 0.757, 0.587], [0, -0.757, 0.587], [0, 0, 2.9], [0, 0.757, 3.487], [0, -0.757, 3.487]]
DIMER = Molecule("monomer", [8, 1, 1] * 2, POSITIONS, ghosts=(3, 4, 5))
FAST = {"functional": "PBE0", "basis": "6-31g", "grid_level": 1, "response_grid": 0}
LABELS = ["O", "H", "H", "ghost-O", "ghost-H", "ghost-H"]


@pytest.fixture(scope="module")
def monomer():
    return ground_state(DIMER, Method(**FAST))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"basis": {"default": "6-31g", "O": "6-31g*"}},
        {"functional": "PBE", "basis": "gth-dzvp", "pseudopotential": "gth-pbe"},
    ],
    ids=["one basis", "by element", "gth"],
)
def test_the_energy_in_the_basis_of_the_dimer_is_that_of_pyscf(changes):
    method = Method(**{**FAST, **changes})
    state = ground_state(DIMER, method)
    named = method.basis if isinstance(method.basis, dict) else {"default": method.basis}
    basis = {label: named.get(label.removeprefix("ghost-"), named["default"]) for label in LABELS}
    pseudo = dict.fromkeys("OH", method.pseudopotential) if method.pseudopotential else {}
    mol = gto.M(atom=list(zip(LABELS, POSITIONS, strict=True)), basis=basis, pseudo=pseudo, verbose=0)
    direct = dft.RKS(mol, xc=method.functional).density_fit().set(conv_tol=1e-11)
    direct.grids.level = 1
    assert direct.kernel() == pytest.approx(state.energy_hartree, abs=1e-7)
    alone = ground_state(Molecule("H2O", [8, 1, 1], POSITIONS[:3]), method)
    assert state.energy_hartree < alone.energy_hartree - 1e-4  # the basis set superposition
    assert state.mol.nao == 2 * alone.mol.nao
    assert state.mol.atom_charges()[3:].tolist() == [0, 0, 0]


def test_a_ghost_of_a_heavy_element_has_no_core():
    ghost = Molecule("H2", [1, 1, 53], [[0, 0, 0], [0, 0, 0.74], [0, 0, 3.0]], ghosts=(2,))
    state = ground_state(ghost, Method(basis="def2-svp", grid_level=1))
    assert (state.mol.atom_charges().tolist(), state.mol.nelectron) == ([1, 1, 0], 2)
    assert not state.mol.has_ecp()
    assert state.energy_hartree == pytest.approx(-1.166, abs=0.01)


def test_a_file_with_ghosts_says_so_and_is_computed_again(tmp_path, monomer):
    trajectory = propagate(monomer, Kick(1e-3, (0, 0, 1)), 20)
    assert failures(trajectory) == []
    again = read_trajectory(write_trajectory(tmp_path / "t.h5", trajectory))
    assert again.molecule.ghosts == (3, 4, 5)
    assert again.atom_labels == ["O0", "H1", "H2", "ghost-O3", "ghost-H4", "ghost-H5"]
    molecule, _ = level_of_theory(again)
    assert (molecule.ghosts, molecule.formula) == ((3, 4, 5), "H2O")
    charges = mulliken_charges(again)[0]
    assert abs(charges.sum()) < 1e-6
    assert (charges[3:] <= 1e-6).all()
    named = again.replace(provenance=again.provenance.model_copy(update={"id": "a"}))
    assert mismatch(named, "a", fingerprint(DIMER)) == ""
    assert fingerprint(DIMER) != fingerprint(Molecule("two", [8, 1, 1] * 2, POSITIONS))


def test_linear_propagation_with_ghosts(monomer):
    kick = Kick(1e-4, (0, 0, 1))
    whole, linear = (propagate(monomer, kick, 20, propagator=p) for p in (None, Linear("grid")))
    span = np.abs(whole.dipole_au - whole.dipole_au[0]).max()
    assert np.abs(linear.dipole_au - whole.dipole_au).max() < 0.02 * span


@pytest.mark.parametrize("label", ["Ghost-O", "X-O", "gh_O", "Bq:O", "ghost-o"])
def test_ghosts_of_an_xyz_file(tmp_path, label):
    path = tmp_path / "dimer.xyz"
    path.write_text(f"4\n\nO 0 0 0\nH 0 0.757 0.587\nH 0 -0.757 0.587\n{label} 0 0 2.9\n")
    (molecule,) = read_molecules(str(path))
    assert (molecule.numbers.tolist(), molecule.ghosts, molecule.formula) == ([8, 1, 1, 8], (3,), "H2O")


def test_ghosts_of_a_mole(monomer):
    mol = gto.M(atom=list(zip(LABELS, POSITIONS, strict=True)), basis="6-31g", verbose=0)
    state = ground_state(mol, Method(functional="PBE0", grid_level=1))
    assert state.molecule.ghosts == (3, 4, 5)
    assert state.energy_hartree == pytest.approx(monomer.energy_hartree, abs=1e-8)


def test_who_does_not_know_ghosts_refuses_them_by_name(monomer):
    trajectory = propagate(monomer, Kick(1e-4), 10)
    with pytest.raises(InputError, match="monomer: holds ghost atoms"):
        OrbitalLayout.of(trajectory)
    with pytest.raises(InputError, match="kernel ris: a ghost atom has no radius"):
        propagate(monomer, Kick(1e-4), 10, propagator=Linear("ris"))
    with pytest.raises(InputError, match="no place in the cavity of a solvent"):
        ground_state(DIMER, Method(**FAST, solvent="water"))


@pytest.mark.parametrize("ghosts", [(6,), (-1,), (1, 1)])
def test_ghosts_that_are_no_atoms_are_refused(ghosts):
    with pytest.raises(InputError, match="ghost atoms"):
        Molecule("x", [8, 1, 1] * 2, POSITIONS, ghosts=ghosts)
    with pytest.raises(InputError, match="leaves 0 electrons"):
        Molecule("x", [8, 1, 1] * 2, POSITIONS, ghosts=tuple(range(6)))
