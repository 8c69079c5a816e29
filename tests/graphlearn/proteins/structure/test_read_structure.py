"""Structure files as the PDB, AlphaFold and simulation packages write them."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from protein_files import (
    TWENTY,
    alpha_lines,
    alpha_trace,
    atom_lines,
    cif_text,
    hairpin_text,
    pdb_line,
    pdb_text,
    write,
)

from graphlearn.proteins import read_structure


def same(a, b):
    return (
        (a.sequence, a.residue_ids, a.secondary, a.secondary_source)
        == (b.sequence, b.residue_ids, b.secondary, b.secondary_source)
        and np.allclose(a.ca_angstrom, b.ca_angstrom, atol=1e-3)
        and np.allclose(a.accessibility, b.accessibility, atol=0.01, equal_nan=True)
    )  # fmt: skip


@pytest.mark.parametrize("build", [pdb_text, hairpin_text])
def test_pdb_and_mmcif_and_gzip_agree(tmp_path, build):
    text = build()
    (tmp_path / "1abc.pdb").write_text(text)
    (tmp_path / "1abc.cif").write_text(cif_text(text))
    (tmp_path / "1abc.cif.gz").write_bytes(gzip.compress(cif_text(text).encode()))
    chains = [read_structure(p)[0] for p in sorted(tmp_path.iterdir())]
    assert [c.name for c in chains] == ["1ABC-A"] * 3
    assert all(same(chains[0], c) for c in chains[1:])


def test_a_whole_chain(tmp_path):
    path = tmp_path / "pdb1abc.ent"
    path.write_text(pdb_text())
    (chain,) = read_structure(path)
    assert (chain.name, chain.sequence, len(chain)) == ("1ABC-A", TWENTY, 20)
    assert chain.residue_ids[:2] == ("A:1", "A:2")
    assert chain.secondary == "-" + "H" * 18 + "-"
    assert chain.secondary_source == "mdtraj"
    assert chain.plddt is None
    assert chain.profile is None
    assert np.isfinite(chain.accessibility).all()
    steps = np.linalg.norm(np.diff(chain.ca_angstrom, axis=0), axis=1)
    np.testing.assert_allclose(steps, 3.8, atol=0.06)


def test_chains_are_read_in_the_order_asked_for(tmp_path):
    lines = alpha_lines(chain="B") + alpha_lines(9, chain="a", start=(30, 0, 0)) + alpha_lines(7, chain=" ")
    path = write(tmp_path / "many.pdb", lines)
    assert [c.name for c in read_structure(path)] == ["MANY-B", "MANY-a", "MANY-_"]
    assert [len(c) for c in read_structure(path, chains=["_", "a"])] == [7, 9]


def test_long_chain_ids_of_the_author(tmp_path):
    text = cif_text(pdb_text())
    names = text.splitlines()[2:24]
    columns = [n.strip() for n in names if n.startswith("_atom_site.")]
    k = columns.index("_atom_site.auth_asym_id")
    lines = []
    for line in text.splitlines():
        fields = line.split()
        if line.startswith("ATOM"):
            fields[k] = "AAA"
        lines.append(" ".join(fields))
    (tmp_path / "x.cif").write_text("\n".join(lines) + "\n")
    (chain,) = read_structure(tmp_path / "x.cif")
    assert (chain.name, chain.residue_ids[0]) == ("X-AAA", "AAA:1")


def test_first_model_only(tmp_path):
    models = [[f"MODEL     {i + 1:4d}", *alpha_lines(8, start=(10.0 * i, 0, 0)), "ENDMDL"] for i in range(3)]
    path = write(tmp_path / "nmr.pdb", [line for model in models for line in model])
    (chain,) = read_structure(path)
    np.testing.assert_allclose(chain.ca_angstrom, alpha_trace(8), atol=1e-3)
    (tmp_path / "nmr.cif").write_text(cif_text((tmp_path / "nmr.pdb").read_text()))
    assert same(read_structure(tmp_path / "nmr.cif")[0], chain)


def test_the_highest_occupancy_is_taken(tmp_path):
    lines = alpha_lines(8)
    where = alpha_trace(8)[3]
    lines[3:4] = [
        pdb_line(number=4, xyz=tuple(where + shift), altloc=letter, occupancy=occupancy)
        for letter, shift, occupancy in (("A", 0.5, 0.3), ("B", 0.0, 0.6), ("C", -0.5, 0.1))
    ]
    (chain,) = read_structure(write(tmp_path / "x.pdb", lines))
    np.testing.assert_allclose(chain.ca_angstrom, alpha_trace(8), atol=1e-3)


@pytest.mark.parametrize(("first", "expected"), [(0.7, "S"), (0.2, "T"), (0.5, "S")])
def test_two_residues_at_one_position(tmp_path, first, expected):
    lines = alpha_lines(8)
    xyz = tuple(alpha_trace(8)[3])
    lines[3:4] = [
        pdb_line(number=4, residue="SER", xyz=xyz, altloc="A", occupancy=first),
        pdb_line(number=4, residue="THR", xyz=xyz, altloc="B", occupancy=1 - first),
    ]
    (chain,) = read_structure(write(tmp_path / "x.pdb", lines))
    assert chain.sequence == "AAA" + expected + "AAAA"


def test_modified_residues_count_and_free_ones_do_not(tmp_path):
    lines = alpha_lines(8)
    trace = alpha_trace(8)
    for k, name in ((2, "MSE"), (5, "SEP")):
        lines[k] = pdb_line(number=k + 1, residue=name, xyz=tuple(trace[k]), record="HETATM")
    lines[6] = pdb_line(number=7, residue="UNK", xyz=tuple(trace[6]))
    lines[7] = pdb_line(number=8, residue="HIE", xyz=tuple(trace[7]))
    lines += [
        "TER",
        pdb_line(number=301, residue="GLU", xyz=(20, 0, 0), record="HETATM"),
        pdb_line(number=302, residue="CA", element="CA", xyz=(3, 0, 0), record="HETATM"),
        pdb_line("O", "HOH", number=303, xyz=(0, 9, 0), element="O", record="HETATM"),
        pdb_line("O", "HOH", number=303, xyz=(0, 9, 5), element="O", record="HETATM"),
        pdb_line("C1'", " DA", "D", 1, xyz=(0, 20, 0)),
        pdb_line("C1'", " DA", "D", 1, xyz=(0, 25, 0)),
    ]
    (chain,) = read_structure(write(tmp_path / "x.pdb", lines))
    assert chain.sequence == "AAMAASXH"


def test_residues_without_alpha_carbon_are_left_out(tmp_path):
    lines = alpha_lines(8)
    lines[4] = lines[4].replace(" CA ", " CB ")
    (chain,) = read_structure(write(tmp_path / "x.pdb", lines))
    assert chain.residue_ids == tuple(f"A:{i}" for i in (1, 2, 3, 4, 6, 7, 8))


@pytest.mark.parametrize(
    ("header", "predicted"),
    [
        (["TITLE     ALPHAFOLD MONOMER V2.0 PREDICTION FOR MYOGLOBIN (P02185)"], True),
        (["TITLE     COMPARED WITH ALPHAFOLD MODELS", "EXPDTA    X-RAY DIFFRACTION"], False),
        (["TITLE     MYOGLOBIN", "EXPDTA    X-RAY DIFFRACTION"], False),
        ([], False),
    ],
)
def test_confidence_of_predictions_only(tmp_path, header, predicted):
    (chain,) = read_structure(write(tmp_path / "x.pdb", header + alpha_lines(6, b_factor=87.5)))
    assert (chain.plddt is not None) == predicted
    if predicted:
        assert chain.plddt.tolist() == [87.5] * 6


@pytest.mark.parametrize(("method", "predicted"), [("", True), ("_exptl.method 'X-RAY DIFFRACTION'\n#\n", False)])
def test_confidence_in_mmcif(tmp_path, method, predicted):
    write(tmp_path / "x.pdb", alpha_lines(6, b_factor=87.5))
    text = cif_text((tmp_path / "x.pdb").read_text())
    metric = "#\n_ma_qa_metric.id 1\n_ma_qa_metric.name pLDDT\n#\n"
    (tmp_path / "x.cif").write_text(text + metric + method)
    assert (read_structure(tmp_path / "x.cif")[0].plddt is not None) == predicted


def test_short_chains_beside_longer_ones_are_left_out(tmp_path):
    path = write(tmp_path / "x.pdb", alpha_lines(8) + alpha_lines(3, chain="P", start=(20, 0, 0)))
    with pytest.warns(UserWarning, match=r"x\.pdb: left out P: a chain of fewer than 5"):
        chains = read_structure(path)
    assert [c.name for c in chains] == ["X-A"]


@st.composite
def numberings(draw):
    """Author's numbers that rise or repeat with insertion codes, with the chain they belong to."""
    pairs = st.tuples(st.integers(-20, 9999), st.sampled_from(" ABCXZ"))
    return draw(st.lists(pairs, min_size=5, max_size=12, unique=True)), draw(st.sampled_from("ABz09"))


@given(numberings())
@settings(deadline=None, max_examples=40)
def test_every_residue_keeps_its_name(tmp_path_factory, case):
    numbers, label = case
    trace = alpha_trace(len(numbers))
    lines = [
        pdb_line(chain=label, number=n, insertion=code, xyz=tuple(p))
        for (n, code), p in zip(numbers, trace, strict=True)
    ]
    folder = tmp_path_factory.mktemp("numbers")
    (chain,) = read_structure(write(folder / "x.pdb", lines))
    assert chain.residue_ids == tuple(f"{label}:{n}{code.strip()}" for n, code in numbers)
    (folder / "x.cif").write_text(cif_text((folder / "x.pdb").read_text()))
    assert same(read_structure(folder / "x.cif")[0], chain)


@given(st.randoms(use_true_random=False), st.sampled_from(["A", "AB"]))
@settings(deadline=None, max_examples=15)
def test_order_of_atoms_and_alternates_does_not_matter(tmp_path_factory, random, letters):
    folder = tmp_path_factory.mktemp("order")
    residues: dict[str, list[str]] = {}
    for line in atom_lines(pdb_text()):
        residues.setdefault(line[22:27], []).append(line)
    shuffled = []
    for lines in residues.values():
        moved = [
            f"{line[:16]}{letter}{line[17:30]}{float(line[30:38]) + 0.2 * k:8.3f}{line[38:56]}{0.5:4.2f}{line[60:]}"
            for line in lines
            for k, letter in enumerate(letters)
        ]
        random.shuffle(moved)
        shuffled += moved
    plain, mixed = write(folder / "plain.pdb", atom_lines(pdb_text())), write(folder / "mixed.pdb", shuffled)
    assert same(read_structure(plain)[0], read_structure(mixed)[0])


def test_five_thousand_residues(tmp_path):
    turns = [line for k in range(5) for line in alpha_lines(1000, start=(20.0 * k, 0, 0))]
    trace = np.array([[float(line[30:38]), float(line[38:46]), float(line[46:54]) - 750.0] for line in turns])
    lines = [pdb_line(number=i + 1, xyz=tuple(p)) for i, p in enumerate(trace)]
    (chain,) = read_structure(write(tmp_path / "x.pdb", lines))
    assert len(chain) == 5000
    assert chain.secondary.count("H") > 4900
