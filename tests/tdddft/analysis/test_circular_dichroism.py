"""Rotatory strengths: symmetry, origin, sum over all roots, propagation in time, values of other programs."""

import numpy as np
import pytest

from tdddft import InputError, Kick, Linear, Method, Molecule, ground_state, propagate
from tdddft.analysis.absorption import isotropic_absorption
from tdddft.analysis.circular_dichroism import chiral_roots, circular_dichroism
from tdddft.analysis.linear_response import linear_response_roots
from tdddft.units import AU_TIME_FS, HARTREE_EV, ROTATORY_STRENGTH_1E40_CGS

TWISTED = np.array(
    [[0, 0.695, -0.092486], [0, -0.695, -0.092486], [-0.388142, 0.895249, 0.739888], [0.388142, -0.895249, 0.739888]]
)
GAUGES = ("length", "velocity")


def method(basis, functional="HF", **options):
    return Method(functional=functional, basis=basis, pseudopotential=None, density_fitting=False, **options)


def peroxide(positions=TWISTED, basis="sto-3g"):
    return ground_state(Molecule("H2O2", [8, 8, 1, 1], positions), method(basis))


@pytest.fixture(scope="module")
def small():
    """Hydrogen peroxide in a basis whose 27 roots are all found."""
    state = peroxide()
    roots = chiral_roots(state, 27)
    assert len(roots.energies_ev) == 27
    return state, roots


def test_an_achiral_molecule_has_none():
    roots = chiral_roots(ground_state("g2:H2O", method("6-31g")), 12)
    assert np.abs(roots.magnetic_dipoles_au).max() > 0.1
    for strengths in roots.rotatory_strengths().values():
        assert np.abs(strengths).max() < 1e-3


def test_mirror_images_have_opposite_signs(small):
    here, there = small[1].rotatory_strengths(), chiral_roots(peroxide(TWISTED * [1, 1, -1]), 27).rotatory_strengths()
    for gauge in GAUGES:
        assert np.abs(here[gauge]).max() > 10
        assert np.allclose(here[gauge], -there[gauge], atol=1e-3)


def test_turned_and_shifted_molecules_have_the_same(small):
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    turn *= np.linalg.det(turn)
    there = chiral_roots(peroxide(TWISTED @ turn.T + [1.0, -2.0, 3.0]), 27).rotatory_strengths()
    for gauge in GAUGES:
        assert np.allclose(small[1].rotatory_strengths()[gauge], there[gauge], atol=1e-3)


def test_the_origin_does_not_enter_the_velocity_gauge_and_moves_the_length_gauge_as_stated(small):
    state, here = small
    shift = np.array([1.0, 2.0, -3.0])
    there = chiral_roots(state, 27, here.origin_au + shift)
    before, after = here.rotatory_strengths(), there.rotatory_strengths()
    assert np.allclose(before["velocity"], after["velocity"], atol=1e-6)
    stated = np.einsum("kx,kx->k", here.transition_dipoles_au, np.cross(shift, here.velocity_dipoles_au))
    stated *= -here.energies_ev / HARTREE_EV / 2 * ROTATORY_STRENGTH_1E40_CGS
    assert np.abs(stated).max() > 1.0
    assert np.allclose(after["length"] - before["length"], stated, atol=1e-6)


def closure(state):
    """Trace of r times r x nabla between occupied and virtual orbitals, 1e-40 cgs."""
    with state.mol.with_common_orig(state.origin_au):
        operators = [state.mol.intor(name, comp=3) for name in ("int1e_r", "int1e_cg_irxp")]
    c, n = state.orbitals, state.num_occupied
    position, rotation = (np.einsum("pn,xpq,qa->xna", c[:, :n], o, c[:, n:], optimize=True) for o in operators)
    return ROTATORY_STRENGTH_1E40_CGS * (position * rotation).sum()


def test_sum_over_all_roots_is_that_of_the_ground_state_which_falls_with_the_basis(small):
    """By closure; the limit is zero, since r is at right angles to r x nabla."""
    state, roots = small
    length = roots.rotatory_strengths()["length"]
    assert length.sum() == pytest.approx(closure(state), abs=1e-4)
    assert abs(length.sum()) < 0.01 * np.abs(length).sum()
    double, triple = (abs(closure(peroxide(basis=basis))) for basis in ("cc-pvdz", "cc-pvtz"))
    assert double > 1.0
    assert triple < 0.1 * double


def test_a_kicked_molecule_has_the_magnetic_moment_of_its_rotatory_strengths(small):
    r"""After kicks :math:`\kappa` along x, y, z, :math:`\sum_b m_b^{(b)}(t) = 2\kappa \sum_k R_k \cos\omega_k t`."""
    roots = small[1]
    state = ground_state(small[0].molecule, method("sto-3g", response_precision="float64"))
    with state.mol.with_common_orig(state.origin_au):
        rotation = state.mol.intor("int1e_cg_irxp", comp=3)
    kick, moment = 1e-4, 0.0
    for axis in range(3):
        t = propagate(
            state, Kick(kick, tuple(np.eye(3)[axis])), 400, 0.005, save_every=10, precision="complex128",
            propagator=Linear("grid", 0.05),
        )  # fmt: skip
        c = t.frame_coefficients
        moment += np.einsum("fia,ab,fib->f", c.conj(), rotation[axis], c).imag * -1.0  # two electrons times 1/2
    times = t.times_fs / AU_TIME_FS
    waves = np.cos(np.outer(times, roots.energies_ev / HARTREE_EV))
    expected = 2 * kick * waves @ roots.rotatory_strengths()["length"] / ROTATORY_STRENGTH_1E40_CGS
    assert np.abs(moment - expected).max() < 0.01 * np.abs(expected).max()


def test_values_of_nwchem():
    """NWChem's RPA of a chiral cation, HF/STO-3G, both gauges, as recorded in the tests of pymolresponse."""
    positions = [
        [-0.000828662, -0.0004493055, -0.000324116], [0.0005419438, -0.0005510523, 1.0881223132],
        [0.7614042004, 0.0000912434, -1.2402303969], [1.5507850082, -0.3250641117, -2.0682935236],
        [-0.567751523, 0.969651624, -0.9682785376], [-0.6787643958, 2.0262293122, -0.6791165638],
        [-1.3308161697, 0.6715931113, -1.7152165963],
    ]  # fmt: skip
    cation = Molecule("BC2H4+", [6, 1, 5, 1, 6, 1, 1], positions, 1)
    roots = chiral_roots(ground_state(cation, method("sto-3g")), 5)
    assert np.allclose(
        roots.energies_ev / HARTREE_EV, [0.116938283, 0.153688860, 0.302306677, 0.327380785, 0.340637548], atol=1e-6
    )
    found = roots.rotatory_strengths()
    assert np.allclose(found["length"], [-77.6721763, -11.620378, 13.6253032, 203.2296044, -2.7209904], rtol=1e-4)
    assert np.allclose(found["velocity"], [-50.5415342, -38.3324307, -13.071677, 153.6307152, -0.228389], rtol=2e-4)


def test_values_of_gaussian():
    """Gaussian 09 for hydrogen peroxide, PBE0/cc-pVDZ, from the transition moments in the tests of Psi4 1.4."""
    molecule = Molecule("H2O2", [8, 8, 1, 1], TWISTED)
    found = chiral_roots(ground_state(molecule, method("cc-pvdz", "PBE0", grid_level=2)), 4).rotatory_strengths()
    assert np.allclose(found["length"], [-2.389, 1.137, 16.869, 32.456], rtol=0.01, atol=0.05)
    assert np.allclose(found["velocity"], [-11.494, -4.678, 26.122, 67.845], rtol=0.01)


def test_the_area_of_a_band_is_its_rotatory_strength(small):
    """R = 22.97e-40 times the integral of the difference over the energy."""
    roots = small[1]
    axis = np.arange(0.0005, 12.0, 0.0005)
    spectrum = circular_dichroism(roots, axis, 0.01)
    inside = np.abs(axis - roots.energies_ev[0]) < 0.5
    for gauge in GAUGES:
        area = 22.97 * (spectrum[gauge] / axis)[inside].sum() * 0.0005
        assert area == pytest.approx(roots.rotatory_strengths()[gauge][0], rel=0.03)


def test_absorption_of_known_roots_is_that_of_their_number(small):
    state, roots = small
    assert np.allclose(roots.strengths(), linear_response_roots(state, 27).strengths(), atol=1e-6)
    known, counted = (isotropic_absorption(state, "casida", roots=r, max_energy_ev=60.0) for r in (roots, 27))
    assert known.energy_ev[-1] > 59.9  # nothing lies above: the axis has no reason to end
    assert np.allclose(known.strength_per_hartree, counted.strength_per_hartree, atol=1e-5)


@pytest.mark.parametrize(
    ("molecule", "level"),
    [
        (Molecule("HF", [1, 9], [[0, 0, 0], [0, 0, 0.92]]), Method(grid_level=1)),
        (Molecule("HI", [1, 53], [[0, 0, 0], [0, 0, 1.61]]), method("def2-svp")),
    ],
    ids=["pseudopotential", "core potential"],
)
def test_core_potentials_are_refused_with_what_to_do(molecule, level):
    with pytest.raises(InputError, match=r"all electrons.*method\.basis"):
        chiral_roots(ground_state(molecule, level))
