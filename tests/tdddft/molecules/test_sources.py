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


def test_qm9_in_every_form_is_the_same_molecule(data_folder, tmp_path):
    """The original files, a tar archive rebuilt from qm9pack, a table in qm9pack's form, and the SDF."""
    folder = data_folder / "molecules/qm9"
    native = {m.index: m for m in read_molecules(str(folder / "native20"))}
    assert sorted(native) == list(range(1, 21))
    assert native[4].name == "gdb_000004"
    assert native[4].formula == "C2H2"
    archive = read_molecules(str(folder / "dsgdb9nsd_subset.xyz.tar.xz@:3000"))
    sdf = {m.index: m for m in read_molecules(str(folder / "sdf/qm9_mini.sdf"))}
    write_qm9pack_table(tmp_path / "qm9_part1.csv", list(native.values()))
    (tmp_path / "qm9_polarizability.csv").write_text("not a table of molecules\n")
    table = {m.index: m for m in read_molecules(str(tmp_path))}
    assert sorted(table) == sorted(native)
    for index, molecule in native.items():
        for other, tolerance in ((table[index], 0.0), (sdf[index], 1e-4)):
            assert other.name == molecule.name
            assert np.array_equal(other.numbers, molecule.numbers)
            assert np.abs(other.positions_angstrom - molecule.positions_angstrom).max() <= tolerance
        assert table[index].smiles == molecule.smiles
    for molecule in archive[:20]:
        assert np.array_equal(molecule.positions_angstrom, native[molecule.index].positions_angstrom)


def write_qm9pack_table(path, molecules):
    def number(x):
        return "0." if x == 0 else repr(float(x))

    rows = ["XYZ_file,Index,SMILES,Elements,XYZ_Ang"]
    for m in molecules:
        elements = "[" + ",".join(f"'{s}'" for s in m.symbols) + "]"
        positions = "[" + ",".join("[" + ",".join(map(number, row)) + "]" for row in m.positions_angstrom) + "]"
        rows.append(f'"file",{m.index},"{m.smiles}","{elements}","{positions}"')
    path.write_text("\n".join(rows) + "\n")


def test_the_quirks_of_qm9_files_are_survived(tmp_path):
    text = "3\ngdb 3\t799.58812\t0.\t\nO\t-3.4*^-2\t0.\t 0.1\t-0.5\t\nH\t0.0\t0.7632\t-0.47\t0.2\t\n"
    text += "H\t0.\t-7.632*^-1\t-0.47\t0.2\t\n1341.307\t1341.3284\nO\tO\t\nInChI=1S/H2O/h1H2\t\n"
    (tmp_path / "dsgdb9nsd_000003.xyz").write_text(text)
    (water,) = read_molecules(str(tmp_path / "dsgdb9nsd_000003.xyz"))
    assert (water.name, water.smiles, water.index) == ("gdb_000003", "O", 3)
    assert np.allclose(water.positions_angstrom, [[-0.034, 0, 0.1], [0, 0.7632, -0.47], [0, -0.7632, -0.47]])
    (tmp_path / "cut.xyz").write_text(text[:60])
    with pytest.raises(InputError, match=r"cut\.xyz: not readable as a file of QM9"):
        read_molecules(str(tmp_path / "cut.xyz"))


def test_inconsistent_molecules_are_left_out_where_their_list_lies_beside_the_sdf(data_folder, tmp_path):
    sdf = data_folder / "molecules/qm9/sdf/qm9_mini.sdf"
    (tmp_path / "gdb9.sdf").write_bytes(sdf.read_bytes())
    (tmp_path / "uncharacterized.txt").write_text("header line\n\n    3  O  text\n   21  CC(C)C\n total 2 compounds\n")
    assert [m.index for m in read_molecules(str(tmp_path / "gdb9.sdf"))] == [*range(1, 3), *range(4, 21)]


def test_md17_and_rmd17_npz(data_folder, tmp_path):
    frames = read_molecules(str(data_folder / "molecules/md17/ethanol_2000.npz"))
    assert (len(frames), frames[17].name, frames[17].index) == (2000, "ethanol_2000-0017", 17)
    with np.load(data_folder / "molecules/md17/ethanol_2000.npz") as arrays:
        np.savez(tmp_path / "rmd17_ethanol.npz", coords=arrays["R"][:3], nuclear_charges=arrays["z"])
        assert np.array_equal(frames[5].positions_angstrom, arrays["R"][5])
    revised = read_molecules(str(tmp_path / "rmd17_ethanol.npz"))
    assert [m.formula for m in revised] == ["C2H6O"] * 3
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    with pytest.raises(InputError, match="not an npz file of MD17"):
        read_molecules(str(tmp_path / "other.npz"))
    np.savez(tmp_path / "pickled.npz", R=np.array([{}], dtype=object), z=np.array([1]))
    with pytest.raises(InputError, match=r"pickled\.npz: R\.npy holds Python objects"):
        read_molecules(str(tmp_path / "pickled.npz"))


def test_parts_of_sources_and_environment_variables(data_folder, monkeypatch):
    monkeypatch.setenv("SOME_FOLDER", str(data_folder / "molecules"))
    names = [m.name for m in read_molecules("$SOME_FOLDER/rmd17/malonaldehyde_train_01.xyz.xz@10:20:5")]
    assert names == ["malonaldehyde_train_01-010", "malonaldehyde_train_01-015"]
    assert len(read_molecules("g2@:7")) == 7
    with pytest.raises(InputError, match="leaves none of the 73"):
        read_molecules("g2@90:")
    with pytest.raises(InputError, match="the environment variable NOT_SET_ANYWHERE is not set"):
        read_molecules("$NOT_SET_ANYWHERE/a.xyz")
    (alanine,) = read_molecules("smiles:C[C@H](N)C(=O)O")
    assert alanine.formula == "C3H7NO2"


def test_archives_and_folders_as_they_come(data_folder, tmp_path):
    """A tar with npz, a table of something else and packed xyz files; open shells are left out and counted."""
    import tarfile

    with np.load(data_folder / "molecules/md17/ethanol_2000.npz") as arrays:
        np.savez(tmp_path / "rmd17_ethanol.npz", coords=arrays["R"][:2], nuclear_charges=arrays["z"])
    (tmp_path / "index_train_01.csv").write_text("1\n2\n")
    with lzma.open(tmp_path / "water.xyz.xz", "wt") as file:
        file.write(WATER_XYZ)
    with tarfile.open(tmp_path / "set.tar.bz2", "w:bz2") as archive:
        for name in ("rmd17_ethanol.npz", "index_train_01.csv", "water.xyz.xz"):
            archive.add(tmp_path / name, f"rmd17/{name}")
    names = ["rmd17_ethanol-0", "rmd17_ethanol-1", "water"]
    assert [m.name for m in read_molecules(str(tmp_path / "set.tar.bz2"))] == names
    (tmp_path / "set.tar.bz2").unlink()
    assert [m.name for m in read_molecules(str(tmp_path))] == names
    assert len(read_molecules(str(data_folder / "molecules/qm9/sdf"))) == 21
    (tmp_path / "two.xyz").write_text(WATER_XYZ + "1\n\nH 0 0 0\n")
    with pytest.warns(UserWarning, match="left out 1 of unknown multiplicity"):
        two = read_molecules(str(tmp_path / "two.xyz"))
    assert [m.name for m in two] == ["two-0"]


def test_qm9_names_the_package_that_brings_it(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match="pip install --no-deps qm9pack"):
        read_molecules("qm9")


def test_downloads_go_where_pyg_takes_them_from_and_are_kept(monkeypatch, tmp_path, data_folder):
    fetched = []

    def download(url, timeout):
        fetched.append(url)
        return (data_folder / "molecules/md17/ethanol_2000.npz").open("rb")

    monkeypatch.setenv("GRAPHLEARN_CACHE", str(tmp_path))
    monkeypatch.setattr("graphlearn.base.download.urlopen", download)
    for _ in range(2):
        assert len(read_molecules("md17:ethanol@:5")) == 5
    assert len(fetched) == 1
    assert fetched[0].startswith("https://")
    assert fetched[0].endswith("md17_ethanol.npz")
    with pytest.raises(InputError, match=r"'water' is not in rMD17; choose one of .*revised ethanol"):
        read_molecules("rmd17:water")
    monkeypatch.setattr("graphlearn.base.download.urlopen", refuses)
    for _ in range(2):
        with pytest.raises(InputError, match=r"cannot be downloaded.*unpack it into"):
            read_molecules("md17:aspirin")
    assert {p.name for p in tmp_path.iterdir()} == {"md17_ethanol"}


def _packed(url, timeout):
    """What is fetched of rMD17 and of QM9, with members beside it that are not wanted."""
    import io
    import tarfile
    import zipfile

    content = io.BytesIO()
    if "rmd17.tar.bz2" in url:
        frame = io.BytesIO()
        np.savez(
            frame,
            coords=np.array([[[0, 0, 0.119], [0, 0.763, -0.477], [0, -0.763, -0.477]]]),
            nuclear_charges=[8, 1, 1],
        )
        with tarfile.open(fileobj=content, mode="w:bz2") as archive:
            for name in ("rmd17/npz_data/rmd17_ethanol.npz", "../../outside.npz", "rmd17/readme.txt"):
                entry = tarfile.TarInfo(name)
                entry.size = len(frame.getvalue())
                archive.addfile(entry, io.BytesIO(frame.getvalue()))
    elif url.endswith(".zip"):
        with zipfile.ZipFile(content, "w") as archive:
            archive.writestr("gdb9.sdf", WATER_SDF)
            archive.writestr("../outside.sdf", WATER_SDF)
    else:
        content.write(b"    9  O  text\n")
    return io.BytesIO(content.getvalue())


WATER_SDF = """gdb_3


  3  2  0  0  0  0  0  0  0  0999 V2000
    0.0000    0.0000    0.1190 O   0  0
    0.0000    0.7630   -0.4770 H   0  0
    0.0000   -0.7630   -0.4770 H   0  0
  1  2  1  0
  1  3  1  0
M  END
$$$$
"""


def test_of_a_downloaded_archive_the_wanted_files_are_kept_and_nothing_outside_the_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("GRAPHLEARN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("graphlearn.base.download.urlopen", _packed)
    (ethanol,) = read_molecules("rmd17:ethanol")
    (water,) = read_molecules("qm9:pyg")
    assert (ethanol.formula, water.formula, water.name) == ("H2O", "H2O", "gdb_000003")
    kept = sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file())
    assert kept == [
        "cache/qm9/gdb9.sdf", "cache/qm9/uncharacterized.txt",
        "cache/rmd17/outside.npz", "cache/rmd17/rmd17_ethanol.npz",
    ]  # fmt: skip


def refuses(url, timeout):
    raise OSError("no network")


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


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("missing.xyz", "no such file: missing.xyz"),
        ("some/where", "no such file: some/where"),
        ("NoSuchMolecule", "'NoSuchMolecule' is neither a file nor a molecule"),
        ("g2:Xx", "'Xx' is neither a file nor a molecule"),
        ("smiles:C(C", r"smiles:C\(C: RDKit cannot read"),
    ],
)
def test_missing_sources_are_named(source, message):
    with pytest.raises(InputError, match=f"^{message}"):
        read_molecules(source)


def test_g2_knows_its_open_shells():
    assert [read_molecules(name)[0].multiplicity for name in ("O2", "OH", "NO2", "H2O")] == [3, 2, 2, 1]


def test_missing_hydrogens_are_refused(tmp_path):
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
