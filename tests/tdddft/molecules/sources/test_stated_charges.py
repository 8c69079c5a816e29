"""Charge and multiplicity: what is unambiguous is read, anything else is refused, and --charge settles it."""

import numpy as np
import pytest

from graphlearn.base.errors import OpenShellError
from tdddft import InputError, read_molecules
from tdddft.molecules.sources.stated import of_comment

HYDROXIDE = "O 0 0 0\nH 0 0 0.97\n"


def write(folder, comment, atoms=HYDROXIDE, name="oh.xyz"):
    (folder / name).write_text(f"{atoms.count(chr(10))}\n{comment}\n{atoms}")
    return str(folder / name)


@pytest.mark.parametrize(
    "comment",
    [
        "charge=-1", "CHARGE = -1", "Charge: -1", "charge -1", "charge=-1.0", "charge=1-", "total charge: -1",
        "net_charge=-1 energy=-75.2", 'Properties=species:S:1:pos:R:3 charge="-1" pbc="F F F"', "q=-1", "chrg=-1",
        '{"charge": -1, "multiplicity": 1}', "-1 1", "charge=-1 total_charge=-1", "charge=\N{MINUS SIGN}1",
        "hydroxide, charge=-1, spin multiplicity = 1, spin=0", "charge=-1; T=300 K",
    ],
)  # fmt: skip
def test_a_charge_in_any_usual_spelling_is_read(tmp_path, comment):
    (molecule,) = read_molecules(write(tmp_path, comment))
    assert molecule.charge == -1
    assert "1" in molecule.charge_from


@pytest.mark.parametrize(
    ("comment", "message"),
    [
        ("charge=-1.5", "'charge=-1.5' does not give the charge as a whole number"),
        ("charge=minus one", "'charge=minus' does not give the charge"),
        ("hydroxide, negative charge", "does not give the charge"),
        ("charge=", "does not give the charge"),
        ("charge=-1 total_charge=1", r"two charges are stated \(charge=-1; total_charge=1\)"),
        ("-1", "the comment '-1' may state a charge"),
        ("-1 1 hydroxide", "may state a charge"),
        ("OH 1-", "may state a charge"),
        ("OH^-", "may state a charge"),
        ("[OH-]", "may state a charge"),
        ("12 40", "may state a charge"),
    ],
)
def test_what_may_be_a_charge_and_is_not_clear_is_refused_until_it_is_given(tmp_path, comment, message):
    path = write(tmp_path, comment)
    with pytest.raises(InputError, match=message) as caught:
        read_molecules(path)
    assert "--charge" in str(caught.value)
    (given,) = read_molecules(path, -1)
    assert (given.charge, given.charge_from) == (-1, "given")


@pytest.mark.parametrize(
    "comment",
    [
        "", "water", "i = 5, time = 2.5, E = -17.2", "-76.3", "17", "0 1 water", "17.5 300 K", "charged species no 4",
        "mulliken charges follow", "charge_a=1 charge_b=-1", "PBE/def2-TZVP+D3", "frame 3 of 9", "energy=-1.5E-3",
    ],
)  # fmt: skip
def test_other_comments_state_nothing(comment):
    assert of_comment(comment).resolved(None, "here") == (0, "not stated")


@pytest.mark.parametrize("comment", ["0 3", "mult=3", "2S+1: multiplicity: 3", "unpaired=2"])
def test_a_multiplicity_in_any_usual_spelling_is_read(tmp_path, comment):
    (molecule,) = read_molecules(write(tmp_path, comment, "O 0 0 0\nO 0 0 1.21\n"))
    assert molecule.multiplicity == 3


@pytest.mark.parametrize(
    ("comment", "message"),
    [
        ("spin=1", "'spin=1' may be S or 2S"),
        ("multiplicity=one", "'multiplicity=one' does not give the multiplicity as a whole number"),
        ("mult=1 multiplicity=3", r"two multiplicities are stated \(mult=1; multiplicity=3\)"),
    ],
)
def test_an_unclear_multiplicity_is_refused_until_it_is_given(tmp_path, comment, message):
    path = write(tmp_path, comment, "O 0 0 0\nO 0 0 1.21\n")
    with pytest.raises(InputError, match=message):
        read_molecules(path)
    assert read_molecules(path, multiplicities=3)[0].multiplicity == 3


def test_a_radical_needs_its_multiplicity(tmp_path):
    path = write(tmp_path, "hydroxyl")
    with pytest.raises(OpenShellError, match=r"9 electrons is an odd number.*--multiplicity 2, multiplicity=2"):
        read_molecules(path)
    assert read_molecules(path, multiplicities=2)[0].multiplicity == 2
    assert read_molecules(path, multiplicities={"oh": 4})[0].multiplicity == 4
    with pytest.raises(InputError, match="9 electrons cannot have the multiplicity 3"):
        read_molecules(path, multiplicities=3)
    assert read_molecules(write(tmp_path, "multiplicity=2"))[0].multiplicity == 2
    assert read_molecules("smiles:[CH3]")[0].multiplicity == read_molecules("g2:CH3")[0].multiplicity == 2


def test_a_charge_given_otherwise_than_the_source_states_it_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"'charge=-1' states the charge -1, but 1 is given; correct one of them"):
        read_molecules(write(tmp_path, "charge=-1"), 1)
    for source in ("smiles:[OH-]", "g2:H2O"):
        with pytest.raises(InputError, match="but 2 is given"):
            read_molecules(source, 2)
    assert read_molecules("smiles:[OH-]", -1)[0].charge_from == "given"
    assert read_molecules("smiles:[OH-]")[0].charge_from == "formal charges, sum -1"


def test_charges_are_given_for_all_molecules_or_by_name(tmp_path):
    write(tmp_path, "hydroxide")
    write(tmp_path, "hydronium", "O 0 0 0\nH 0.9 0 0.3\nH -0.45 0.78 0.3\nH -0.45 -0.78 0.3\n", "h3o.xyz")
    by_name = {m.name: (m.charge, m.charge_from) for m in read_molecules(str(tmp_path), {"oh": -1, "h3o": 1})}
    assert by_name == {"oh": (-1, "given"), "h3o": (1, "given")}
    with pytest.warns(UserWarning, match=r"'oh' \(oh\.xyz\[0\]\): 9 electrons is an odd number"):
        assert [m.name for m in read_molecules(str(tmp_path), {"h3o": 1})] == ["h3o"]


@pytest.mark.parametrize(
    ("charges", "charge"),
    [((-0.7, -0.3), -1), ((-1, 0), -1), ((-0.999999, 0), -1)],
)
def test_initial_charges_of_ase_add_up_to_the_charge(tmp_path, charges, charge):
    from ase import Atoms
    from ase.io import write as write_with_ase

    atoms = Atoms("OH", [[0, 0, 0], [0, 0, 0.97]], charges=charges)
    for name in ("a.extxyz", "b.traj"):
        write_with_ase(tmp_path / name, atoms)
        assert read_molecules(str(tmp_path / name))[0].charge == charge


def test_initial_charges_that_do_not_add_up_are_refused_and_magnetic_moments_give_the_multiplicity(tmp_path):
    from ase import Atoms
    from ase.io import write as write_with_ase

    for name in ("a.extxyz", "b.traj"):
        write_with_ase(tmp_path / name, Atoms("OH", [[0, 0, 0], [0, 0, 0.97]], charges=[-0.5, 0]))
        with pytest.raises(InputError, match=r"sum of initial_charges, -0\.5, is not whole"):
            read_molecules(str(tmp_path / name))
        write_with_ase(tmp_path / name, Atoms("O2", [[0, 0, 0], [0, 0, 1.21]], magmoms=[1, 1]))
        assert read_molecules(str(tmp_path / name))[0].multiplicity == 3
        write_with_ase(tmp_path / name, Atoms("O2", [[0, 0, 0], [0, 0, 1.21]], magmoms=[1, -1]))
        with pytest.raises(InputError, match="sum of initial_magmoms, 0, is no number of unpaired electrons"):
            read_molecules(str(tmp_path / name))
        write_with_ase(tmp_path / name, Atoms("OH", [[0, 0, 0], [0, 0, 0.97]], charges=[0, 0], info={"charge": -1}))
        with pytest.raises(InputError, match="two charges are stated"):
            read_molecules(str(tmp_path / name))


def test_charges_of_atoms_in_a_column_count_only_where_they_cannot_be_those_of_a_neutral_molecule(tmp_path):
    near = "O 0 0 0.1 -0.8\nH 0 0.76 -0.5 0.41\nH 0 -0.76 -0.5 0.4\n"
    assert read_molecules(write(tmp_path, "mulliken", near))[0].charge == 0
    far = near.replace("-0.8", "-1.8")
    with pytest.raises(InputError, match=r"fifth column may hold charges of the atoms, with sum -0\.99"):
        read_molecules(write(tmp_path, "mulliken", far))
    assert read_molecules(write(tmp_path, "charge=0", far))[0].charge_from == "charge=0"
    named = 'Properties=species:S:1:pos:R:3:mulliken_charges:R:1 pbc="F F F"'
    with pytest.raises(InputError, match="the column mulliken_charges may hold charges"):
        read_molecules(write(tmp_path, named, far))


def test_an_npz_file_states_charges_of_its_frames(tmp_path):
    frames = np.array([[[0, 0, 0], [0, 0, 0.97]], [[0, 0, 0], [0, 0, 0.98]]])
    for charge in (-1, [-1, -1], [[-1], [-1]]):
        np.savez(tmp_path / "oh.npz", R=frames, z=[8, 1], charge=charge)
        assert [m.charge for m in read_molecules(str(tmp_path / "oh.npz"))] == [-1, -1]
    np.savez(tmp_path / "oh.npz", R=frames, z=[8, 1], charge=-1.5)
    with pytest.raises(InputError, match="does not give the charge as a whole number"):
        read_molecules(str(tmp_path / "oh.npz"))
    np.savez(tmp_path / "oh.npz", R=frames, z=[8, 1], charge=[-1, -1, -1])
    with pytest.raises(InputError, match=r"charge has shape \(3,\)"):
        read_molecules(str(tmp_path / "oh.npz"))


def test_a_long_comment_line_takes_no_time_and_is_refused(tmp_path):
    with pytest.raises(InputError, match="more than 20000 characters"):
        read_molecules(write(tmp_path, "charge=0 " * 100_000))
