"""Every small file of tests/data/molecules is read as the right molecule, or refused in one clear line."""

from pathlib import Path

import numpy as np
import pytest

from tdddft import InputError, read_molecules

FOLDER = Path(__file__).parents[3] / "data/molecules"
WATER = {8: [[0, 0, 0.1173]], 1: [[0, 0.7572, -0.4692], [0, -0.7572, -0.4692]]}
G2_WATER = {8: [[0, 0, 0.119262]], 1: [[0, 0.763239, -0.477047], [0, -0.763239, -0.477047]]}
FAR_WATER = {z: [[x + 1000, y + 2000, w + 3000] for x, y, w in xyz] for z, xyz in WATER.items()}
SULFATE = {16: [[0, 0, 0]], 8: [[0.86, 0.86, 0.86], [-0.86, -0.86, 0.86], [0.86, -0.86, -0.86], [-0.86, 0.86, -0.86]]}
SO2 = {16: [[0, 0, 0.370268]], 8: [[0, 1.277617, -0.370268], [0, -1.277617, -0.370268]]}
METHANE = {
    6: [[-0.0126981359, 1.0858041578, 0.0080009958]],
    1: [
        [0.002150416, -0.0060313176, 0.0019761204], [1.0117308433, 1.4637511618, 0.0002765748],
        [-0.540815069, 1.4475266138, -0.8766437152], [-0.5238136345, 1.4379326443, 0.9063972942],
    ],
}  # fmt: skip
HCL = {17: [[0, 0, 0]], 1: [[0, 0, 1.27]]}

READ = {
    "bohr.xyz": (WATER, 0, "not stated"),
    "bom.xyz": (WATER, 0, "not stated"),
    "comments.xyz": (WATER, 0, "not stated"),
    "coord": (WATER, 0, "not stated"),
    "crlf.xyz": (WATER, 0, "not stated"),
    "deut.xyz": (WATER, 0, "not stated"),
    "dsgdb9nsd_000001.xyz": (METHANE, 0, "QM9 holds neutral molecules"),
    "eqcomment.xyz": (WATER, 0, "not stated"),
    "far.xyz": (FAR_WATER, 0, "not stated"),
    "fort.xyz": (WATER, 0, "not stated"),
    "labels.xyz": (WATER, 0, "not stated"),
    "leading.xyz": (WATER, 0, "not stated"),
    "lower.xyz": (WATER, 0, "not stated"),
    "nci.xyz": (WATER, 0, "charge=0"),
    "nums.xyz": (WATER, 0, "not stated"),
    "plain.xyz": (WATER, 0, "not stated"),
    "so2m2.traj": (SO2, -2, "initial_charges, sum -2"),
    "so2m2.xyz": (SO2, -2, "initial_charges, sum -2"),
    "so4.com": (SULFATE, -2, "-2 1"),
    "so4.gjf": (SULFATE, -2, "-2 1"),
    "so4_-2_1.xyz": (SULFATE, -2, "-2 1"),
    "so4_Charge=-2.xyz": (SULFATE, -2, "Charge=-2"),
    "so4_charge-2.xyz": (SULFATE, -2, "charge -2"),
    "so4_charge_colon.xyz": (SULFATE, -2, "charge: -2"),
    "so4_charge=-2.0.xyz": (SULFATE, -2, "charge=-2.0"),
    "so4_charge=-2.xyz": (SULFATE, -2, "charge=-2"),
    "so4_chrgspc.xyz": (SULFATE, -2, "charge = -2"),
    "so4_initcharges.xyz": (SULFATE, -2, "initial_charges, sum -2"),
    "so4_q.xyz": (SULFATE, -2, "q=-2; mult=1"),
    "so4_total_charge.xyz": (SULFATE, -2, "total_charge=-2"),
    "tabs.xyz": (WATER, 0, "not stated"),
    "trail.xyz": (WATER, 0, "not stated"),
    "upper.xyz": (HCL, 0, "not stated"),
    "vec.xyz": (WATER, 0, "not stated"),
    "w.gjf": (WATER, 0, "0 1"),
    "w.pdb": ({8: [[0, 0, 0.119]], 1: [[0, 0.763, -0.477], [0, -0.763, -0.477]]}, 0, "not stated"),
    "w.traj": (G2_WATER, 0, "charge=0"),
    "w_ase.xyz": (G2_WATER, 0, "charge=0"),
}
TRIPLETS = {"o2_02.xyz": "0 3", "o2_mult3.xyz": "not stated"}
TWO_FRAMES = ("twofr.xyz", "twofrblank.xyz")
REFUSED = {
    "comma.xyz": (InputError, "line 3: .*'O 0 0,0.1173' has too few columns; numbers are separated by blanks"),
    "ghost.xyz": (InputError, "line 6: 'X' is a ghost or dummy atom"),
    "ghostbq.xyz": (InputError, "line 6: 'BqO' is a ghost or dummy atom"),
    "ghostgh.xyz": (InputError, "line 6: 'Gh' is a ghost or dummy atom"),
    "ghostalone.xyz": (InputError, "line 6: 'GHOST' is a ghost or dummy atom"),
    "long.xyz": (InputError, "line 5: .*'H 0 -.7572 -.4692' stands where a number of atoms is expected"),
    "nan.xyz": (InputError, "positions hold NaN"),
    "noblank.xyz": (InputError, "line 1: .*2 of 3 atoms follow; is one missing, or the comment line"),
    "nocount.xyz": (InputError, "line 1: .*'O 0 0 .1173' stands where a number of atoms is expected"),
    "o2_spin2.xyz": (InputError, r"'spin=2' may be S or 2S; write multiplicity=N .* or give --multiplicity N"),
    "pbc.xyz": (InputError, "the cell is periodic"),
    "uranium.xyz": (InputError, "line 3: 'U' is heavier than Rn"),
    "short.xyz": (InputError, "line 1: .*3 of 5 atoms follow"),
    "so4_charge=-2.4.xyz": (InputError, "'charge=-2.4' does not give the charge as a whole number"),
    "so4_charges5col.xyz": (InputError, "the fifth column may hold charges of the atoms, with sum -2, and no total"),
    "w.xyz2": (InputError, "unknown file type '.xyz2'; use one of .xyz"),
}


def test_every_file_of_the_folder_has_its_verdict():
    known = {*READ, *TRIPLETS, *TWO_FRAMES, *REFUSED}
    assert {p.name for p in FOLDER.iterdir()} - {"SOURCES.md"} == known


@pytest.mark.parametrize("name", READ)
def test_a_file_is_read_as_the_right_molecule(name):
    atoms, charge, charge_from = READ[name]
    (molecule,) = read_molecules(str(FOLDER / name))
    assert molecule.numbers.tolist() == [z for z, positions in atoms.items() for _ in positions]
    expected = [xyz for positions in atoms.values() for xyz in positions]
    assert np.allclose(molecule.positions_angstrom, expected, rtol=0, atol=2e-5)
    assert (molecule.charge, molecule.charge_from) == (charge, charge_from)
    assert molecule.source == (f"{name}[0]" if not name.startswith("dsgdb9nsd") else "QM9 gdb 1")


@pytest.mark.parametrize("name", TRIPLETS)
def test_a_stated_triplet_is_one(name):
    (oxygen,) = read_molecules(str(FOLDER / name))
    assert (oxygen.formula, oxygen.multiplicity, oxygen.charge) == ("O2", 3, 0)
    with pytest.raises(InputError, match="states the multiplicity 3, but 1 is given; correct one of them"):
        read_molecules(str(FOLDER / name), multiplicities=1)


@pytest.mark.parametrize("name", TWO_FRAMES)
def test_frames_are_read_with_and_without_blank_lines_between_them(name):
    stem = name.removesuffix(".xyz")
    frames = read_molecules(str(FOLDER / name))
    assert [(m.name, m.formula, m.index) for m in frames] == [(f"{stem}-0", "H2O", 0), (f"{stem}-1", "H2O", 1)]


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_is_refused_in_one_line_that_names_it(name):
    kind, message = REFUSED[name]
    with pytest.raises(kind, match=message) as caught:
        read_molecules(str(FOLDER / name))
    said = str(caught.value)
    assert name.rpartition(".")[0] in said
    assert "\n" not in said


def test_sulfate_is_a_dianion_wherever_it_is_read():
    for name, (atoms, charge, _) in READ.items():
        assert (atoms is SULFATE) == name.startswith("so4")
        assert atoms is not SULFATE or charge == -2
