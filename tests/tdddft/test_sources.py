import lzma
import string

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from tdddft import InputError, read_molecules

WATER_XYZ = "3\nwater\nO 0 0 0.119\nH 0 0.763 -0.477\nH 0 -0.763 -0.477\n"


def test_g2_name_with_and_without_prefix():
    (bare,), (named,) = read_molecules("H2O"), read_molecules("g2:H2O")
    assert bare.formula == named.formula == "H2O"
    assert np.array_equal(bare.positions_angstrom, named.positions_angstrom)
    assert named.source == "g2:H2O"


def test_g2_holds_only_closed_shells_of_the_paper_s_elements():
    molecules = read_molecules("g2")
    assert len(molecules) == 73
    assert {s for m in molecules for s in m.symbols} == set("HCNOF")
    assert len({m.name for m in molecules}) == 73


def test_smiles_gives_a_three_dimensional_molecule_and_the_same_one_twice():
    (first,), (second,) = read_molecules("smiles:O=CCC=O"), read_molecules("smiles:O=CCC=O")
    assert first.formula == "C3H4O2"
    assert first.smiles == "O=CCC=O"
    assert np.array_equal(first.positions_angstrom, second.positions_angstrom)


def test_xyz_extxyz_and_compressed_files(tmp_path):
    (tmp_path / "a.xyz").write_text(WATER_XYZ + WATER_XYZ)
    with lzma.open(tmp_path / "b.xyz.xz", "wt") as file:
        file.write(WATER_XYZ)
    two = read_molecules(str(tmp_path / "a.xyz"))
    (one,) = read_molecules(str(tmp_path / "b.xyz.xz"))
    assert [m.name for m in two] == ["a-0", "a-1"]
    assert one.name == "b"
    assert np.allclose(one.positions_angstrom[0], [0, 0, 0.119])


def test_charge_comes_from_the_extxyz_header(tmp_path):
    (tmp_path / "oh.xyz").write_text("2\ncharge=-1 Properties=species:S:1:pos:R:3\nO 0 0 0\nH 0 0 0.97\n")
    assert read_molecules(str(tmp_path / "oh.xyz"))[0].charge == -1


def test_smi_file_keeps_names(tmp_path):
    (tmp_path / "list.smi").write_text("# comment\nC methane\nO\n")
    assert [m.name for m in read_molecules(str(tmp_path / "list.smi"))] == ["methane", "O"]


def test_real_md17_and_qm9_files(data_folder):
    frames = read_molecules(str(data_folder / "molecules/rmd17/malonaldehyde_train_01.xyz.xz"))
    assert len(frames) == 1000
    assert frames[0].formula == "C3H4O2"
    sdf = read_molecules(str(data_folder / "molecules/qm9/sdf/qm9_mini.sdf"))
    assert len(sdf) == 21
    assert sdf[0].formula == "CH4"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("broken.xyz", "3\nwater\nO 0 0\n", "not readable as xyz"),
        ("empty.xyz", "", "holds no molecule|not readable as xyz"),
        ("words.xyz", "hello\nworld\n", "not readable as xyz"),
        ("unknown.pdbqt", "x", "unknown file type"),
        ("odd.xyz", "1\n\nH 0 0 0\n", "odd number"),
    ],
)
def test_bad_files_are_named(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        read_molecules(str(tmp_path / name))
    assert name.split(".")[0] in str(caught.value)


@pytest.mark.parametrize("source", ["missing.xyz", "some/where", "NoSuchMolecule", "g2:Xx", "smiles:C(C"])
def test_missing_sources_are_named(source):
    with pytest.raises(InputError) as caught:
        read_molecules(source)
    assert source.partition(":")[2] in str(caught.value) or source in str(caught.value)


def test_open_shells_and_missing_hydrogens_are_refused(tmp_path):
    with pytest.raises(InputError, match="unpaired electrons"):
        read_molecules("O2")
    block = "methanol\n\n\n  2  1  0  0  0  0  0  0  0  0999 V2000\n    0.0000    0.0000    0.1000 C   0  0\n"
    block += "    1.4000    0.0000    0.0000 O   0  0\n  1  2  1  0\nM  END\n$$$$\n"
    (tmp_path / "bare.sdf").write_text(block)
    with pytest.raises(InputError, match=r"leaves out hydrogen|no 3D coordinates"):
        read_molecules(str(tmp_path / "bare.sdf"))


@settings(max_examples=60, deadline=None)
@given(text=st.text(alphabet=string.printable, max_size=120))
def test_arbitrary_text_never_crashes_the_xyz_reader(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("fuzz") / "a.xyz"
    path.write_text(text)
    try:
        molecules = read_molecules(str(path))
    except InputError:
        return
    assert all(len(m.numbers) > 0 for m in molecules)
