"""Formats beside xyz: what they say is read, what is not understood is refused, and nothing in them is executed."""

import gzip
import json
import struct
import tarfile
import time

import numpy as np
import pytest

from tdddft import InputError, read_molecules
from tdddft.molecules.sources.smiles import smiles_name

WATER = "O 0 0 0.1173\nH 0 0.7572 -0.4692\nH 0 -0.7572 -0.4692\n"


def read(folder, name, text):
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_molecules(str(folder / name))


def gaussian(route="# PBE/6-31G*", charge="0 1", atoms=WATER, tail="\n"):
    return f"%chk=a.chk\n{route}\n\ntitle\n\n{charge}\n{atoms}{tail}"


def test_gaussian_units_and_the_forms_of_an_atom_are_understood(tmp_path):
    (bohr,) = read(tmp_path, "a.gjf", gaussian("# PBE units=au"))
    assert np.isclose(bohr.positions_angstrom[0, 2], 0.1173 * 0.529177210903)
    atoms = "O(Iso=18) 0 0. 0. 0.1173\nH-H_ -1 0. 0.7572 -0.4692\n1,0.,-0.7572,-0.4692\n"
    (water,) = read(tmp_path, "b.com", gaussian(atoms=atoms))
    assert water.formula == "H2O"
    assert np.allclose(water.positions_angstrom, [[0, 0, 0.1173], [0, 0.7572, -0.4692], [0, -0.7572, -0.4692]])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (gaussian(atoms="O\nH 1 0.96\nH 1 0.96 2 104.5\n"), "Cartesian coordinates are needed"),
        (gaussian("# PBE geom=allcheck"), "geometries from checkpoints, are not read"),
        (gaussian(tail="\n--Link1--\n# PBE\n\nx\n\n0 1\nH 0 0 0\n\n"), "inputs of several steps"),
        (gaussian(charge="0 1 0 1 0 1"), "'0 1 0 1 0 1' is not 'charge multiplicity'"),
        (gaussian(charge="0 2"), "10 electrons cannot have the multiplicity 2"),
        ("# PBE\n\ntitle\n", "expected between blank lines"),
    ],
)
def test_gaussian_inputs_that_are_not_one_molecule_are_refused(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read(tmp_path, "a.gjf", text)


def test_the_units_of_turbomole_are_those_of_its_header(tmp_path):
    rows = " 0 0 0.1173 o\n 0 0.7572 -0.4692 h f\n 0 -0.7572 -0.4692 h\n$end\n"
    (water,) = read(tmp_path, "coord", f"$coord angs\n{rows}")
    assert np.isclose(water.positions_angstrom[0, 2], 0.1173)
    for text in (f"$coord frac\n{rows}", rows):
        with pytest.raises(InputError, match="not readable as coord of Turbomole"):
            read(tmp_path, "coord", text)
    with pytest.raises(InputError, match="'q' is a ghost"):
        read(tmp_path, "coord", "$coord\n 0 0 0 q\n$end\n")


def pdb_atom(element, z, charge="  ", alternate=" "):
    return (
        f"HETATM    1  A  {alternate}MOL     1    {0:8.3f}{0:8.3f}{z:8.3f}  1.00  0.00          {element:>2}{charge}\n"
    )


def test_formal_charges_of_a_pdb_file_add_up(tmp_path):
    text = "CRYST1   10.000   10.000   10.000  90.00  90.00  90.00 P 1\n" + pdb_atom("O", 0, "1-") + pdb_atom("H", 0.97)
    (hydroxide,) = read(tmp_path, "a.pdb", text)
    assert (hydroxide.charge, hydroxide.charge_from) == (-1, "formal charges, sum -1")
    two = "".join(f"MODEL {i}\n{pdb_atom('O', 0, '1-')}{pdb_atom('H', 0.9 + i / 10)}ENDMDL\n" for i in (0, 1))
    assert [m.positions_angstrom[1, 2] for m in read(tmp_path, "b.pdb", two)] == [0.9, 1.0]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (pdb_atom("O", 0, alternate="A"), "alternate locations"),
        (pdb_atom("", 0), "columns 77 and 78 hold no element"),
        (pdb_atom("O", 0, "xx"), "'xx', which is no formal charge"),
        (pdb_atom("O", 0)[:40] + "\n", "no element|three coordinates"),
    ],
)
def test_pdb_files_that_leave_something_open_are_refused(tmp_path, line, message):
    with pytest.raises(InputError, match=message):
        read(tmp_path, "a.pdb", line)


def test_formal_charges_and_tags_of_an_sdf_have_to_agree(tmp_path):
    block = "hydroxide\n\n\n  2  1  0  0  0  0  0  0  0  0999 V2000\n    0.0000    0.0000    0.0000 O   0  5\n"
    block += "    0.0000    0.0000    0.9700 H   0  0\n  1  2  1  0\nM  CHG  1   1  -1\nM  END\n{}$$$$\n"
    assert read(tmp_path, "a.sdf", block.format(""))[0].charge == -1
    assert read(tmp_path, "b.mol", block.format("").replace("$$$$\n", ""))[0].charge == -1
    assert read(tmp_path, "c.sdf", block.format("> <PUBCHEM_TOTAL_CHARGE>\n-1\n\n"))[0].charge == -1
    with pytest.raises(InputError, match="two charges are stated"):
        read(tmp_path, "d.sdf", block.format("> <charge>\n1\n\n"))


def trajectory(frames, data=b""):
    """A trajectory of ASE by hand: its JSON parts, and bytes that arrays in them may point to from place 48 on."""
    body, offsets = b"", []
    start = 48 + len(data)
    for frame in frames:
        text = json.dumps(frame).encode()
        offsets.append(start + len(body))
        body += struct.pack("<q", len(text)) + text
    place = start + len(body)
    header = b"- of UlmASE-Trajectory  " + struct.pack("<3q", 3, len(frames), place)
    return header + data + body + struct.pack(f"<{len(offsets)}q", *offsets)


def test_frames_of_a_trajectory_share_the_atoms_of_the_first(tmp_path):
    from ase import Atoms
    from ase.io import write

    frames = [Atoms("OH2", [[0, 0, 0], [0, 0, z], [0, z, 0]]) for z in (0.96, 0.97, 0.98)]
    write(tmp_path / "w.traj", frames)
    molecules = read_molecules(str(tmp_path / "w.traj"))
    assert [(m.name, m.formula, m.positions_angstrom[1, 2]) for m in molecules] == [
        ("w-0", "H2O", 0.96), ("w-1", "H2O", 0.97), ("w-2", "H2O", 0.98),
    ]  # fmt: skip
    write(tmp_path / "cell.traj", Atoms("He", [[0, 0, 0]], cell=[5, 5, 5], pbc=True))
    with pytest.raises(InputError, match="the cell is periodic"):
        read_molecules(str(tmp_path / "cell.traj"))


HE = {"numbers.": {"ndarray": [[1], "int64", 48]}, "positions.": {"ndarray": [[1, 3], "float64", 56]}}
BYTES = struct.pack("<q3d", 2, 0, 0, 0)


def test_a_trajectory_made_by_hand_is_read(tmp_path):
    assert read(tmp_path, "he.traj", trajectory([HE], BYTES))[0].formula == "He"


@pytest.mark.parametrize(
    "content",
    [
        trajectory([{**HE, "numbers.": {"ndarray": [[10**12], "int64", 48]}}], BYTES),
        trajectory([{**HE, "numbers.": {"ndarray": [[-1], "int64", 48]}}], BYTES),
        trajectory([{**HE, "numbers.": {"ndarray": [[1], "O", 48]}}], BYTES),
        trajectory([{**HE, "numbers.": {"ndarray": [[1], "int64", -8]}}], BYTES),
        trajectory([{"positions.": HE["positions."]}], BYTES),
        trajectory([[]], BYTES),
        trajectory([HE], BYTES)[:-20],
        trajectory([HE], BYTES)[:60],
        b"- of UlmASE-Trajectory",
        b"AFFormatASE-Trajectory" + bytes(100),
        b"\x80\x04\x95pickle",
    ],
)
def test_damaged_and_hostile_trajectories_are_refused(tmp_path, content):
    with pytest.raises(InputError, match=r"he\.traj: (damaged trajectory of ASE|not a trajectory of ASE)"):
        read(tmp_path, "he.traj", content)


def test_json_in_a_trajectory_makes_no_objects_and_no_arrays(tmp_path):
    big = {"__ndarray__": [[10**11], "float64", [0]]}
    objects = {"__ase_objtype__": "atoms", "numbers": [1]}
    started = time.process_time()
    frame = {**HE, "info": {"a": big, "b": objects}, "calculator.": {"name": "x"}, "constraints": '[{"name": "x"}]'}
    assert read(tmp_path, "he.traj", trajectory([frame], BYTES))[0].formula == "He"
    assert time.process_time() - started < 2.0


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a.cif", "a periodic cell"), ("POSCAR", "a periodic cell"), ("a.py", "unknown file type '.py'"),
        ("a.db", "unknown file type '.db'"), ("a.json", "unknown file type '.json'"), ("a.gpw", "unknown file type"),
        ("a.pickle", "unknown file type '.pickle'"), ("structure", "unknown file type ''"), ("a.bundle", "unknown"),
    ],
)  # fmt: skip
def test_no_format_is_guessed_and_none_that_runs_code_is_read(tmp_path, monkeypatch, name, message):
    monkeypatch.chdir(tmp_path)
    payload = f"import pathlib\npathlib.Path({str(tmp_path / 'canary')!r}).touch()\n"
    with pytest.raises(InputError, match=message):
        read(tmp_path, name, payload)
    assert not (tmp_path / "canary").exists()


def test_what_is_not_utf8_is_said_so(tmp_path):
    with pytest.raises(InputError, match="not readable as UTF-8 text"):
        read(tmp_path, "a.xyz", "1\nw\xe4\nHe 0 0 0\n".encode("latin-1"))


@pytest.mark.parametrize("kind", ["xyz.gz", "tar.xz", "folder"])
def test_packed_molecules_are_unpacked_to_the_bound(tmp_path, monkeypatch, kind):
    monkeypatch.setenv("GRAPHLEARN_MAX_UNPACKED_MB", "1")
    path = tmp_path / f"a.{kind}"
    if kind == "xyz.gz":
        path.write_bytes(gzip.compress(bytes(2_000_000)))
    elif kind == "folder":
        path.mkdir()
        (path / "b.xyz.gz").write_bytes(gzip.compress(bytes(2_000_000)))
    else:
        (tmp_path / "b.xyz").write_bytes(bytes(2_000_000))
        with tarfile.open(path, "w:xz") as archive:
            archive.add(tmp_path / "b.xyz")
    with pytest.raises(InputError, match=r"holds more than 1 MB when unpacked.*GRAPHLEARN_MAX_UNPACKED_MB"):
        read_molecules(str(path))


def test_a_packed_file_inside_an_archive_is_bounded_too(tmp_path, monkeypatch):
    monkeypatch.setenv("GRAPHLEARN_MAX_UNPACKED_MB", "1")
    (tmp_path / "b.xyz.gz").write_bytes(gzip.compress(bytes(2_000_000)))
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.add(tmp_path / "b.xyz.gz")
    with pytest.raises(InputError, match=r"b\.xyz\.gz: holds more than 1 MB"):
        read_molecules(str(tmp_path / "a.tar"))


MANY = 100_000


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.xyz", f"{MANY}\n\n" + "He 0 0 0\n" * MANY),
        ("a.gjf", gaussian(atoms="He 0 0 0\n" * MANY)),
        ("coord", "$coord\n" + "0 0 0 he\n" * MANY),
        ("a.pdb", pdb_atom("He", 0) * MANY),
        ("dsgdb9nsd_1.xyz", f"{MANY}\ngdb 1\n" + "H 0 0 0 0\n" * MANY),
    ],
)
def test_files_of_too_many_atoms_are_refused_before_arrays_of_their_size_are_made(tmp_path, name, text):
    started = time.process_time()
    with pytest.raises(InputError, match=r"^(?!molecule).* more than the limit of 1000.*GRAPHLEARN_MAX_ATOMS"):
        read(tmp_path, name, text)
    assert time.process_time() - started < 3.0


def test_numbers_of_npz_files_have_to_be_what_they_stand_for(tmp_path):
    frame = np.array([[[0, 0, 0], [0, 0, 0.74]]])
    np.savez(tmp_path / "a.npz", R=frame, z=[1.5, 1])
    with pytest.raises(InputError, match=r"atomic numbers must be whole, not \[1\.5 1\. \]"):
        read_molecules(str(tmp_path / "a.npz"))
    np.savez(tmp_path / "b.npz", R=frame * 1j, z=[1, 1])
    with pytest.raises(InputError, match="positions must be real numbers, not complex128"):
        read_molecules(str(tmp_path / "b.npz"))


def test_files_whose_names_differ_after_the_first_point_give_names_that_differ(tmp_path):
    for name in ("a.1.xyz", "a.2.xyz.gz"):
        text = f"3\n\n{WATER}".encode()
        (tmp_path / name).write_bytes(gzip.compress(text) if name.endswith("gz") else text)
    assert [m.name for m in read_molecules(str(tmp_path))] == ["a.1", "a.2"]


def test_smiles_that_differ_in_case_alone_have_names_that_differ_in_more():
    names = [smiles_name(s) for s in ("c1ccccc1", "C1CCCCC1", "C#N", "C=N", "CCl", "CBr", "Oc1ccccc1", "OC1CCCCC1")]
    assert len({n.casefold() for n in names}) == len(names)
    assert names[:2] == ["c1ccccc1-13cad05c", "C1CCCCC1"]
    assert names[4:6] == ["CCl", "CBr"]
    assert read_molecules("smiles:c1ccccc1")[0].name == names[0]
