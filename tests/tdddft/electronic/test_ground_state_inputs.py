"""What ``ground_state`` takes beside a name: the same molecule as a file, ``Atoms``, ``Mole`` and mean field."""

import numpy as np
import pytest
from ase import Atoms
from pyscf import dft, gto, scf
from rdkit import Chem
from rdkit.Chem import rdDepictor, rdDistGeom

from tdddft import ConvergenceError, InputError, Kick, Method, Molecule, ground_state, propagate
from tdddft.molecules.sources.rdkit_mol import from_rdkit
from tdddft.units import BOHR_ANGSTROM

SYMBOLS, POSITIONS = ["O", "H", "H"], np.array([[0, 0, 0.117], [0, 0.757, -0.471], [0.01, -0.757, -0.471]])
METHOD = Method(functional="PBE0", basis="6-31g", grid_level=1, response_grid=0, response_precision="float64")


@pytest.fixture(scope="module")
def of_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("xyz") / "water.xyz"
    rows = [f"{s} {x} {y} {z}" for s, (x, y, z) in zip(SYMBOLS, POSITIONS.tolist(), strict=True)]
    path.write_text("\n".join(["3", "", *rows]) + "\n")
    return ground_state(path, METHOD)


def mole(**options):
    atoms = list(zip(SYMBOLS, (POSITIONS / BOHR_ANGSTROM).tolist(), strict=True))
    return gto.M(**{"atom": atoms, "unit": "Bohr", "basis": "6-31g", "verbose": 0, **options})


def mean_field(mol=None, xc="PBE0", fitted=True):
    found = dft.RKS(mol or mole(), xc=xc)
    found = found.density_fit() if fitted else found
    found.grids.level, found.conv_tol = 1, 1e-11
    return found


def assert_same(ours, theirs, tolerance=1e-8):
    assert np.allclose(ours.molecule.positions_angstrom, theirs.molecule.positions_angstrom, atol=1e-12)
    assert ours.energy_hartree == pytest.approx(theirs.energy_hartree, abs=tolerance)
    assert np.abs(ours.fock_hartree - theirs.fock_hartree).max() < 100 * tolerance
    runs = [propagate(g, Kick(1e-3, (0, 1, 1)), steps=20, dipole_tolerance=1e-5) for g in (ours, theirs)]
    induced = [t.dipole_au - t.dipole_au[0] for t in runs]
    assert np.abs(induced[0] - induced[1]).max() < 1e-5 * np.abs(induced[1]).max()


def test_atoms_of_ase_are_the_molecule_of_the_file(of_file):
    state = ground_state(Atoms(SYMBOLS, POSITIONS), METHOD)
    assert state.energy_hartree == of_file.energy_hartree
    assert np.array_equal(state.orbitals, of_file.orbitals)
    assert state.molecule.name == "H2O"


def test_atoms_give_their_charge():
    cation = ["O", "H", "H", "H"], np.vstack([POSITIONS, [0.9, 0.1, 0.4]])
    method = Method(basis="sto-3g", grid_level=0, response_grid=0)
    for atoms in (Atoms(*cation, info={"charge": 1}), Atoms(*cation, charges=[1, 0, 0, 0])):
        assert ground_state(atoms, method).molecule.charge == 1
    with pytest.raises(InputError, match="odd number"):
        ground_state(Atoms(*cation), method)


def test_a_periodic_cell_is_refused_and_magnetic_moments_must_fit_the_electrons():
    with pytest.raises(InputError, match="periodic"):
        ground_state(Atoms(SYMBOLS, POSITIONS, cell=[9, 9, 9], pbc=True), METHOD)
    with pytest.raises(InputError, match="10 electrons cannot have the multiplicity 2"):
        ground_state(Atoms(SYMBOLS, POSITIONS, magmoms=[1, 0, 0]), METHOD)
    assert ground_state(Atoms(SYMBOLS, POSITIONS, magmoms=[1, 0, 1]), METHOD).mean_field.mol.spin == 2


def test_a_mole_gives_geometry_and_basis(of_file):
    rest = Method(functional="PBE0", grid_level=1, response_grid=0, response_precision="float64")
    state = ground_state(mole(), rest)
    assert state.method == METHOD
    assert_same(state, of_file)


def test_a_mole_with_a_pseudopotential_needs_no_method():
    state = ground_state(mole(basis="gth-dzvp", pseudo="gth-pbe"))
    assert state.method == Method()
    assert state.num_occupied == 4


def test_a_converged_mean_field_is_not_solved_again(of_file):
    given = mean_field()
    given.kernel()
    state = ground_state(given, Method(response_grid=0, response_precision="float64"))
    assert state.method.functional == "PBE0"
    assert state.scf_solver == "given"
    assert state.energy_hartree == given.e_tot
    assert_same(state, of_file)


@pytest.mark.parametrize("fitted", [True, False])
def test_hartree_fock_with_exact_or_fitted_integrals(fitted):
    given = scf.RHF(mole())
    given = given.density_fit() if fitted else given
    given.kernel()
    state = ground_state(given)
    assert state.method.functional == "HF"
    assert state.method.density_fitting is fitted
    assert state.energy_hartree == given.e_tot


def test_a_mean_field_with_its_orbitals_in_another_order_is_sorted(of_file):
    given = mean_field()
    given.kernel()
    order = np.random.default_rng(0).permutation(len(given.mo_occ))
    given.mo_coeff, given.mo_energy, given.mo_occ = (
        given.mo_coeff[:, order],
        given.mo_energy[order],
        given.mo_occ[order],
    )
    state = ground_state(given, Method(response_grid=0, response_precision="float64"))
    assert (np.diff(state.energies_hartree) >= 0).all()
    assert_same(state, of_file)


def test_a_mean_field_that_is_not_converged_is_refused():
    given = mean_field()
    given.max_cycle = 1
    given.kernel()
    with pytest.raises(ConvergenceError, match="not converged"):
        ground_state(given)


def _with_another_fitting_basis():
    return dft.RKS(mole(), xc="PBE0").density_fit(auxbasis="weigend")


def _relativistic():
    return scf.RHF(mole()).x2c()


def _shifted():
    """A constant in the energy, as a dispersion correction gives it."""
    given = scf.RHF(mole())
    given.energy_nuc = lambda *_: mole().energy_nuc() - 0.01
    return given


@pytest.mark.parametrize("make", [_with_another_fitting_basis, _relativistic, _shifted])
def test_a_mean_field_with_more_than_its_level_of_theory_is_refused(make):
    given = make()
    given.kernel()
    with pytest.raises(InputError, match=r"differs by .* hartree from its level of theory"):
        ground_state(given)


def ghost_of_no_element():
    basis = {"O": "6-31g", "H": "6-31g", "ghost": gto.basis.load("6-31g", "H")}
    return mole(atom="O 0 0 0; ghost 0 0 1; H 0 0.7 0.5; H 0 -0.7 0.5", basis=basis)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: scf.GHF(mole()), "GHF.*only RHF, RKS, UHF and UKS are propagated"),
        (lambda: scf.ROHF(mole()), "ROHF.*are not propagated; converge UHF or UKS"),
        (lambda: mole(cart=True), "Cartesian"),
        (ghost_of_no_element, "ghosts of no element"),
        (lambda: mole(basis={"O": [[0, [1.0, 1.0]]], "H": "sto-3g"}), "3 basis functions are too few for 10 electrons"),
        (
            lambda: mole(basis={"O": "6-31g", "H1": "sto-3g", "H": "sto-3g"}),
            "the Mole: basis: .*'H1' is not an element",
        ),
        (lambda: gto.Mole(), "not built"),
        (lambda: 42, "is no molecule"),
    ],
)
def test_objects_that_cannot_be_propagated_are_refused_in_words(make, message):
    with pytest.raises(InputError, match=message):
        ground_state(make())


def test_a_method_that_contradicts_an_object_of_pyscf_is_refused():
    with pytest.raises(InputError, match=r"method\.basis is 'sto-3g', that of the Mole '6-31g'"):
        ground_state(mole(), Method(basis="sto-3g"))
    with pytest.raises(InputError, match=r"method\.functional is 'PBE', that of the mean field 'PBE0'"):
        ground_state(mean_field(), Method(functional="PBE"))
    assert isinstance(ground_state(mole(), Method(basis="6-31g", grid_level=0, response_grid=0)).molecule, Molecule)


def rdkit_water():
    mol = Chem.AddHs(Chem.MolFromSmiles("O"))
    conformer = Chem.Conformer(3)
    for atom, place in enumerate(POSITIONS.tolist()):
        conformer.SetAtomPosition(atom, place)
    conformer.Set3D(True)
    mol.AddConformer(conformer)
    return mol


def test_of_rdkit(of_file):
    mol = rdkit_water()
    assert_same(ground_state(mol, METHOD), of_file)
    assert mol.GetNumConformers() == 1
    assert ground_state(mol, METHOD).molecule.name == "H2O"


def test_what_an_rdkit_molecule_lacks_is_named():
    bare = Chem.MolFromSmiles("O")
    drawn = Chem.AddHs(bare)
    rdDepictor.Compute2DCoords(drawn)
    several = Chem.AddHs(bare)
    rdDistGeom.EmbedMultipleConfs(several, 2, randomSeed=1)
    without = Chem.RemoveHs(rdkit_water())
    radical = Chem.AddHs(Chem.MolFromSmiles("[CH2]"))
    rdDistGeom.EmbedMolecule(radical, randomSeed=1)
    dummy = Chem.AddHs(Chem.MolFromSmiles("*O"))
    rdDistGeom.EmbedMolecule(dummy, randomSeed=1)
    for mol, reason in [
        (bare, "has no conformer"),
        (drawn, "a drawing in two dimensions"),
        (several, "has 2 conformers"),
        (without, "leaves out 2 hydrogens"),
        (radical, "2 radical electrons may be parallel or not"),
        (dummy, "atoms without an element"),
    ]:
        with pytest.raises(InputError, match=reason):
            ground_state(mol, METHOD)


def test_a_radical_of_rdkit_is_a_doublet():
    mol = Chem.AddHs(Chem.MolFromSmiles("[CH3]"))
    rdDistGeom.EmbedMolecule(mol, randomSeed=1)
    assert from_rdkit(mol).multiplicity == 2


def test_formal_charges_of_an_rdkit_molecule_are_the_charge():
    mol = Chem.AddHs(Chem.MolFromSmiles("[OH-]"))
    rdDistGeom.EmbedMolecule(mol, randomSeed=1)
    assert from_rdkit(mol).charge == -1
