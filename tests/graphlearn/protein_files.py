"""Structures with all heavy atoms, built from ideal geometry, the text of their files, and random chains."""

from __future__ import annotations

import io
import warnings
from functools import cache

import numpy as np
from Bio.PDB import MMCIFIO, PDBIO, PDBParser
from Bio.PDB.PICIO import read_PIC_seq
from Bio.Seq import Seq
from Bio.SeqRecord import SeqRecord

from graphlearn.proteins import RESIDUE_ORDER, SECONDARY_ORDER, ProteinChain

TWENTY = "ACDEFGHIKLMNPQRSTVWY"
HELIX = (-60.0, -45.0)
STRAND = (-115.0, 135.0)
HAIRPIN = [STRAND] * 6 + [(50.0, 45.0), (85.0, 0.0)] + [STRAND] * 6
HAIRPIN_SEQUENCE = "VTVEVKNGKVEVTV"


@cache
def pdb_text(sequence: str = TWENTY, angles: tuple | None = None) -> str:
    """PDB file of one chain A with these backbone angles; a helix by default."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        structure = _folded(sequence, angles or (HELIX,) * len(sequence))
    text = io.StringIO()
    writer = PDBIO()
    writer.set_structure(structure)
    writer.save(text)
    return text.getvalue()


def _folded(sequence, angles):
    structure = read_PIC_seq(SeqRecord(Seq(sequence), id="built"))
    structure.internal_to_atom_coordinates()
    chain = next(structure.get_chains())
    chain.atom_to_internal_coordinates()
    for residue, (phi, psi) in zip(chain, angles, strict=True):
        for key, value in (("phi", phi), ("psi", psi), ("omg", 180.0)):
            if residue.internal_coord.get_angle(key) is not None:
                residue.internal_coord.set_angle(key, value)
    structure.internal_to_atom_coordinates()
    return structure


def hairpin_text() -> str:
    return pdb_text(HAIRPIN_SEQUENCE, tuple(HAIRPIN))


def atom_lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(("ATOM", "HETATM"))]


def pdb_line(
    atom="CA", residue="ALA", chain="A", number=1, insertion=" ", xyz=(0.0, 0.0, 0.0),
    altloc=" ", occupancy=1.0, b_factor=0.0, element="C", record="ATOM",
):  # fmt: skip
    x, y, z = xyz
    return (
        f"{record:<6s}{1:5d}  {atom:<3s}{altloc}{residue:>3s} {chain}{number:4d}{insertion}   "
        f"{x:8.3f}{y:8.3f}{z:8.3f}{occupancy:6.2f}{b_factor:6.2f}          {element:>2s}"
    )


def alpha_trace(length: int, start=(0.0, 0.0, 0.0)) -> np.ndarray:
    """Positions of the C-alpha atoms of an ideal helix, angstrom."""
    turn = np.radians(100.0) * np.arange(length)
    helix = np.stack([2.3 * np.cos(turn), 2.3 * np.sin(turn), 1.5 * np.arange(length)], axis=1)
    return helix + np.array(start)


def alpha_lines(length=8, chain="A", start=(0.0, 0.0, 0.0), **options) -> list[str]:
    """C-alpha atoms of a helix of alanine, numbered from 1."""
    trace = alpha_trace(length, start)
    return [pdb_line(chain=chain, number=i + 1, xyz=tuple(p), **options) for i, p in enumerate(trace)]


def write(path, lines) -> str:
    path.write_text("\n".join([*lines, "END"]) + "\n")
    return str(path)


def cif_text(pdb: str) -> str:
    """The same structure as mmCIF."""
    structure = PDBParser(QUIET=True).get_structure("built", io.StringIO(pdb))
    text = io.StringIO()
    writer = MMCIFIO()
    writer.set_structure(structure)
    writer.save(text)
    return text.getvalue()


def make_chain(length=12, seed=0, **changes):
    """A random chain of random residues, about as dense as a protein."""
    rng = np.random.default_rng(seed)
    size = 6.0 * length ** (1 / 3)
    known = {
        "name": "1ABC-A",
        "sequence": "".join(rng.choice(list(RESIDUE_ORDER), length)),
        "ca_angstrom": rng.uniform(0, size, (length, 3)),
        "residue_ids": tuple(f"A:{i}" for i in range(length)),
        "secondary": "".join(rng.choice(list(SECONDARY_ORDER), length)),
        "secondary_source": "given",
        "accessibility": rng.uniform(0, 1, length),
        "profile": rng.uniform(0, 1, (length, 20)),
    }
    return ProteinChain(**{**known, **changes})
