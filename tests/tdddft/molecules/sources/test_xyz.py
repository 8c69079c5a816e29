"""The xyz format: what elements, numbers, units and cells are read as."""

import numpy as np
import pytest

from tdddft import InputError, read_molecules
from tdddft.molecules.sources.elements import element


def read(folder, text):
    (folder / "a.xyz").write_text(text)
    return read_molecules(str(folder / "a.xyz"))


def helium(comment, x="0"):
    return f"1\n{comment}\nHe {x} 0 0\n"


@pytest.mark.parametrize(
    ("text", "number"),
    [("C", 6), ("cl", 17), ("CL", 17), ("Cl2", 17), ("C12", 6), ("D", 1), ("T", 1), ("54", 54), ("h1", 1), ("NA", 11)],
)
def test_elements_are_told_from_symbols_labels_and_numbers(text, number):
    assert element(text, "here") == number


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("CA", "may be Ca or C"), ("CD1", "may be Cd or C"), ("HE", "may be He or H"), ("CL1", "may be Cl or C"),
        ("Xx", "ghost"), ("@O", "ghost"), ("O:", "ghost"), ("Gh(O)", "ghost"), ("bq1", "ghost"), ("0", "ghost"),
        ("87", "heavier than Rn"), ("U", "heavier than Rn"), ("Qq", "not an element"), ("", "not an element"),
        ("119", "heavier than Rn"), ("CH3", "not an element"), ("\u0663", "not an element"),
    ],
)  # fmt: skip
def test_what_is_no_element_or_may_be_two_is_refused(text, message):
    with pytest.raises(InputError, match=message):
        element(text, "here")


@pytest.mark.parametrize(
    ("comment", "x_angstrom"),
    [
        ("units=bohr", 0.529177210903), ("unit: au", 0.529177210903), ("units=angstrom", 1.0), ("UNITS=Ang", 1.0),
        ("no word of it", 1.0), ('units="Bohr"', 0.529177210903),
    ],
)  # fmt: skip
def test_units_of_length_are_read(tmp_path, comment, x_angstrom):
    assert np.isclose(read(tmp_path, helium(comment, "1"))[0].positions_angstrom[0, 0], x_angstrom)


@pytest.mark.parametrize(
    ("comment", "message"),
    [
        ("units=nm", "units nm are not understood"),
        ("units=bohr units=angstrom", "units angstrom, bohr are not understood"),
        ("all in Bohr", "speaks of bohr"),
        ('Lattice="5 0 0 0 5 0 0 0 5"', "the cell is periodic"),
        ('Lattice="50 0 0 0 50 0 0 0 50" pbc="T F F"', "the cell is periodic"),
        ("pbc=[True, True, True]", "the cell is periodic"),
        ('Lattice="5 0 0"', "is not nine numbers"),
        ("Properties=species:S:1:pos:R:2", "has no species:S:1 and pos:R:3"),
        ("Properties=species:S:one", "does not list columns"),
        ("Properties=species:S:1:pos:R:3:forces:R:3", "has too few columns"),
    ],
)
def test_comments_that_change_the_geometry_and_are_not_understood_are_refused(tmp_path, comment, message):
    with pytest.raises(InputError, match=message):
        read(tmp_path, helium(comment))


@pytest.mark.parametrize(
    "comment",
    [
        'Lattice="50 0 0 0 50 0 0 0 50"', 'Lattice="5 0 0 0 5 0 0 0 5" pbc="F F F"', "pbc=false",
        'Lattice="30 0 0 0 30 0 0 0 30" units=bohr',
    ],
)  # fmt: skip
def test_a_molecule_in_a_box_is_a_molecule(tmp_path, comment):
    assert read(tmp_path, helium(comment))[0].formula == "He"


def test_a_box_is_measured_in_the_units_of_the_file(tmp_path):
    with pytest.raises(InputError, match="the cell is periodic"):
        read(tmp_path, helium('Lattice="15 0 0 0 15 0 0 0 15" units=bohr'))
    assert read(tmp_path, helium('Lattice="15 0 0 0 15 0 0 0 15"'))


def test_columns_are_found_by_name(tmp_path):
    text = '1\nProperties=pos:R:3:tags:I:1:species:S:1 pbc="F F F"\n1.0 2.0 3.0 7 He\n'
    (molecule,) = read(tmp_path, text)
    assert molecule.positions_angstrom.tolist() == [[1, 2, 3]]
    assert read(tmp_path, "1\nProperties=Z:I:1:pos:R:3\n2 1 2 3\n")[0].formula == "He"


@pytest.mark.parametrize("word", ["1_0", "1,0", "0x1", "--1", "1e", "\u0661"])
def test_only_plain_numbers_are_coordinates(tmp_path, word):
    with pytest.raises(InputError, match="does not hold an element and three coordinates"):
        read(tmp_path, helium("x", word))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_all_line_ends_are_read(tmp_path, end):
    text = end.join(["", "1", "first", "He 0 0 0", "", "", "1", "second", "He 0 0 1", ""])
    (tmp_path / "a.xyz").write_bytes(text.encode())
    assert [m.positions_angstrom[0, 2] for m in read_molecules(str(tmp_path / "a.xyz"))] == [0, 1]


def test_the_form_feed_and_other_rare_breaks_are_no_line_ends(tmp_path):
    assert len(read(tmp_path, "1\na\x0cb\u2028c\nHe 0 0 0\n")) == 1


@pytest.mark.parametrize("count", ["0", "-3", "3.0", "\u0663", "99999999999999999"])
def test_a_count_that_is_none_is_refused(tmp_path, count):
    with pytest.raises(InputError, match="stands where a number of atoms is expected"):
        read(tmp_path, f"{count}\n\nHe 0 0 0\n")
