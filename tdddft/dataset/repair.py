"""Writing the selection table of a data-set folder again, where no finished trajectory says otherwise."""

from __future__ import annotations

from collections.abc import Sequence

from graphlearn.base.errors import ContractError, InputError
from graphlearn.base.files import replace_text
from tdddft.dataset.plan import trajectory_ids
from tdddft.dataset.recipe import GenerateRecipe
from tdddft.dataset.selection_table import parse_selection
from tdddft.dataset.store import DatasetFolder, strangeness
from tdddft.molecules.molecule import Molecule
from tdddft.molecules.selection import fingerprint, selection_table
from tdddft.trajectory import read_trajectory


def repair_selection(folder: DatasetFolder, recipe: GenerateRecipe, molecules: Sequence[Molecule]) -> bool:
    """Write ``selection.csv`` again where it is damaged, and say whether that was done.

    Args:
        folder: The folder; nobody may be generating into it.
        recipe: Its recipe.
        molecules: What the sources of the recipe give now.

    Raises:
        InputError: if a finished trajectory is of another molecule than the sources give.
    """
    now = selection_table(molecules)
    table = folder.chosen()
    if folder.leaves(folder.selection):
        raise InputError(
            f"{folder.selection} is a link that leaves the folder; nothing is written through it, remove it"
        )
    if folder.selection.is_file() and not table.bad and table.changed(parse_selection(now.encode())) is None:
        return False
    records = folder.records()
    for molecule in molecules:
        for identifier in trajectory_ids(molecule, recipe):
            record = records.get(identifier, {})
            finished = record.get("status") == "done" and folder.intact(record)
            fault = _fault(folder, identifier, fingerprint(molecule)) if finished else ""
            if fault:
                raise InputError(
                    f"{folder.root}: the sources do not give {molecule.name} as it was ({identifier}: {fault}); "
                    "restore the files that the molecules came from"
                )
    replace_text(folder.selection, now)
    return True


def _fault(folder: DatasetFolder, identifier: str, geometry: str) -> str:
    try:
        return strangeness(read_trajectory(folder.path(identifier), frames=1, finite=False), identifier, geometry)
    except (ContractError, InputError):
        return ""
