"""Secondary structure and accessibility: known folds, stored DSSP of real chains, the program mkdssp."""

from __future__ import annotations

import io
import lzma
import shutil
import stat

import numpy as np
import pytest
from protein_files import TWENTY, alpha_lines, alpha_trace, atom_lines, hairpin_text, pdb_text, write

from graphlearn.base.errors import InputError
from graphlearn.proteins import alpha_secondary_structure, read_structure
from graphlearn.proteins.structure.with_mdtraj import HEAVY_ATOMS

THREE_STATES = str.maketrans("HGIEBTSC", "HHHEE---")
needs_mkdssp = pytest.mark.skipif(shutil.which("mkdssp") is None, reason="needs the program mkdssp")


def test_hairpin(tmp_path):
    (tmp_path / "x.pdb").write_text(hairpin_text())
    (chain,) = read_structure(tmp_path / "x.pdb")
    assert chain.secondary == "---EEETTEEE---"
    (alone,) = read_structure(tmp_path / "x.pdb", secondary="ca")
    assert (alone.secondary, alone.secondary_source) == ("---EEE--EEE---", "ca")


@needs_mkdssp
@pytest.mark.parametrize("build", [pdb_text, hairpin_text])
def test_mkdssp_and_mdtraj_agree(tmp_path, build):
    (tmp_path / "x.pdb").write_text(build())
    (by_program,) = read_structure(tmp_path / "x.pdb", secondary="mkdssp")
    assert by_program.secondary_source == "mkdssp"
    assert by_program.secondary == read_structure(tmp_path / "x.pdb")[0].secondary


def test_mkdssp_not_installed(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "x.pdb").write_text(pdb_text())
    with pytest.raises(InputError, match="X-A: the program mkdssp is not installed; install it"):
        read_structure(tmp_path / "x.pdb", secondary="mkdssp")


@pytest.mark.parametrize("code", [0, 1])
def test_mkdssp_that_answers_nothing(tmp_path, monkeypatch, code):
    program = tmp_path / "mkdssp"
    program.write_text(f"#!/bin/sh\necho 'no cell' >&2\nexit {code}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    (tmp_path / "x.pdb").write_text(pdb_text())
    with pytest.raises(InputError, match="mkdssp answered for 0 of 20 residues and said 'no cell'"):
        read_structure(tmp_path / "x.pdb", secondary="mkdssp")


def test_alpha_carbons_alone(tmp_path):
    path = write(tmp_path / "x.pdb", alpha_lines(10))
    (chain,) = read_structure(path)
    assert (chain.secondary, chain.secondary_source) == ("-HHHHHHHH-", "ca")
    assert np.isnan(chain.accessibility).all()
    for method in ("mdtraj", "mkdssp"):
        with pytest.raises(InputError, match=f"{method} needs the backbone"):
            read_structure(path, secondary=method)


def test_a_residue_without_oxygen_is_coil_and_cuts_the_chain(tmp_path):
    lines = [line for line in atom_lines(pdb_text()) if not (line[12:16] == " O  " and line[22:26] == "  10")]
    (chain,) = read_structure(write(tmp_path / "x.pdb", lines))
    assert chain.secondary_source == "mdtraj"
    assert chain.secondary[9] == "-"
    assert chain.secondary[2:8] == "H" * 6


def test_no_helix_over_a_break(tmp_path):
    lines = [line for line in atom_lines(pdb_text()) if not 9 <= int(line[22:26]) <= 11]
    path = write(tmp_path / "x.pdb", lines)
    for method in ("mdtraj", "ca"):
        (chain,) = read_structure(path, secondary=method)
        assert chain.secondary[7:9] == "--"
        assert "HHH" in chain.secondary[:7]


@pytest.mark.parametrize("length", [0, 1, 3, 4, 5])
def test_short_traces(length):
    assert len(alpha_secondary_structure(alpha_trace(length))) == length
    assert alpha_secondary_structure(np.zeros((length, 3))) == "-" * length


def test_turned_and_moved_traces_give_the_same():
    rotation = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    rotation *= np.sign(np.linalg.det(rotation))
    trace = alpha_trace(12)
    assert alpha_secondary_structure(trace @ rotation + 100) == alpha_secondary_structure(trace)
    mirrored = alpha_secondary_structure(trace * [-1, 1, 1])
    assert mirrored == "-" * 12


def test_agreement_with_dssp_of_real_chains(data_folder):
    packed = (data_folder / "protein" / "structdb_core.npz.xz").read_bytes()
    stored = np.load(io.BytesIO(lzma.decompress(packed)))
    ends, positions = stored["offsets"], stored["ca_x50"]
    letters = stored["ss8"].tobytes().decode().translate(THREE_STATES)
    long = np.flatnonzero(np.diff(ends) >= 60)
    agreement = []
    for k in np.random.default_rng(7).choice(long, 200, replace=False):
        a, b = ends[k], ends[k + 1]
        found = alpha_secondary_structure(positions[a:b] / 50.0)
        agreement.append(np.mean([x == y for x, y in zip(found, letters[a:b], strict=True)]))
    assert np.mean(agreement) > 0.88
    assert np.percentile(agreement, 5) > 0.75


def test_accessibility_of_ends_and_middle(tmp_path):
    text = pdb_text("A" * 15)
    (tmp_path / "x.pdb").write_text(text)
    (chain,) = read_structure(tmp_path / "x.pdb")
    assert chain.accessibility.dtype == np.float32
    assert chain.accessibility.min() > 0.2
    assert chain.accessibility.max() <= 1.0
    assert chain.accessibility[[0, -1]].min() > chain.accessibility[4:11].max()


def test_accessibility_is_missing_where_atoms_are(tmp_path):
    lines = [line for line in atom_lines(pdb_text()) if not (line[12:16] == " CD1" and line[22:26] == "   5")]
    (chain,) = read_structure(write(tmp_path / "x.pdb", lines))
    assert np.flatnonzero(np.isnan(chain.accessibility)).tolist() == [4]
    assert chain.secondary[4] == "H"


def test_hydrogens_and_terminal_oxygen_change_nothing(tmp_path):
    lines = atom_lines(pdb_text())
    hydrogens = [
        line.replace(" CA ", " HA ")[:30] + f"{float(line[30:38]) + 1:8.3f}" + line[38:76] + " H"
        for line in lines
        if line[12:16] == " CA "
    ]
    (plain,) = read_structure(write(tmp_path / "x.pdb", lines))
    (protonated,) = read_structure(write(tmp_path / "y.pdb", lines + hydrogens))
    assert protonated.secondary == plain.secondary
    np.testing.assert_array_equal(protonated.accessibility, plain.accessibility)


def test_ideal_residues_have_the_heavy_atoms_of_the_table():
    lines = [line for line in atom_lines(pdb_text()) if "OXT" not in line]
    for k, letter in enumerate(TWENTY):
        assert sum(int(line[22:26]) == k + 1 for line in lines) == HEAVY_ATOMS[letter]
