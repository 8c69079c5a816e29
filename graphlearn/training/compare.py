"""Variants of a training beside one another, over seeds and folds; every finished run is kept."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from graphlearn.base.errors import ContractError, InputError
from graphlearn.base.file_names import file_name
from graphlearn.base.files import replace_text
from graphlearn.base.machine import available_cores
from graphlearn.base.plain_data import parse_json
from graphlearn.base.recipes.reading import differing_keys
from graphlearn.base.workers.pool import map_unordered
from graphlearn.training.run_folder import run_folder

RUNS = "runs.jsonl"


class Run(NamedTuple):
    """One training of a comparison.

    Attributes:
        variant: Row of the table.
        setting: Column of the table, for what is varied beside the variants, as a depth; empty where nothing is.
        seed: Of all random numbers.
        fold: Number of the test fold.
    """

    variant: str
    setting: str = ""
    seed: int = 0
    fold: int = 0

    @classmethod
    def of(cls, line: Mapping[str, Any]) -> Run:
        """The run of a line of ``runs.jsonl``."""
        return cls(**{name: line[name] for name in cls._fields})

    def folder(self, out: Path) -> Path:
        """Where this run may keep its checkpoints and its model."""
        return out / "-".join(file_name(str(part)) for part in self if part != "")


class Column(NamedTuple):
    """A figure of the runs.

    Attributes:
        key: Among the figures of a run.
        label: In tables.
        higher_is_better: Its direction.
        factor: Of values in tables: 100 for per cent.
        digits: Behind the point.
    """

    key: str
    label: str
    higher_is_better: bool = True
    factor: float = 1.0
    digits: int = 3


class Comparison(ABC):
    """What is compared; handed to worker processes, which do the runs.

    Attributes:
        title: Of the figure.
        columns: Figures of every run; the first one is drawn.
    """

    title: str
    columns: tuple[Column, ...]

    @abstractmethod
    def runs(self) -> list[Run]:
        """All runs, in the order in which they are done and shown."""

    @abstractmethod
    def settings(self, run: Run) -> dict[str, Any]:
        """What a run depends on beside its own names: recipe and fingerprint of the data, plain and JSON-able."""

    @abstractmethod
    def do(self, run: Run, folder: Path) -> dict[str, Any]:
        """Train and test.

        Args:
            run: Which training.
            folder: For files of this run alone; a run that was cut off may go on from there.

        Returns:
            ``figures`` by the keys of the columns, and whatever else is worth keeping; JSON-able.
        """

    def prepare(self) -> Comparison:
        """The comparison with what all runs share; called once, before the first run."""
        return self

    def references(self, lines: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
        """Figures of simple methods by name, which stand below the variants.

        Args:
            lines: Of finished runs.

        Returns:
            Figures by the keys of the columns, by name.
        """
        return {}


class Compared(NamedTuple):
    """Lines of the runs that are done, and of those that failed (with ``error`` instead of ``figures``)."""

    done: list[dict[str, Any]]
    failed: list[dict[str, Any]]


class _Job(NamedTuple):
    comparison: Comparison
    run: Run
    out: Path


def compare(
    comparison: Comparison,
    out: Path,
    *,
    jobs: int | None = None,
    on_run: Callable[[int, dict[str, Any]], object] | None = None,
) -> Compared:
    """Do every run that has no line in ``runs.jsonl``.

    Args:
        comparison: What to compare.
        out: Folder; runs that are kept there count if they are of the same recipe and data. More variants, seeds and
            folds can be added later. Runs that failed are tried again, lines that were cut off are left out.
        jobs: Worker processes of one thread each; all cores by default. Results do not depend on their number.
        on_run: Called with the number of finished runs and the newest line.

    Returns:
        Lines of the runs that are done, in the order of the comparison, and of those that failed.

    Raises:
        InputError: if the folder holds a wanted run of another recipe or data set, another comparison is at work in
            it, or no run could be done.
    """
    wanted = comparison.runs()
    with run_folder(out):
        kept = {Run.of(line): line for line in read_runs(out)}
        done = {run: kept[run] for run in wanted if run in kept}
        for run, line in done.items():
            _check_same(comparison.settings(run), line, out)
        replace_text(out / RUNS, "".join(json.dumps(line) + "\n" for line in kept.values()))
        missing = [run for run in wanted if run not in done]
        prepared = comparison.prepare() if missing else comparison
        work = [_Job(prepared, run, out) for run in missing]
        failed = []
        with (out / RUNS).open("a") as file:
            for line in map_unordered(_do, work, jobs or available_cores()):
                if "error" in line:
                    failed.append(line)
                else:
                    file.write(json.dumps(line) + "\n")
                    file.flush()
                    done[Run.of(line)] = line
                if on_run is not None:
                    on_run(len(done) + len(failed), line)
    if not done:
        raise InputError(f"every run failed; the first: {failed[0]['error']}")
    return Compared([done[run] for run in wanted if run in done], failed)


def read_runs(folder: Path) -> Iterator[dict[str, Any]]:
    """Lines of ``runs.jsonl`` that are whole; those that were cut off or damaged are left out.

    Args:
        folder: Of a comparison.

    Yields:
        Names of the run, its figures and its settings.

    Raises:
        InputError: if an earlier version wrote the file.
    """
    file = folder / RUNS
    for text in file.read_text(errors="replace").splitlines() if file.is_file() else []:
        try:
            line = parse_json(text, file)
            Run.of(line)
        except (InputError, TypeError, AttributeError, KeyError):
            if _is_of_version_1(text):
                raise InputError(
                    f"{file} was written by an earlier version of graphlearn; choose another folder"
                ) from None
            continue
        if isinstance(line.get("figures"), dict) and isinstance(line.get("settings"), dict):
            yield line


def _is_of_version_1(text: str) -> bool:
    return text.startswith('{"readout": ') and text.endswith("}")


def _check_same(wanted: dict[str, Any], line: Mapping[str, Any], out: Path) -> None:
    plain = json.loads(json.dumps(wanted))
    if keys := differing_keys(line["settings"], plain):
        raise InputError(f"{out} holds runs that differ in {', '.join(keys)}; choose another folder")


def _do(job: _Job) -> dict[str, Any]:
    comparison, run, out = job
    try:
        result = comparison.do(run, run.folder(out))
    except (InputError, ContractError, RuntimeError) as error:
        return {**run._asdict(), "error": str(error)}
    return {**run._asdict(), **result, "settings": comparison.settings(run)}
