"""What a source states about one molecule, before it is checked."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from graphlearn.base.errors import OpenShellError
from graphlearn.base.file_names import file_name
from tdddft.molecules.molecule import Molecule
from tdddft.molecules.sources.stated import Charges, Stated, charge_given


@dataclass(frozen=True)
class Entry:
    """One molecule of a source.

    Args:
        name: Title of the entry; becomes a file name.
        numbers: Atomic numbers [N].
        positions_angstrom: Nuclear positions [N, 3], angstrom.
        source: File and place in it.
        stated: Charge and multiplicity as the source has them.
        smiles: SMILES string if known.
        index: Position in the source.
        ghosts: Which atoms are ghosts.
    """

    name: str
    numbers: Any
    positions_angstrom: Any
    source: str
    stated: Stated = field(default_factory=Stated)
    smiles: str | None = None
    index: int | None = None
    ghosts: tuple[int, ...] = ()

    def molecule(self, charges: Charges = None, multiplicities: Charges = None) -> Molecule:
        """The molecule, with charge and multiplicity as they are given for it, else as stated, else 0 and 1.

        Args:
            charges: As for :func:`tdddft.read_molecules`.
            multiplicities: Likewise.

        Returns:
            The molecule.
        """
        name = file_name(self.name)
        where = f"{self.source} (molecule {name})"
        charge, known_from = self.stated.resolved(charge_given(charges, name), where)
        multiplicity = self.stated.resolved_multiplicity(charge_given(multiplicities, name), where)
        return Molecule(
            name, self.numbers, self.positions_angstrom, charge, self.source, self.smiles, self.index, known_from,
            multiplicity, self.ghosts,
        )  # fmt: skip


def molecules_of(entries: Iterable[Entry], charges: Charges = None, multiplicities: Charges = None) -> list[Molecule]:
    """The molecules of many entries; left out, with a warning, are those of odd electrons and unknown multiplicity.

    Args:
        entries: What the source says of each.
        charges: As for :func:`tdddft.read_molecules`.
        multiplicities: Likewise.

    Returns:
        The molecules, in their order.

    Raises:
        InputError: if one cannot be read.
        OpenShellError: if all are left out.
    """
    molecules, open_shells = [], []
    for entry in entries:
        try:
            molecules.append(entry.molecule(charges, multiplicities))
        except OpenShellError as error:
            open_shells.append(error)
    if open_shells and not molecules:
        raise open_shells[0]
    if open_shells:
        warnings.warn(f"left out {len(open_shells)} of unknown multiplicity; the first: {open_shells[0]}", stacklevel=2)
    return molecules
