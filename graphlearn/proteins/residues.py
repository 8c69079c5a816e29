"""The amino-acid residues of one chain of a parsed structure, with one position an atom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tdddft.errors import InputError

BACKBONE = ("N", "CA", "C", "O")
# Names that simulation packages give to states of protonation.
PROTONATION = {
    "HID": "H", "HIE": "H", "HIP": "H", "HSD": "H", "HSE": "H", "HSP": "H",
    "CYX": "C", "CYM": "C", "ASH": "D", "GLH": "E", "LYN": "K",
}  # fmt: skip
LONGEST_LINK_ANGSTROM = 4.2


@dataclass(frozen=True, eq=False)
class Residue:
    """Heavy atoms of one residue, sorted by name.

    Args:
        id: Chain, author's number and insertion code, for example ``A:27A``.
        letter: One-letter code; that of the parent for a modified residue, ``X`` if unknown.
        atoms: Names of its M atoms.
        elements: Chemical symbols of its atoms.
        positions_angstrom: float64 [M, 3], angstrom.
        b_factor: B-factor of the C-alpha atom, as the file gives it.
    """

    id: str
    letter: str
    atoms: tuple[str, ...]
    elements: tuple[str, ...]
    positions_angstrom: np.ndarray
    b_factor: float

    def position(self, atom: str) -> np.ndarray:
        """Position of the atom of this name, float64 [3], angstrom."""
        return self.positions_angstrom[self.atoms.index(atom)]

    @property
    def has_backbone(self) -> bool:
        """Whether N, C-alpha, C and O are all there."""
        return set(BACKBONE) <= set(self.atoms)


@dataclass(frozen=True)
class _Candidate:
    residue: Residue
    hetero: bool
    location: str
    occupancy: float


def chain_residues(chain: Any, where: str) -> list[Residue]:
    """Amino-acid residues of a chain of Biopython's, in the order of the file.

    Of the alternate locations of an atom, and of several residues at one position of the sequence, the one of highest
    occupancy is taken (the first letter if they are equal). Modified amino acids count as residues where the chain
    runs through them, that is where another C-alpha atom is within 4.2 angstrom; free amino acids do not.

    Args:
        chain: A ``Bio.PDB.Chain.Chain``.
        where: Name of the file, for messages.

    Returns:
        The residues that have a C-alpha atom; an empty list for a chain that is not a protein.

    Raises:
        InputError: if a position is not finite, or a residue stands twice.
    """
    entries = [child for entry in chain for child in _children(entry)]
    candidates = [c for c in (_candidate(entry, chain.id, where) for entry in entries) if c is not None]
    groups: dict[str, list[_Candidate]] = {}
    for candidate in _linked(candidates):
        groups.setdefault(candidate.residue.id, []).append(candidate)
    residues = []
    for name, group in groups.items():
        if len(group) > 1 and not all(c.location.strip() for c in group):
            raise InputError(duplicate_message(where, name))
        residues.append(min(group, key=lambda c: (-c.occupancy, c.location)).residue)
    return residues


def chain_label(chain_id: str) -> str:
    """Name of a chain: its author's id, or ``_`` where the file leaves it blank."""
    return chain_id.strip() or "_"


def duplicate_message(where: str, residue_id: str) -> str:
    """What to tell about a residue that stands twice in a file."""
    return (
        f"{where}: residue {residue_id} stands twice; give the copies different chain ids, or different numbers or "
        "insertion codes, or delete one"
    )


def _children(entry: Any) -> Sequence[Any]:
    return entry.disordered_get_list() if entry.is_disordered() == 2 else [entry]


def _candidate(entry: Any, chain_id: str, where: str) -> _Candidate | None:
    from Bio.Data.PDBData import protein_letters_3to1_extended

    name = entry.resname.strip().upper()
    letter = protein_letters_3to1_extended.get(name) or PROTONATION.get(name)
    atoms = sorted((_most_occupied(a) for a in entry), key=lambda a: a.name)
    alpha = next((a for a in atoms if a.name == "CA" and (letter or a.element == "C")), None)
    if alpha is None:
        return None
    number = f"{chain_label(chain_id)}:{entry.id[1]}{entry.id[2].strip()}"
    positions = np.array([a.coord for a in atoms], dtype=np.float64)
    if not np.isfinite(positions).all():
        broken = atoms[int(np.argmin(np.isfinite(positions).all(1)))].name
        raise InputError(
            f"{where}: atom {broken} of residue {number} has a coordinate that is NaN or infinite; "
            "repair that line or remove the residue"
        )
    heavy = [i for i, a in enumerate(atoms) if a.element not in ("H", "D")]
    residue = Residue(
        id=number,
        letter=letter or "X",
        atoms=tuple(atoms[i].name for i in heavy),
        elements=tuple("C" if atoms[i] is alpha else atoms[i].element for i in heavy),
        positions_angstrom=positions[heavy],
        b_factor=float(alpha.bfactor),
    )
    return _Candidate(residue, hetero=entry.id[0] != " ", location=alpha.altloc, occupancy=alpha.occupancy or 0.0)


def _most_occupied(atom: Any) -> Any:
    if atom.is_disordered() != 2:
        return atom
    return min(atom.disordered_get_list(), key=lambda a: (-(a.occupancy or 0.0), a.altloc))


def _linked(candidates: list[_Candidate]) -> list[_Candidate]:
    from scipy.spatial import cKDTree

    if not any(c.hetero for c in candidates):
        return candidates
    alphas = np.array([c.residue.position("CA") for c in candidates])
    near = cKDTree(alphas).query_ball_point(alphas, LONGEST_LINK_ANGSTROM)
    ids = [c.residue.id for c in candidates]
    return [
        c
        for c, around in zip(candidates, near, strict=True)
        if not c.hetero or any(ids[j] != c.residue.id for j in around)
    ]
