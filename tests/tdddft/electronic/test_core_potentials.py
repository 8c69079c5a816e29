"""Pairs of basis and pseudopotential or effective core potential: what belongs together, and what is refused."""

import warnings

import numpy as np
import pytest

from graphlearn.base.recipes.reading import parse_recipe, recipe_hash
from tdddft import GenerateRecipe, InputError, Method, Molecule, ground_state
from tdddft.analysis.linear_response import linear_response_roots
from tdddft.dataset.plan import check_method
from tdddft.electronic.core_potentials import core_electrons, core_potentials, method_of
from tdddft.electronic.mole import build_mol

IODIDE = Molecule("HI", [53, 1], [[0, 0, 0], [0, 0, 1.609]])


def test_a_valence_basis_without_its_pseudopotential_is_refused_with_the_pairs_that_fit():
    """Water would have a dipole of +1.19 au and a first root of 4.60 eV."""
    with pytest.raises(InputError, match=r"needs its pseudopotential for H; pairs that fit: gth-dzvp.*6-31g\*"):
        ground_state("g2:H2O", Method(pseudopotential=None))


@pytest.mark.parametrize("changes", [{}, {"basis": "6-31g*"}])
def test_pairs_that_belong_together_give_water_its_dipole(changes):
    state = ground_state("g2:H2O", Method(**changes))
    assert abs(state.mean_field.dip_moment(unit="au", verbose=0)[2] - -0.80) < 0.01
    assert 7.5 < linear_response_roots(state, 1).energies_ev[0] < 8.2


def test_chlorine_with_a_pseudopotential_is_solved_without_a_word(capfd):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        state = ground_state("g2:HCl", Method(grid_level=0))
    assert abs(state.energy_hartree - -15.5) < 0.2
    assert capfd.readouterr() == ("", "")


def test_a_basis_for_all_electrons_with_a_pseudopotential_is_refused():
    with pytest.raises(InputError, match=r"basis '6-31g\*' was not made for pseudopotential 'gth-pbe' of H; pairs"):
        ground_state("g2:H2O", Method(basis="6-31g*", pseudopotential="gth-pbe"))


def test_a_basis_alone_chooses_what_goes_with_it():
    assert Method(basis="6-31g*").pseudopotential is None
    assert Method(basis="gth-tzvp").pseudopotential == "gth-pbe"
    assert Method(basis={"default": "6-31g*", "I": "lanl2dz"}).pseudopotential is None
    assert Method(basis={"default": "gth-dzvp", "O": "6-31g*"}).pseudopotential == "gth-pbe"


def test_iodine_brings_its_core_potential():
    """-2000.02 hartree without it."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        state = ground_state(IODIDE, Method(basis="def2-SVP"))
    assert abs(state.energy_hartree - -298.28) < 0.01
    assert np.array_equal(state.mol.atom_charges(), [25, 1])


@pytest.mark.parametrize(
    ("basis", "charges"),
    [("lanl2dz", [7, 1]), ({"default": "6-31g*", "I": "lanl2dz"}, [7, 1]), ("ccecp-cc-pvdz", [7, 1])],
)
def test_a_basis_with_core_potentials_brings_them_without_a_word_on_stderr(capfd, basis, charges):
    mol = build_mol(IODIDE, Method(basis=basis))
    assert mol.atom_charges().tolist() == charges
    assert capfd.readouterr().err == ""


def test_a_named_core_potential_must_replace_the_same_core():
    assert core_potentials(["I"], Method(basis="def2-svp", ecp="def2-tzvp")) == ({}, {"I": "def2-tzvp"})
    with pytest.raises(InputError, match="made for a core of 28 electrons of I, ecp 'lanl2dz' has one of 46"):
        core_potentials(["I", "H"], Method(basis="def2-svp", ecp="lanl2dz"))
    with pytest.raises(InputError, match="made for all electrons of I, ecp 'lanl2dz' has one of 46"):
        core_potentials(["I"], Method(basis="sto-3g", ecp={"I": "lanl2dz"}))


def test_a_pseudopotential_goes_to_the_elements_with_a_gth_basis():
    method = Method(basis={"default": "gth-dzvp", "H": "6-31g*"})
    assert core_potentials(["H", "O"], method) == ({"O": "gth-pbe"}, {})


def test_an_element_without_a_basis_is_named():
    with pytest.raises(InputError, match=r"method\.basis names no basis for H"):
        build_mol(IODIDE, Method(basis={"I": "def2-svp"}))


def test_core_electrons_of_the_library():
    assert [core_electrons("def2-svp", s) for s in ("H", "Kr", "I")] == [None, None, 28]
    assert core_electrons("no-such", "I") is None


def test_the_hash_of_a_recipe_without_a_core_potential_is_what_it_was():
    recipe = parse_recipe({"name": "x", "molecules": ["H2O"]}, GenerateRecipe)
    assert "ecp" not in recipe.model_dump(mode="json")["method"]
    named = parse_recipe({"name": "x", "molecules": ["HI"], "method": {"ecp": "def2-svp"}}, GenerateRecipe)
    assert named.model_dump(mode="json")["method"]["ecp"] == "def2-svp"
    assert recipe_hash(named) != recipe_hash(recipe)


@pytest.mark.parametrize("ecp", ["def2-svp", {"H": "def2-svp"}, {"default": "def2-svp", "O": "def2-tzvp"}])
def test_a_core_potential_that_replaces_nothing_is_refused(ecp):
    with pytest.raises(InputError, match=r"method.ecp has no effect: basis 'def2-svp' is for all electrons of"):
        ground_state("g2:H2O", Method(basis="def2-svp", ecp=ecp))


def test_a_core_potential_for_one_element_of_a_set_is_left_out_for_the_others():
    method = Method(basis="def2-svp", ecp="def2-tzvp")
    water = Molecule("H2O", [8, 1, 1], [[0, 0, 0], [0, 0.757, 0.587], [0, -0.757, 0.587]])
    check_method([water, IODIDE], method)
    with pytest.raises(InputError, match="has no effect"):
        check_method([water], method)
    assert method_of(water.symbols, method).ecp is None
    assert method_of(IODIDE.symbols, method) == method
