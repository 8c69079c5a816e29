"""Elements to radon: every one builds with the core that its basis was made for, or is refused by name."""

import warnings

import numpy as np
import pytest
from pyscf import dft, gto

from tdddft import InputError, Kick, Method, Molecule, ground_state, propagate
from tdddft.electronic.mole import build_mol
from tdddft.molecules.molecule import SYMBOLS
from tdddft.trajectory.validation import failures

# core electrons of the elements from the first to the last atomic number; what is not listed is refused
CORES = {
    "def2-svp": {(1, 36): 0, (37, 54): 28, (55, 57): 46, (72, 86): 60},
    "def2-tzvp": {(1, 36): 0, (37, 54): 28, (55, 57): 46, (72, 86): 60},
    "lanl2dz": {
        (1, 1): 0, (3, 10): 0, (11, 29): 10, (30, 30): 18, (31, 47): 28, (48, 48): 36, (49, 57): 46, (72, 79): 60,
        (80, 81): 68, (82, 83): 78,
    },
    "cc-pvdz-pp": {(29, 36): 10, (39, 54): 28, (72, 86): 60},
    "cc-pvtz-pp": {(29, 36): 10, (39, 54): 28, (72, 86): 60},
    "gth-dzvp": {(1, 4): 0, (5, 12): 2, (13, 18): 10, (31, 31): 18, (32, 33): 28, (74, 74): 60},
    "gth-dzvp-molopt-sr": {
        (1, 4): 0, (5, 12): 2, (13, 28): 10, (29, 31): 18, (32, 46): 28, (47, 49): 36, (50, 56): 46, (72, 78): 60,
        (79, 81): 68, (82, 86): 78,
    },
}  # fmt: skip
MIXED = {"default": "cc-pvdz-pp", "H": "cc-pvdz", "F": "cc-pvdz"}
PBH = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) * 1.754 / np.sqrt(3)
MOLECULES = {
    "AuH": Molecule("AuH", [79, 1], [[0, 0, 0], [0, 0, 1.524]]),
    "HgH2": Molecule("HgH2", [80, 1, 1], [[0, 0, 0], [0, 0, 1.63], [0, 0, -1.63]]),
    "PbH4": Molecule("PbH4", [82, 1, 1, 1, 1], [[0, 0, 0], *PBH.tolist()]),
    "XeF2": Molecule("XeF2", [54, 9, 9], [[0, 0, 0], [0, 0, 1.977], [0, 0, -1.977]]),
    "Rn": Molecule("Rn", [86], [[0, 0, 0]]),
}


@pytest.mark.parametrize("basis", CORES)
def test_every_element_has_the_core_of_its_basis_or_is_refused_by_name(basis):
    expected = {z: core for (first, last), core in CORES[basis].items() for z in range(first, last + 1)}
    for z in range(1, len(SYMBOLS)):
        atom = Molecule(SYMBOLS[z], [z], [[0, 0, 0]], charge=-(z % 2))
        if z in expected:
            mol = build_mol(atom, Method(basis=basis))
            assert (SYMBOLS[z], z - mol.atom_charges()[0]) == (SYMBOLS[z], expected[z])
        else:
            with pytest.raises(InputError, match=rf"{SYMBOLS[z]}\b"):
                build_mol(atom, Method(basis=basis))


@pytest.mark.parametrize("basis", ["def2-svp", MIXED], ids=["def2", "cc-pVDZ-PP"])
@pytest.mark.parametrize("name", MOLECULES)
def test_heavy_molecules_have_the_energy_of_pyscf(name, basis):
    molecule = MOLECULES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        state = ground_state(molecule, Method(basis=basis, density_fitting=False, grid_level=1))
    heavy, light = molecule.symbols[0], set(molecule.symbols[1:])
    names = {s: basis if isinstance(basis, str) else "cc-pvdz" for s in light}
    names[heavy] = basis if isinstance(basis, str) else "cc-pvdz-pp"
    atoms = list(zip(molecule.symbols, molecule.positions_angstrom.tolist(), strict=True))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mol = gto.M(atom=atoms, basis=names, ecp={heavy: names[heavy]}, verbose=0)
        direct = dft.RKS(mol, xc="PBE").set(conv_tol=1e-11)
        direct.grids.level = 1
        assert abs(direct.kernel() - state.energy_hartree) < 1e-7


def test_a_heavy_molecule_is_propagated():
    method = Method(basis="def2-svp", grid_level=1, response_grid=0)
    trajectory = propagate(ground_state(MOLECULES["AuH"], method), Kick(1e-3, (0, 0, 1)), steps=40)
    assert failures(trajectory) == []
    assert trajectory.ground_state.ion_charges == (19, 1)


def test_a_gth_pseudopotential_beyond_the_third_row():
    method = Method(basis="gth-dzvp-molopt-sr", grid_level=1)
    state = ground_state(Molecule("Br2", [35, 35], [[0, 0, 0], [0, 0, 2.281]]), method)
    assert state.mol.atom_charges().tolist() == [7, 7]
    assert abs(state.energy_hartree - -26.6) < 0.5
