"""Biopython's builder of structures, told to leave out what is not protein and to refuse residues that stand twice."""

from __future__ import annotations

from typing import Any

from Bio.Data.PDBData import nucleic_letters_3to1_extended
from Bio.PDB.PDBExceptions import PDBConstructionException
from Bio.PDB.StructureBuilder import StructureBuilder

from graphlearn.proteins.residues import chain_label, duplicate_message
from tdddft.errors import InputError

NUCLEOTIDES = frozenset(name.strip() for name in nucleic_letters_3to1_extended)


class FirstModelBuilder(StructureBuilder):
    """Keep the first model, without water and nucleotides.

    Args:
        where: Name of the file, for messages.
    """

    def __init__(self, where: str) -> None:
        super().__init__()
        self.where = where
        self.first_model: int | None = None
        self.later_model = False
        self.residue_id = ""

    def init_model(self, model_id: int, serial_num: int | None = None) -> None:
        """Open the first model; what belongs to later ones is skipped."""
        if self.first_model is None:
            self.first_model = model_id
            super().init_model(model_id, serial_num)
        self.later_model = model_id != self.first_model

    def init_chain(self, chain_id: str) -> None:
        """Open a chain, or open it again."""
        if not self.later_model:
            super().init_chain(chain_id)

    def init_residue(self, resname: str, field: str, resseq: int, icode: str) -> None:
        """Open a residue unless it is skipped.

        Raises:
            InputError: if a residue of the polymer stands twice.
        """
        self.residue: Any = None
        if self.later_model or field == "W" or resname.strip() in NUCLEOTIDES:
            return
        chain: Any = self.chain
        self.residue_id = f"{chain_label(chain.id)}:{resseq}{icode.strip()}"
        try:
            super().init_residue(resname, field, resseq, icode)
        except PDBConstructionException:
            self._refuse(field)

    def init_atom(self, *args: Any, **kwargs: Any) -> None:
        """Add an atom to the open residue.

        Raises:
            InputError: if the residue already has this atom.
        """
        try:
            super().init_atom(*args, **kwargs)
        except PDBConstructionException:
            self._refuse(self.residue.id[0])

    def set_anisou(self, anisou_array: Any) -> None:
        """Anisotropic displacements are not read."""

    def _refuse(self, field: str) -> None:
        if field == " ":
            raise InputError(duplicate_message(self.where, self.residue_id)) from None
        self.residue = None
