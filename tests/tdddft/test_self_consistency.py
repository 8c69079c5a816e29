import numpy as np
import pytest

from tdddft import ConvergenceError, Method, ground_state


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
    from tdddft.scf import _mean_field, build_mol

    method = Method(grid_level=2, **changes)
    ours = ground_state("g2:H2CO", method)
    assert ours.scf_solver == "two grids"
    theirs = _mean_field(build_mol(ours.molecule, method), method)
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
    assert found.facts()["scf_solver"] == solver
    assert abs(found.energy_hartree - reference.energy_hartree) < 1e-8
    assert np.abs(found.fock_hartree - reference.fock_hartree).max() < 1e-5


def test_what_no_solver_converges_names_them_all():
    with pytest.raises(ConvergenceError, match="tried two grids, DIIS, level shift, second order"):
        ground_state("g2:H2CO", Method(scf_max_cycles=1, grid_level=1))
