"""Is a data-set folder true to the contract? Every rule over every file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tdddft.errors import InputError
from tdddft.folder import DatasetFolder, Record
from tdddft.trajectory import read_trajectory
from tdddft.validation import Verdict, validate


@dataclass
class FolderReport:
    """Verdicts over a folder.

    Args:
        files: Files that were judged.
        passed, failed, not_applicable: How many files by rule.
        broken: What is wrong, by id.
        unlisted: Ids of files that the index does not know.
    """

    files: int = 0
    passed: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    not_applicable: Counter[str] = field(default_factory=Counter)
    broken: dict[str, list[str]] = field(default_factory=dict)
    unlisted: list[str] = field(default_factory=list)

    @property
    def rules(self) -> list[str]:
        """Names of the rules, in the order in which they were first met."""
        return list(dict.fromkeys([*self.passed, *self.failed, *self.not_applicable]))

    def add(self, identifier: str, verdicts: list[Verdict]) -> None:
        """Count the verdicts on one file."""
        self.files += 1
        for verdict in verdicts:
            {True: self.passed, False: self.failed, None: self.not_applicable}[verdict.passed][verdict.rule] += 1
        wrong = [f"{v.rule}: {v.detail}" for v in verdicts if v.passed is False]
        if wrong:
            self.broken[identifier] = wrong


def check_folder(folder: DatasetFolder, on_file: Callable[[int], None] | None = None) -> FolderReport:
    """Judge every finished trajectory of a folder, and find files that the index does not know.

    Raises:
        InputError: if it is not a data-set folder, or holds nothing.
    """
    folder.recipe()
    done = {i: r for i, r in folder.records().items() if r["status"] == "done"}
    report = FolderReport(unlisted=sorted({p.stem for p in folder.trajectories.glob("*.h5")} - set(done)))
    if not done and not report.unlisted:
        raise InputError(f"{folder.root} holds no finished trajectory; run 'tdddft generate' again to continue it")
    for number, (identifier, record) in enumerate(done.items(), start=1):
        report.add(identifier, _judge(folder, record))
        if on_file is not None:
            on_file(number)
    return report


def _judge(folder: DatasetFolder, record: Record) -> list[Verdict]:
    """A file with another checksum is not opened: HDF5 can run in circles in a damaged one."""
    path = folder.root / record["file"]
    if not path.is_file():
        return [Verdict("readable", False, "the file is gone")]
    if not folder.intact(record):
        return [Verdict("checksum", False, "differs from the index")]
    intact = Verdict("checksum", True, "equal")
    try:
        trajectory = read_trajectory(path)
        return [intact, Verdict("readable", True, ""), *validate(trajectory)]
    except Exception as error:  # written like that, by whatever fault: one file must not end the check
        return [intact, Verdict("readable", False, f"{type(error).__name__}: {error}")]
