"""Writing the selection table of a data-set folder again, where no finished trajectory says otherwise."""

from __future__ import annotations

from graphlearn.base.errors import ContractError, InputError
from graphlearn.base.files import replace_text
from tdddft.dataset.plan import Plan
from tdddft.dataset.recovery import mismatch
from tdddft.dataset.selection_table import parse_selection
from tdddft.dataset.store import DatasetFolder
from tdddft.trajectory import read_trajectory


def repair_selection(folder: DatasetFolder, plan: Plan) -> bool:
    """Write ``selection.csv`` again where it is damaged.

    Args:
        folder: The folder; no run may be generating into it.
        plan: Its recipe, and the molecules that the sources give now.

    Returns:
        Whether the table was written.

    Raises:
        InputError: if a finished trajectory is of another molecule than the sources give.
    """
    now = plan.selection
    table = folder.chosen()
    if folder.leaves(folder.selection):
        raise InputError(
            f"{folder.selection} is a link that leaves the folder; nothing is written through it, remove it"
        )
    if folder.selection.is_file() and not table.bad and table.changed(parse_selection(now.encode())) is None:
        return False
    records = folder.records()
    for molecule in plan.chosen:
        for identifier in plan.fields[molecule.name]:
            record = records.get(identifier, {})
            finished = record.get("status") == "done" and folder.checksum_matches(record)
            fault = _fault(folder, identifier, plan.fingerprints[identifier]) if finished else ""
            if fault:
                raise InputError(
                    f"{folder.root}: the sources do not give {molecule.name} as it was ({identifier}: {fault}); "
                    "restore the files that the molecules came from"
                )
    replace_text(folder.selection, now)
    return True


def _fault(folder: DatasetFolder, identifier: str, fingerprint: str) -> str:
    try:
        return mismatch(read_trajectory(folder.path(identifier), frames=1, finite=False), identifier, fingerprint)
    except (ContractError, InputError):
        return ""
