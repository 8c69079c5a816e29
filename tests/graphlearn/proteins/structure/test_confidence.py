"""pLDDT is recognised without a header, and B-factors of experiments are not taken for it."""

from __future__ import annotations

import numpy as np
import pytest
from protein_files import atom_lines, cif_text, pdb_text, write

from graphlearn.proteins import read_structure

PER_RESIDUE = np.linspace(35.0, 97.0, 20)


def lines_with(values):
    """The atoms of a helix, with values as B-factors: of the residue, or of the atom if there are as many."""
    lines = atom_lines(pdb_text())
    owner = [int(line[22:26]) - 1 for line in lines]
    several = [values[i] for i in owner] if len(values) == 20 else values
    return [f"{line[:60]}{value:6.2f}{line[66:]}" for line, value in zip(lines, several, strict=True)]


@pytest.mark.parametrize("kind", ["pdb", "cif"])
def test_a_prediction_without_a_header_is_recognised(tmp_path, kind):
    write(tmp_path / "x.pdb", lines_with(PER_RESIDUE))
    (tmp_path / "x.cif").write_text(cif_text((tmp_path / "x.pdb").read_text()))
    (chain,) = read_structure(tmp_path / f"x.{kind}")
    np.testing.assert_allclose(chain.plddt, PER_RESIDUE, atol=0.01)


@pytest.mark.parametrize(
    ("header", "values"),
    [
        (["EXPDTA    X-RAY DIFFRACTION"], PER_RESIDUE),
        (["EXPDTA    THEORETICAL MODEL (SWISS-MODEL SERVER)"], PER_RESIDUE),
        (["CRYST1   78.540   78.540   37.030  90.00  90.00  90.00 P 43 21 2     8"], PER_RESIDUE),
        ([], np.linspace(35.0, 97.0, len(atom_lines(pdb_text())))),
        ([], PER_RESIDUE + 20.0),
        ([], PER_RESIDUE - 40.0),
        ([], PER_RESIDUE / 10.0),
        ([], np.full(20, 80.0)),
    ],
)
def test_other_b_factors_are_not(tmp_path, header, values):
    (chain,) = read_structure(write(tmp_path / "x.pdb", [*header, *lines_with(values)]))
    assert chain.plddt is None


def test_a_unit_cell_of_one_angstrom_is_none(tmp_path):
    header = "CRYST1    1.000    1.000    1.000  90.00  90.00  90.00 P 1           1"
    (chain,) = read_structure(write(tmp_path / "x.pdb", [header, *lines_with(PER_RESIDUE)]))
    assert chain.plddt is not None
