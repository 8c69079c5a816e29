"""The atoms of one chain for a drawing: mmCIF text that names residues by places, and what each place is called."""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from graphlearn.proteins.structure.alpha_trace import LONGEST_STEP_ANGSTROM
from graphlearn.proteins.structure.formats.mmcif_text import cif_loop
from graphlearn.proteins.structure.read import ChainStructure
from graphlearn.proteins.structure.residues import Residue
from graphlearn.proteins.structure.with_mdtraj import are_bonded

LIGAND_ANGSTROM = 6.0


class DrawnAtoms(NamedTuple):
    """Input of the viewer.

    Attributes:
        text: mmCIF of the residues (``ATOM``) and of the ligands within 6 angstrom of them (``HETATM``). Numbers of
            residues are places: they rise by one along the backbone and by two over a break, so that no drawing of
            insertion codes, long ids or gaps depends on the viewer.
        places: Number of each residue in that text.
        ligands: Number and id of each ligand.
    """

    text: str
    places: tuple[int, ...]
    ligands: dict[int, str]


def drawn_atoms(structure: ChainStructure) -> DrawnAtoms:
    """The atoms of a chain as the input of the viewer."""
    steps = (1 if _continues(first, second) else 2 for first, second in pairwise(structure.residues))
    places = tuple(accumulate(steps, initial=1))
    tree = cKDTree(np.concatenate([r.positions_angstrom for r in structure.residues]))
    near = [r for r in structure.ligands if np.min(tree.query(r.positions_angstrom)[0]) <= LIGAND_ANGSTROM]
    numbers = range(places[-1] + 2, places[-1] + 2 + 2 * len(near), 2)
    rows = [
        (group, name, element, residue.name, number, *(f"{x:.3f}" for x in position))
        for group, residues, several in (("ATOM", structure.residues, places), ("HETATM", near, numbers))
        for residue, number in zip(residues, several, strict=True)
        for name, element, position in zip(
            residue.atoms, residue.elements, residue.positions_angstrom, strict=True
        )
    ]  # fmt: skip
    groups, names, elements, residue_names, seq, x, y, z = zip(*rows, strict=True)
    columns = {
        "group_PDB": groups, "id": range(1, len(rows) + 1), "type_symbol": elements, "label_atom_id": names,
        "label_comp_id": residue_names, "label_asym_id": ["A"] * len(rows), "label_seq_id": seq,
        "Cartn_x": x, "Cartn_y": y, "Cartn_z": z,
    }  # fmt: skip
    text = "data_chain\n#\n" + cif_loop("_atom_site", columns)
    return DrawnAtoms(text, places, dict(zip(numbers, (r.id for r in near), strict=True)))


def _continues(first: Residue, second: Residue) -> bool:
    if "C" in first.atoms and "N" in second.atoms:
        return are_bonded(first, second)
    return bool(np.linalg.norm(first.position("CA") - second.position("CA")) < LONGEST_STEP_ANGSTROM)
