"""Check of a data-set folder: every rule of the contract over every file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from graphlearn.base.errors import ContractError, InputError
from graphlearn.base.hdf5_examination import refusals
from tdddft.dataset.index import Record, molecule_name
from tdddft.dataset.recovery import mismatch
from tdddft.dataset.store import DatasetFolder
from tdddft.trajectory import read_trajectory
from tdddft.trajectory.validation import RuleResult, validate


@dataclass
class FolderReport:
    """Results of the rules over a folder.

    Args:
        files: Files that were judged.
        passed, failed, not_applicable: How many files by rule.
        broken: What is wrong, by id.
        unlisted: Ids of files that the index does not know.
        bad_lines: Lines of the index and of the selection table that cannot be used.
    """

    files: int = 0
    passed: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    not_applicable: Counter[str] = field(default_factory=Counter)
    broken: dict[str, list[str]] = field(default_factory=dict)
    unlisted: list[str] = field(default_factory=list)
    bad_lines: list[str] = field(default_factory=list)

    @property
    def rules(self) -> list[str]:
        """Names of the rules, in the order in which they were first met."""
        return list(dict.fromkeys([*self.passed, *self.failed, *self.not_applicable]))

    def add(self, identifier: str, results: list[RuleResult]) -> None:
        """Count the results on one file.

        Args:
            identifier: Id of its trajectory.
            results: One per rule.
        """
        self.files += 1
        for result in results:
            {True: self.passed, False: self.failed, None: self.not_applicable}[result.passed][result.rule] += 1
        wrong = [f"{v.rule}: {v.detail}" for v in results if v.passed is False]
        if wrong:
            self.broken[identifier] = wrong


def check_folder(folder: DatasetFolder, on_file: Callable[[int], None] | None = None) -> FolderReport:
    """Judge every finished trajectory of a folder, and find files that the index does not know.

    Args:
        folder: The folder.
        on_file: Called with the number of files that are judged.

    Returns:
        The results.

    Raises:
        InputError: if it is not a data-set folder, or holds nothing.
    """
    folder.recipe()
    done = {i: r for i, r in folder.records().items() if r["status"] == "done"}
    unlisted = sorted({p.stem for p in folder.trajectories.glob("*.h5")} - set(done))
    report = FolderReport(unlisted=unlisted, bad_lines=folder.bad_lines())
    if not done and not report.unlisted:
        raise InputError(f"{folder.root} holds no finished trajectory; run 'tdddft generate' again to continue it")
    geometries, reasons = folder.chosen().geometries, refusals([folder.path(i) for i in done])
    for number, ((identifier, record), reason) in enumerate(zip(done.items(), reasons, strict=True), start=1):
        report.add(identifier, _judge(folder, record, reason, geometries.get(molecule_name(identifier))))
        if on_file is not None:
            on_file(number)
    return report


def _judge(folder: DatasetFolder, record: Record, reason: str, geometry: str | None) -> list[RuleResult]:
    path = folder.path(record["id"])
    if folder.leaves(path):
        return [RuleResult("readable", False, "a link that leaves the folder, which is not followed")]
    if not path.is_file():
        return [RuleResult("readable", False, "the file is gone")]
    if not folder.checksum_matches(record):
        return [RuleResult("checksum", False, "differs from the index")]
    intact = RuleResult("checksum", True, "equal")
    try:
        if reason:
            raise ContractError(reason)
        trajectory = read_trajectory(path, finite=False, examined=True)
        strange = mismatch(trajectory, record["id"], geometry)
        named = RuleResult("id and geometry", not strange, strange)
        return [intact, RuleResult("readable", True, ""), named, *validate(trajectory)]
    except Exception as error:  # whatever is wrong with one file must not end the check
        return [intact, RuleResult("readable", False, f"{type(error).__name__}: {error}")]
