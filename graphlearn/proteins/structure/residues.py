"""The amino-acid residues and the ligands of one chain, with one position per atom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from typing import NamedTuple, TypeVar

import numpy as np

from graphlearn.base.errors import InputError
from graphlearn.proteins.structure.formats.builder import Atom, Entry

T = TypeVar("T", Atom, "_Candidate")
BACKBONE = ("N", "CA", "C", "O")
# Names that simulation packages give to states of protonation.
PROTONATION = {
    "HID": "H", "HIE": "H", "HIP": "H", "HSD": "H", "HSE": "H", "HSP": "H",
    "CYX": "C", "CYM": "C", "ASH": "D", "GLH": "E", "LYN": "K",
}  # fmt: skip
LONGEST_LINK_ANGSTROM = 4.2
LONGEST_PEPTIDE_BOND_ANGSTROM = 2.5
ONE_PLACE_ANGSTROM = 0.05
FARTHEST_ANGSTROM = 1e5
NOWHERE = np.full(3, np.nan)


@dataclass(frozen=True, eq=False)
class Residue:
    """Heavy atoms of one residue or ligand, sorted by name.

    Args:
        id: Chain, author's number and insertion code, for example ``A:27A``.
        name: As the file calls it, for example ``MSE``.
        letter: One-letter code; that of the parent for a modified residue, ``X`` if unknown.
        atoms: Names of its M atoms.
        elements: Chemical symbols of its atoms.
        positions_angstrom: float64 [M, 3], angstrom.
        b_factors: float64 [M], as the file gives them.
    """

    id: str
    name: str
    letter: str
    atoms: tuple[str, ...]
    elements: tuple[str, ...]
    positions_angstrom: np.ndarray
    b_factors: np.ndarray

    def position(self, atom: str) -> np.ndarray:
        """Position of the atom of this name, float64 [3], angstrom."""
        return np.asarray(self.positions_angstrom[self.atoms.index(atom)])

    @property
    def b_factor(self) -> float:
        """B-factor of the C-alpha atom."""
        return float(self.b_factors[self.atoms.index("CA")])

    @property
    def has_backbone(self) -> bool:
        """Whether N, C-alpha, C and O are all there."""
        return set(BACKBONE) <= set(self.atoms)

    def without(self, atoms: Sequence[str]) -> Residue:
        """The same without some atoms."""
        keep = [i for i, name in enumerate(self.atoms) if name not in atoms]
        return Residue(
            self.id, self.name, self.letter, tuple(self.atoms[i] for i in keep), tuple(self.elements[i] for i in keep),
            self.positions_angstrom[keep], self.b_factors[keep],
        )  # fmt: skip


class ChainResidues(NamedTuple):
    """Residues and ligands of a chain.

    Attributes:
        residues: Those of the protein, in the order of the file.
        ligands: All else that goes by the id of the chain, water aside.
    """

    residues: list[Residue]
    ligands: list[Residue]


class _Candidate(NamedTuple):
    residue: Residue
    hetero: bool
    occupancy: float
    location: str


def chain_residues(entries: Sequence[Entry], label: str, where: str) -> ChainResidues:
    """Amino-acid residues of a chain, in the order of the file, and its ligands.

    Of the alternate locations of an atom, and of several residues at one position of the sequence, the one of highest
    occupancy is taken (the first letter if they are equal). Modified amino acids count as residues where a peptide
    bond, C to N within 2.5 angstrom, joins them to the chain (where those atoms are not given, another C-alpha atom
    within 4.2 angstrom); free amino acids and cofactors do not. An atom, other than a C-alpha atom, that stands twice
    counts once.

    Args:
        entries: What the file says of the chain.
        label: Name of the chain.
        where: Name of the file, for messages.

    Returns:
        The residues that have a C-alpha atom (none for a chain that is not a protein), and the other entries.

    Raises:
        InputError: if a position is not finite or absurd, or a residue stands twice.
    """
    candidates = [c for e in entries if (c := _candidate(e, label, where)) is not None]
    groups: dict[str, list[_Candidate]] = {}
    for candidate in compress(candidates, _linked(candidates)):
        groups.setdefault(candidate.residue.id, []).append(candidate)
    for name, group in groups.items():
        if len(group) > 1 and not all(c.location.strip() for c in group):
            raise InputError(_duplicate_message(where, name))
    taken = {(c.residue.id, c.residue.name) for group in groups.values() for c in group}
    others = [r for r in (_residue(e, label) for e in entries) if (r.id, r.name) not in taken]
    finite = [r for r in others if r.atoms and np.isfinite(r.positions_angstrom).all()]
    return ChainResidues([_most_occupied(group).residue for group in groups.values()], finite if groups else [])


def _duplicate_message(where: str, residue_id: str) -> str:
    return (
        f"{where}: residue {residue_id} stands twice; give the copies different chain ids, or different numbers or "
        "insertion codes, or delete one"
    )


def _letter(name: str) -> str | None:
    from Bio.Data.PDBData import protein_letters_3to1_extended

    return protein_letters_3to1_extended.get(name) or PROTONATION.get(name)


def _candidate(entry: Entry, label: str, where: str) -> _Candidate | None:
    """The entry as a residue; None if it has no C-alpha atom."""
    letter = _letter(entry.name)
    alphas = [a for a in entry.atoms if a.name == "CA" and (letter or a.element == "C")]
    if not alphas:
        return None
    residue, first = _residue(entry, label), _most_occupied(alphas)
    for atom in entry.atoms:
        if not (np.abs(atom.position) < FARTHEST_ANGSTROM).all():
            finite = bool(np.isfinite(atom.position).all())
            raise InputError(
                f"{where}: atom {atom.name} of residue {residue.id} has a coordinate that is "
                f"{f'beyond {FARTHEST_ANGSTROM:,.0f} angstrom' if finite else 'NaN or infinite'}; "
                "repair that line or remove the residue"
            )
    for location in {a.location for a in alphas}:
        places = np.array([a.position for a in alphas if a.location == location])
        if np.abs(places - places[0]).max() > ONE_PLACE_ANGSTROM:
            raise InputError(_duplicate_message(where, residue.id))
    return _Candidate(residue, entry.hetero, first.occupancy, first.location)


def _residue(entry: Entry, label: str) -> Residue:
    letter = _letter(entry.name)
    by_name: dict[str, list[Atom]] = {}
    for atom in entry.atoms:
        if atom.element not in ("H", "D"):
            by_name.setdefault(atom.name, []).append(atom)
    atoms = [_most_occupied(by_name[name]) for name in sorted(by_name)]
    return Residue(
        id=f"{label}:{entry.number}{entry.insertion}",
        name=entry.name,
        letter=letter or "X",
        atoms=tuple(a.name for a in atoms),
        elements=tuple("C" if a.name == "CA" and letter else a.element for a in atoms),
        positions_angstrom=np.array([a.position for a in atoms], dtype=np.float64).reshape(-1, 3),
        b_factors=np.array([a.b_factor for a in atoms], dtype=np.float64),
    )


def _most_occupied(atoms: Sequence[T]) -> T:
    return min(atoms, key=lambda a: (-a.occupancy, a.location))


def _linked(candidates: Sequence[_Candidate]) -> list[bool]:
    """Whether each candidate is part of the polymer."""
    if not any(c.hetero for c in candidates):
        return [True] * len(candidates)
    residues = [c.residue for c in candidates]
    names = np.array([r.id for r in residues])
    ends = {
        atom: np.array([r.position(atom) if atom in r.atoms else NOWHERE for r in residues])
        for atom in ("N", "C", "CA")
    }
    bonded = _reach(ends["N"], ends["C"], LONGEST_PEPTIDE_BOND_ANGSTROM, names)
    bonded |= _reach(ends["C"], ends["N"], LONGEST_PEPTIDE_BOND_ANGSTROM, names)
    near = _reach(ends["CA"], ends["CA"], LONGEST_LINK_ANGSTROM, names)
    bare = np.isnan(ends["N"]).any(1) | np.isnan(ends["C"]).any(1)
    hetero = np.array([c.hetero for c in candidates])
    return list(~hetero | np.where(bare, near, bonded))


def _reach(first: np.ndarray, second: np.ndarray, longest: float, names: np.ndarray) -> np.ndarray:
    """Whether the first atom of each residue is this close to the second atom of one of another id."""
    from scipy.spatial import cKDTree

    reached = np.zeros(len(first), dtype=bool)
    rows, others = (np.flatnonzero(np.isfinite(x).all(1)) for x in (first, second))
    if len(rows) and len(others):
        around = cKDTree(second[others]).query_ball_point(first[rows], longest)
        reached[rows] = [
            bool((names[others[near]] != names[row]).any()) for row, near in zip(rows, around, strict=True)
        ]
    return reached
