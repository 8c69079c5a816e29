import numpy as np
import pytest
from pyscf import dft

from tdddft import ConvergenceError, Method, Molecule, ground_state
from tdddft.electronic.scf_solvers import flaw_of


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"functional": "PBE0"},
        {"functional": "TPSS"},
        {"basis": "6-31g", "pseudopotential": None, "density_fitting": False},
    ],
)
def test_two_grids_converge_to_what_one_grid_does(changes):
    """PySCF's own loop on the fine grid is the oracle."""
    method = Method(grid_level=2, **changes)
    ours = ground_state("g2:H2CO", method)
    assert ours.scf_solver == "two grids"
    theirs = dft.RKS(ours.mol, xc=method.functional)
    theirs = theirs.density_fit() if method.density_fitting else theirs
    theirs.grids.level, theirs.conv_tol = 2, 1e-11
    theirs.kernel()
    assert abs(ours.energy_hartree - theirs.e_tot) < 1e-9
    assert np.abs(ours.energies_hartree - theirs.mo_energy).max() < 1e-6
    s = ours.overlap
    a, b = (c[:, : ours.num_occupied] for c in (ours.orbitals, theirs.mo_coeff))
    assert np.abs(a @ a.T - b @ b.T).max() < 1e-6
    residual = ours.fock_hartree @ ours.orbitals - s @ ours.orbitals * ours.energies_hartree
    assert np.abs(residual).max() < 1e-10


def test_hartree_fock_has_no_grid():
    assert ground_state("g2:H2O", Method(functional="HF")).scf_solver == "DIIS"


@pytest.mark.parametrize(("cycles", "solver"), [(50, "two grids"), (8, "level shift"), (4, "second order")])
def test_the_ladder_goes_on_where_a_solver_gives_up(cycles, solver):
    """Few cycles stand for a hard case: all ladders end in the same state, and the file says which one it took."""
    found = ground_state("g2:H2CO", Method(scf_max_cycles=cycles, grid_level=1))
    reference = ground_state("g2:H2CO", Method(grid_level=1))
    assert found.scf_solver == solver
    assert found.summary()["scf_solver"] == solver
    assert abs(found.energy_hartree - reference.energy_hartree) < 1e-8
    assert np.abs(found.fock_hartree - reference.fock_hartree).max() < 1e-5


def test_what_no_solver_converges_names_them_all():
    with pytest.raises(ConvergenceError, match="tried two grids, DIIS, level shift, second order"):
        ground_state("g2:H2CO", Method(scf_max_cycles=1, grid_level=1))


ALL_ELECTRONS = {"basis": "cc-pvdz", "pseudopotential": None}


def test_hydrogen_at_ten_angstrom_is_the_state_with_the_lowest_orbitals_occupied():
    """-0.52924 hartree, where the last solver began with the orbitals of the one before it, has the HOMO on top."""
    state = ground_state(Molecule("H2", [1, 1], [[0, 0, 0], [0, 0, 10]]), Method(**ALL_ELECTRONS))
    assert abs(state.energy_hartree - -0.91408) < 2e-5
    assert state.energies_hartree[0] <= state.energies_hartree[1:].min() + 1e-5


@pytest.mark.parametrize("changes", [ALL_ELECTRONS, {}])
def test_singlet_oxygen_is_refused_by_name(changes):
    """Its closed-shell determinants have an empty orbital below an occupied one, or are saddle points."""
    oxygen = Molecule("O2", [8, 8], [[0, 0, 0], [0, 0, 1.21]])
    with pytest.raises(ConvergenceError, match="O2: SCF converges to a state that is no ground state: "):
        ground_state(oxygen, Method(**changes, grid_level=1))


def test_a_state_with_an_empty_orbital_below_an_occupied_one_has_a_flaw(water):
    mean_field = water.mean_field.copy()
    assert flaw_of(mean_field) == ""
    occupied = water.num_occupied
    mean_field.mo_occ = np.roll(mean_field.mo_occ, 1)
    assert "an occupied orbital lies" in flaw_of(mean_field)
    mean_field.mo_occ = np.zeros(len(mean_field.mo_energy))
    mean_field.mo_occ[:occupied] = 2
    mean_field.mo_energy = np.where(mean_field.mo_occ > 0, -1.0, -0.999)
    assert flaw_of(mean_field) == ""  # nearly degenerate by name, but a minimum


def test_a_turn_among_the_equivalent_states_of_a_degenerate_shell_is_no_instability():
    """The hole of OH lies in either of two orbitals; turning it costs nothing but the grid's unevenness."""
    mean_field = ground_state("g2:OH", Method(functional="PBE")).mean_field
    mean_field.stability = lambda **_: (mean_field.mo_coeff, None, False, True)
    assert flaw_of(mean_field) == ""
    mean_field.e_tot += 1e-3  # as if the turn had lowered it
    assert "its energy is no minimum" in flaw_of(mean_field)
