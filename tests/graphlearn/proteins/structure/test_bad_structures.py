"""Files that cannot be read: each message says what is wrong, where, and what to do."""

from __future__ import annotations

import gzip

import pytest
from protein_files import alpha_lines, alpha_trace, cif_text, pdb_line, pdb_text, write

from graphlearn.base.errors import InputError
from graphlearn.proteins import read_structure


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(InputError, match=r"none\.pdb: there is no such file"):
        read_structure(tmp_path / "none.pdb")
    with pytest.raises(InputError, match="not readable"):
        read_structure(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b" \n\n", "the file is empty"),
        (gzip.compress(b"ATOM", mtime=0)[:-6], "the packed file is damaged"),
        (b"\x1f\x8bnonsense", "the packed file is damaged"),
        (b"\x83\xa7\0\0version", "binary file"),
        (b"hello\nworld\n", "no protein chain found"),
        (b"data_1ABC\n_entry.id 1ABC\n", "no column _atom_site"),
    ],
)
def test_not_a_structure(tmp_path, content, message):
    (tmp_path / "x.pdb").write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_structure(tmp_path / "x.pdb")


def test_no_protein(tmp_path):
    lines = [
        pdb_line("C1'", " DA", number=1),
        pdb_line("O", "HOH", number=2, element="O", record="HETATM"),
        pdb_line("C1", "GLC", number=3, xyz=(5, 0, 0), record="HETATM"),
    ]
    with pytest.raises(InputError, match=r"x\.pdb: no protein chain found"):
        read_structure(write(tmp_path / "x.pdb", lines))


def test_chain_not_found_lists_those_there_are(tmp_path):
    path = write(tmp_path / "x.pdb", alpha_lines() + alpha_lines(chain="H", start=(20, 0, 0)))
    with pytest.raises(InputError, match="has no protein chain 'Q'; its protein chains are A, H"):
        read_structure(path, chains=["A", "Q"])


@pytest.mark.parametrize("chains", [None, ["A"]])
def test_too_short(tmp_path, chains):
    with pytest.raises(InputError, match="chain A has 4 residues with a C-alpha atom; at least 5"):
        read_structure(write(tmp_path / "x.pdb", alpha_lines(4)), chains=chains)


def test_too_short_chain_asked_for_beside_a_longer_one(tmp_path):
    lines = alpha_lines() + alpha_lines(3, chain="P", start=(20, 0, 0))
    with pytest.raises(InputError, match="chain P has 3 residues"):
        read_structure(write(tmp_path / "x.pdb", lines), chains=["P"])


@pytest.mark.parametrize("value", ["     nan", "     inf"])
def test_coordinates_that_are_not_numbers(tmp_path, value):
    lines = alpha_lines()
    lines[2] = lines[2][:30] + value + lines[2][38:]
    path = write(tmp_path / "x.pdb", lines)
    with pytest.raises(InputError, match="atom CA of residue A:3 has a coordinate that is NaN"):
        read_structure(path)
    (tmp_path / "x.cif").write_text(cif_text((tmp_path / "x.pdb").read_text()))
    with pytest.raises(InputError, match="atom CA of residue A:3 has a coordinate that is NaN"):
        read_structure(tmp_path / "x.cif")


def test_line_that_is_cut_off(tmp_path):
    lines = alpha_lines()
    lines[2] = lines[2][:36]
    with pytest.raises(InputError, match=r"cannot be read as a PDB file: .*line 3"):
        read_structure(write(tmp_path / "x.pdb", lines))


def test_mmcif_that_is_cut_off(tmp_path):
    text = cif_text(pdb_text())
    (tmp_path / "x.cif").write_text(text[: text.rindex("TYR") + 3])
    with pytest.raises(InputError, match=r"cannot be read as an mmCIF file: .*download it again"):
        read_structure(tmp_path / "x.cif")


def test_duplicate_residue(tmp_path):
    lines = alpha_lines()
    path = write(tmp_path / "x.pdb", [*lines, pdb_line(number=3, xyz=(9, 9, 9))])
    with pytest.raises(InputError, match="residue A:3 stands twice; give the copies different chain ids"):
        read_structure(path)


def test_duplicate_residue_of_another_kind(tmp_path):
    lines = alpha_lines()
    lines.insert(3, pdb_line(number=3, residue="GLY", xyz=(9, 9, 9)))
    with pytest.raises(InputError, match="residue A:3 stands twice"):
        read_structure(write(tmp_path / "x.pdb", lines))


def test_duplicate_of_a_modified_residue(tmp_path):
    lines = alpha_lines()
    lines.insert(3, pdb_line(number=3, residue="MSE", xyz=tuple(alpha_trace(8)[2]), record="HETATM"))
    with pytest.raises(InputError, match="residue A:3 stands twice"):
        read_structure(write(tmp_path / "x.pdb", lines))


def test_an_alpha_carbon_elsewhere_is_a_duplicate_residue_in_mmcif(tmp_path):
    lines = cif_text(pdb_text()).splitlines()
    atoms = [i for i, line in enumerate(lines) if line.startswith("ATOM")]
    fields = next(lines[i] for i in atoms if " CA " in lines[i]).split()
    fields[10] = str(float(fields[10]) + 5.0)
    lines.insert(atoms[-1] + 1, " ".join(fields))
    (tmp_path / "x.cif").write_text("\n".join(lines) + "\n")
    with pytest.raises(InputError, match="residue A:1 stands twice"):
        read_structure(tmp_path / "x.cif")


def test_unknown_way_to_assign_secondary_structure(tmp_path):
    with pytest.raises(InputError, match="unknown way to assign secondary structure 'stride'; choose auto"):
        read_structure(write(tmp_path / "x.pdb", alpha_lines()), secondary="stride")
