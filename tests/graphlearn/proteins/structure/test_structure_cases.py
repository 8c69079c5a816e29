"""Structure files that people have: each is read, or refused in one line that says what to do."""

from __future__ import annotations

import gzip
import warnings
from pathlib import Path

import numpy as np
import pytest
from protein_files import alpha_lines, alpha_trace, atom_lines, cif_text, pdb_line, pdb_text, write

from graphlearn.base.errors import InputError
from graphlearn.proteins import read_structure
from graphlearn.proteins.structure.read import chain_labels, read_chains

CASES = Path(__file__).parents[3] / "data" / "structures"


@pytest.mark.parametrize(
    ("file", "chains"),
    [
        ("1EJG.pdb.gz", {"1EJG-A": 46}),
        ("1dix.cif.gz", {"1DIX-A": 208}),
        ("bp_1GBT.cif.gz", {"BP_1GBT-A": 223}),
        ("chain_slash.pdb.gz", {"CHAIN_SLASH-/": 76}),
        ("dateDEZ.pdb.gz", {"DATEDEZ-A": 129}),
        ("dupatoms.pdb.gz", {"DUPATOMS-A": 129}),
        ("nodata.cif.gz", {"NODATA-A": 129}),
        ("pd_pdb1ake.pdb.gz", {"PD_PDB1AKE-A": 214}),
        ("pd_pdb3mht.pdb.gz", {"PD_PDB3MHT-A": 327}),
        ("twomodels_nomodel.pdb.gz", {"TWOMODELS_NOMODEL-A": 129}),
    ],
)
def test_it_is_read(file, chains):
    found = read_structure(CASES / file)
    assert {chain.name: len(chain) for chain in found} == chains
    assert all(np.isfinite(chain.accessibility).mean() > 0.8 for chain in found)
    assert all(chain.plddt is None for chain in found)


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("overlap2res.pdb.gz", "the C-alpha atoms of residues A:129 and A:629 lie at one place; delete one of the"),
        ("pd_pdbRTER.pdb.gz", "chain _ has 2 residues with a C-alpha atom; at least 5 are needed"),
    ],
)
def test_it_is_refused(file, message):
    with pytest.raises(InputError, match=message) as refused:
        read_structure(CASES / file)
    assert "\n" not in str(refused.value)


def test_every_case_is_listed_here():
    listed = Path(__file__).read_text()
    assert all(f'"{file.name}"' in listed for file in CASES.glob("*.gz"))


def test_atoms_at_one_place_are_left_out_and_named():
    with pytest.warns(UserWarning, match=r"left out atoms at one place with others, of 2 residues \(A:40, A:41\)"):
        (structure,) = read_chains(CASES / "zerocoords.pdb.gz")
    residue = structure.residues[39]
    assert (residue.id, residue.name, residue.atoms) == ("A:40", "THR", ("C", "CA", "N", "O"))
    assert np.isnan(structure.chain.accessibility).tolist() == [i in (39, 40) for i in range(129)]
    assert structure.chain.secondary_source == "mdtraj"


@pytest.mark.parametrize("offset", [0.0, 99_000.0])
def test_two_atoms_that_are_hardly_apart_do_not_end_the_process(tmp_path, offset):
    lines = cif_text(pdb_text()).splitlines()
    where = [i for i, line in enumerate(lines) if line.startswith("ATOM")]
    moved = []
    for i in where:
        fields = lines[i].split()
        fields[10:13] = (f"{float(value) + offset:.4f}" for value in fields[10:13])
        if fields[3] == "CB" and fields[8] == "5":
            fields[10:13] = moved[-2].split()[10:13]
            fields[10] = f"{float(fields[10]) + 0.02:.4f}"
        moved.append(" ".join(fields))
    (tmp_path / "x.cif").write_text("\n".join([*lines[: where[0]], *moved, "#"]) + "\n")
    with pytest.warns(UserWarning, match="left out atoms at one place"):
        (chain,) = read_structure(tmp_path / "x.cif")
    assert len(chain) == 20


def test_a_coordinate_beyond_all_measure_is_refused(tmp_path):
    text = cif_text(pdb_text())
    first = next(line for line in text.splitlines() if line.startswith("ATOM"))
    fields = first.split()
    fields[10] = "1e30"
    (tmp_path / "x.cif").write_text(text.replace(first, " ".join(fields)))
    with pytest.raises(InputError, match="atom N of residue A:1 has a coordinate that is beyond 100,000 angstrom"):
        read_structure(tmp_path / "x.cif")


def test_alternate_residues_that_share_an_atom_are_one_residue():
    (chain,) = read_structure(CASES / "1EJG.pdb.gz")
    assert (chain.sequence[21], chain.residue_ids[21]) == ("P", "A:22")
    assert chain.sequence == "TTCCPSIVARSNFNVCRLPGTPEALCATYTGCIIIPGATCPGDYAN"


def test_an_atom_that_stands_twice_counts_once(tmp_path):
    lines = atom_lines(pdb_text())
    at = next(i for i, line in enumerate(lines) if line[12:26] == " CB  SER A  16")
    other = lines[at][:30] + f"{float(lines[at][30:38]) + 1:8.3f}" + lines[at][38:54] + "  0.40" + lines[at][60:]
    plain, doubled = write(tmp_path / "a.pdb", lines), write(tmp_path / "b.pdb", [*lines[:at], other, *lines[at:]])
    first, second = read_chains(plain)[0].residues, read_chains(doubled)[0].residues
    assert [r.atoms for r in first] == [r.atoms for r in second]
    assert all(np.array_equal(a.positions_angstrom, b.positions_angstrom) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("water", ["HOH", "WAT", "SOL", "TIP", "DOD"])
def test_solvent_as_atoms_with_numbers_of_residues(tmp_path, water):
    lines = alpha_lines(8)
    for number in (1, 2, 1, 2):
        lines.append(pdb_line("O", water, number=number, element="O", xyz=(30.0, 0.0, 4.0 * len(lines))))
        lines.append(pdb_line("H1", water, number=number, element="H", xyz=(31.0, 0.0, 4.0 * len(lines))))
    lines.append(pdb_line("O", water, number=1, element="O", xyz=(30, 0, 0)).replace("A   1 ", "A**** "))
    (structure,) = read_chains(write(tmp_path / "x.pdb", lines))
    assert (len(structure.chain), structure.ligands) == (8, ())


def test_frames_that_end_alone_and_chains_that_do(tmp_path):
    frames = [*alpha_lines(8), "END", *alpha_lines(8, start=(3, 0, 0)), "END", *alpha_lines(8, start=(6, 0, 0))]
    (chain,) = read_structure(write(tmp_path / "frames.pdb", frames))
    np.testing.assert_allclose(chain.ca_angstrom, alpha_trace(8), atol=1e-3)
    several = [*alpha_lines(8), "END", *alpha_lines(9, chain="B", start=(30, 0, 0))]
    assert [len(c) for c in read_structure(write(tmp_path / "several.pdb", several))] == [8, 9]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("kind", ["pdb", "cif"])
def test_line_endings_and_byte_order_marks(tmp_path, ending, mark, kind):
    text = pdb_text() if kind == "pdb" else cif_text(pdb_text())
    (tmp_path / "x").write_bytes((mark + text.replace("\n", ending)).encode())
    (chain,) = read_structure(tmp_path / "x")
    assert (chain.secondary, chain.residue_ids[-1]) == ("-" + "H" * 18 + "-", "A:20")


def test_mmcif_without_its_first_line(tmp_path):
    text = cif_text(pdb_text())
    assert text.startswith("data_")
    (tmp_path / "x.cif").write_text("# made by hand\n" + text.split("\n", 1)[1])
    assert len(read_structure(tmp_path / "x.cif")[0]) == 20


def chain_with_cofactor(name, bonded):
    lines = atom_lines(pdb_text("A" * 12))
    sixth = [line for line in lines if line[22:26] == "   6"]
    if bonded:
        return [f"HETATM{x[6:17]}{name}{x[20:]}" if x in sixth else x for x in lines]
    moved = [f"HETATM{x[6:17]}{name}{x[20:22]} 301{x[26:30]}{float(x[30:38]) + 3.4:8.3f}{x[38:]}" for x in sixth]
    return [*lines, "TER", *moved]


@pytest.mark.parametrize("name", ["MSE", "SAH"])
@pytest.mark.parametrize("bonded", [True, False])
def test_a_modified_residue_is_one_that_a_peptide_bond_joins(tmp_path, name, bonded):
    lines = chain_with_cofactor(name, bonded)
    alphas = {line[22:26]: np.array(line[30:54].split(), dtype=float) for line in lines if line[12:16] == " CA "}
    near = min(np.linalg.norm(p - alphas["   6" if bonded else " 301"]) for k, p in alphas.items() if k != "   6")
    assert bonded or near < 4.2
    (structure,) = read_chains(write(tmp_path / "x.pdb", lines))
    assert len(structure.chain) == 12
    assert [ligand.name for ligand in structure.ligands] == ([] if bonded else [name])


def test_chains_keep_apart_whatever_they_are_called():
    assert chain_labels(["A", " ", "_", "a b", "a\x1bb", "..", "/"]) == {
        "A": "A", " ": "_", "_": "__", "a b": "a_b", "a\x1bb": "a_b_", "..": "..", "/": "/",
    }  # fmt: skip


def test_packed_files_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setenv("GRAPHLEARN_MAX_UNPACKED_MB", "1")
    text = "".join("REMARK\n" for _ in range(200_000)) + pdb_text()
    (tmp_path / "x.pdb.gz").write_bytes(gzip.compress(text.encode()))
    with pytest.raises(InputError, match=r"holds more than 1 MB when unpacked.*GRAPHLEARN_MAX_UNPACKED_MB"):
        read_structure(tmp_path / "x.pdb.gz")
    monkeypatch.setenv("GRAPHLEARN_MAX_UNPACKED_MB", "2")
    assert len(read_structure(tmp_path / "x.pdb.gz")[0]) == 20


def many_alphas(length):
    return "".join(
        pdb_line(number=i % 10_000, insertion=" ABCDEFGHIJ"[i // 10_000], xyz=(i % 100 * 3.8, i // 100 * 3.8, 0)) + "\n"
        for i in range(length)
    )


def test_a_hundred_thousand_atoms_name_the_limit(tmp_path):
    (tmp_path / "x.pdb").write_text(many_alphas(100_000))
    with pytest.raises(InputError, match=r"chain A has more than 99,999 atoms.*GRAPHLEARN_MAX_ATOMS higher than"):
        read_structure(tmp_path / "x.pdb")
    (tmp_path / "y.pdb").write_text(many_alphas(13_000))
    with pytest.raises(InputError, match=r"has 13,000 residues, more than the 12,499 that 99,999 atoms.*MAX_ATOMS"):
        read_structure(tmp_path / "y.pdb")


def test_the_limit_of_atoms_can_be_raised_and_lowered(tmp_path, monkeypatch):
    path = write(tmp_path / "x.pdb", alpha_lines(40))
    monkeypatch.setenv("GRAPHLEARN_MAX_ATOMS", "39")
    with pytest.raises(InputError, match="chain A has more than 39 atoms"):
        read_structure(path)
    monkeypatch.setenv("GRAPHLEARN_MAX_ATOMS", "320")
    assert len(read_structure(path)[0]) == 40
    monkeypatch.setenv("GRAPHLEARN_MAX_ATOMS", "3")
    with pytest.raises(InputError, match="40 atoms, more than 30 in all models"):
        read_structure(path)
    monkeypatch.setenv("GRAPHLEARN_MAX_ATOMS", "many")
    with pytest.raises(InputError, match="GRAPHLEARN_MAX_ATOMS='many': a positive whole number"):
        read_structure(path)


def test_structures_of_the_pdb_are_read_or_refused(data_folder):
    files = sorted((data_folder / "protein" / "structures").glob("*.gz"))
    read = 0
    for file in files:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            try:
                read += bool(read_structure(file))
            except InputError as error:
                assert "\n" not in str(error)  # noqa: PT017 (a refusal is one of two good ends)
    assert read >= len(files) - 3
