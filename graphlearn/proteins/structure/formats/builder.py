"""Atoms as Biopython's parsers of PDB and mmCIF hand them over: the first model, without water, residue by residue."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from graphlearn.proteins.structure.formats.limits import atom_limit, check_count

# As the PDB and simulation packages call water; the parsers know only HOH and WAT, and those only as HETATM.
WATER = frozenset([
    "HOH", "WAT", "DOD", "H2O", "SOL", "TIP", "TIP2", "TIP3", "TIP4", "TIP5", "T3P", "T4P", "T5P", "TP3", "TP4", "TP5",
    "SPC", "SPCE", "OPC",
])  # fmt: skip


class Atom(NamedTuple):
    """One line of an atom.

    Attributes:
        name: As ``CA``.
        element: Chemical symbol, upper case; of the name where the file has no column for it.
        location: Letter of the alternate location, or blank.
        occupancy: 0 where the file has none.
        b_factor: As the file gives it.
        position: float32 [3], angstrom.
    """

    name: str
    element: str
    location: str
    occupancy: float
    b_factor: float
    position: np.ndarray


@dataclass(eq=False)
class Entry:
    """Content of a file for one residue or ligand.

    Args:
        chain: Author's id of the chain, as it stands in the file.
        name: Three letters, as ``ALA``.
        number: The author's.
        insertion: Its code, or nothing.
        hetero: Whether its first atom is a HETATM.
        atoms: In the order of the file.
    """

    chain: str
    name: str
    number: int
    insertion: str
    hetero: bool
    atoms: list[Atom] = field(default_factory=list)


class FirstModel:
    """Collects the entries of the first model; takes the place of Biopython's ``StructureBuilder``.

    Lines of one residue belong together wherever they stand, for alternate residues at one position are interleaved.

    Args:
        where: Name of the file, for messages.
    """

    def __init__(self, where: str) -> None:
        self.where = where
        self.entries: dict[tuple[str, int, str, str], Entry] = {}
        self.atoms_of_chain: dict[str, int] = {}
        self.header: dict[str, Any] = {}
        self._limit = atom_limit()
        self._first_model: int | None = None
        self._skip_model = False
        self._chain = ""
        self._entry: Entry | None = None

    def init_model(self, model_id: int, serial_num: int | None = None) -> None:
        """Open a model; what belongs to any but the first is skipped.

        Args:
            model_id: Number of the model.
            serial_num: Not used.
        """
        if self._first_model is None:
            self._first_model = model_id
        self._skip_model = model_id != self._first_model

    def init_chain(self, chain_id: str) -> None:
        """Open a chain, or open it again."""
        self._chain = chain_id

    def init_residue(self, resname: str, field: str, resseq: int, icode: str) -> None:
        """Open a residue, or open it again; water is skipped.

        Args:
            resname: Name of the residue, such as ``ALA``.
            field: ``W`` for water, a blank for a residue of a polymer, otherwise a hetero residue.
            resseq: Number of the residue.
            icode: Insertion code; blank for none.
        """
        name = resname.strip().upper()
        if self._skip_model or field == "W" or name in WATER:
            self._entry = None
            return
        key = (self._chain, resseq, icode.strip(), name)
        self._entry = self.entries.setdefault(key, Entry(self._chain, name, resseq, icode.strip(), hetero=field != " "))

    def init_atom(
        self, name: str, coord: np.ndarray, b_factor: float, occupancy: float | None, altloc: str, fullname: str,
        serial_number: Any = None, element: str | None = None,
    ) -> None:  # fmt: skip
        """Add an atom to the open residue.

        Args:
            name: Name of the atom, such as ``CA``.
            coord: Position in angstrom, [3].
            b_factor: B-factor in square angstrom, or pLDDT in predictions.
            occupancy: Occupancy; None counts as 0.
            altloc: Label of the alternate location; blank for none.
            fullname: Name with the blanks of its columns, from which an absent element is guessed.
            serial_number: Not used.
            element: Symbol of the element; guessed where it is absent.

        Raises:
            InputError: if the chain has more atoms than
                :func:`graphlearn.proteins.structure.formats.limits.atom_limit`.
        """
        if self._entry is None:
            return
        count = self.atoms_of_chain[self._chain] = self.atoms_of_chain.get(self._chain, 0) + 1
        check_count(count, self._limit, f"{self.where}: chain {self._chain[:80]} has more than {self._limit:,} atoms")
        symbol = element or _guessed(name, fullname)
        self._entry.atoms.append(Atom(name, symbol.upper(), altloc, occupancy or 0.0, b_factor, coord))

    def set_header(self, header: dict[str, Any]) -> None:
        """Keep the metadata of an mmCIF file."""
        self.header = header

    def init_structure(self, *unused: Any) -> None:
        """Other content of the file is not kept."""

    init_seg = set_anisou = set_siguij = set_sigatm = set_line_counter = set_symmetry = init_structure

    def get_structure(self) -> FirstModel:
        """What was collected."""
        return self


def _guessed(name: str, fullname: str) -> str:
    """Element from the name of an atom and the columns in which it stands, as Biopython tells it."""
    from Bio.PDB.Atom import Atom as NamedAtom

    return str(NamedAtom(name, np.zeros(3), 0.0, 1.0, " ", fullname, 0).element)
