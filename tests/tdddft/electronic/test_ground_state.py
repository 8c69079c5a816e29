import numpy as np
import pytest
from ase.collections import g2
from e3nn import o3
from scipy.spatial.transform import Rotation

from tdddft import ConvergenceError, InputError, Method, Molecule, ground_state, read_molecules
from tdddft.electronic.mole import ao_table


def test_the_default_basis_has_the_shape_of_the_papers():
    state = ground_state("g2:H2O", Method(grid_level=0))
    table = ao_table(state.mol)
    assert [int((table[:, 0] == atom).sum()) for atom in range(3)] == [13, 5, 5]
    assert table[:, 1].max() == 2
    assert state.num_occupied == 4


def test_ground_state_orbitals_solve_the_fock_equation(water):
    residual = water.fock_hartree @ water.orbitals - water.overlap @ water.orbitals * water.energies_hartree
    assert np.abs(residual).max() < 1e-5
    assert np.abs(water.orbitals.T @ water.overlap @ water.orbitals - np.eye(len(water.energies_hartree))).max() < 1e-12


def test_dipole_matches_pyscf(water):
    density = 2 * water.orbitals[:, : water.num_occupied] @ water.orbitals[:, : water.num_occupied].T
    ours = water.nuclear_dipole_au - np.einsum("xab,ab->x", water.dipole_ao_au, density)
    theirs = water.mean_field.dip_moment(unit="au", verbose=0)
    assert np.allclose(ours, theirs, atol=1e-8)


def test_ao_table_turns_with_the_molecule_as_wigner_d_says(fast_method):
    """Rotate the molecule, run PySCF again: the occupied space in slots turns by Wigner D in the axes (y, z, x)."""
    from graphlearn.orbitals.data.layout import OrbitalLayout

    rotation = Rotation.from_euler("xyz", [0.4, -1.1, 2.3]).as_matrix()
    atoms = g2["H2CO"]
    projectors = []
    for matrix in (np.eye(3), rotation):
        state = ground_state(
            Molecule("h2co", atoms.numbers, atoms.positions @ matrix.T),
            fast_method.model_copy(update={"grid_level": 3}),
        )
        occupied = state.orbitals[:, : state.num_occupied].T
        slots = OrbitalLayout(ao_table(state.mol), 4).to_slots(occupied)  # [S, N, 9, R]
        projectors.append(np.einsum("snir,smjq->nirmjq", slots, slots))
    axes = np.eye(3)[[1, 2, 0]]
    turn = o3.Irreps("0e+1e+2e").D_from_matrix(_tensor(axes @ rotation @ axes.T)).numpy()
    turned = np.einsum("ai,bj,nirmjq->narmbq", turn, turn, projectors[0])
    assert np.abs(turned - projectors[1]).max() < 2e-4  # the integration grid is not invariant
    assert np.abs(projectors[0] - projectors[1]).max() > 0.1


def _tensor(array):
    import torch

    return torch.as_tensor(array, dtype=torch.float64)


def test_unconverged_scf_is_an_error():
    with pytest.raises(ConvergenceError, match="not converged in 2 cycles"):
        ground_state("g2:H2CO", Method(grid_level=0, scf_max_cycles=2))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"basis": "no-such-basis"}, "unknown basis 'no-such-basis'"),
        ({"functional": "NOFUNC"}, "unknown functional 'NOFUNC'"),
        ({"functional": "wB97X-V"}, "nonlocal correlation"),
    ],
)
def test_methods_that_cannot_be_used_are_named(changes, message):
    with pytest.raises(InputError, match=message):
        ground_state("g2:H2O", Method(grid_level=0, **changes))


def test_element_without_basis_is_named():
    gold = Molecule("AuI", [53, 53], [[0, 0, 0], [0, 0, 2.7]])
    with pytest.raises(InputError, match="does not cover I"):
        ground_state(gold, Method())


def test_more_than_one_molecule_is_refused(tmp_path):
    (tmp_path / "two.xyz").write_text("2\n\nH 0 0 0\nH 0 0 0.74\n" * 2)
    with pytest.raises(InputError, match="holds 2 molecules"):
        ground_state(tmp_path / "two.xyz")
    assert len(read_molecules(str(tmp_path / "two.xyz"))) == 2


def test_fitting_functions_are_generated_without_a_word_of_the_library():
    """PySCF has none for lithium with PBE, and warns of a package that has; warnings are errors here."""
    state = ground_state("g2:LiH", Method(basis="6-31g*", pseudopotential=None, grid_level=1, response_grid=0))
    assert state.energy_hartree == pytest.approx(-8.04045, abs=1e-4)
