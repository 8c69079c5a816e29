"""The data-set folder: resolved recipe, index of trajectories, the trajectories themselves, a log."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tdddft.errors import ContractError, InputError
from tdddft.files import replace_text
from tdddft.recipe import GenerateRecipe
from tdddft.recipe_files import differing_keys, load_recipe, recipe_hash
from tdddft.trajectory import read_trajectory
from tdddft.validation import failures

Record = dict[str, Any]


@dataclass(frozen=True)
class DatasetFolder:
    """One data set on disk.

    ``recipe.yaml`` (resolved), ``index.jsonl`` (one line an event, the last line of an id counts), ``trajectories/``
    (one file each), ``log``. Only the process that holds the folder open writes the index.
    """

    root: Path

    @property
    def trajectories(self) -> Path:
        """Where the trajectory files lie."""
        return self.root / "trajectories"

    def path(self, identifier: str) -> Path:
        """File of one trajectory."""
        return self.trajectories / f"{identifier}.h5"

    def checkpoint(self, identifier: str) -> Path:
        """File that keeps an unfinished trajectory."""
        return self.root / "unfinished" / f"{identifier}.h5"

    def open(self, recipe: GenerateRecipe) -> None:
        """Create the folder for a recipe, or make sure that it already belongs to the same one.

        Raises:
            InputError: if the folder belongs to another recipe (the differing keys are named) or is not writable.
        """
        file = self.root / "recipe.yaml"
        new = recipe.model_dump(mode="json")
        if file.exists():
            old = load_recipe(file, GenerateRecipe).model_dump(mode="json")
            if old == new:
                return
            if any(record["status"] == "done" for record in self.records().values()):
                raise InputError(
                    f"{self.root} was made with another recipe; these keys differ: "
                    f"{', '.join(differing_keys(old, new))}. Choose another --out, or the same settings"
                )
            for unfinished in self.checkpoint("").parent.glob("*.h5"):
                unfinished.unlink()
        try:
            self.trajectories.mkdir(parents=True, exist_ok=True)
            self.checkpoint("").parent.mkdir(exist_ok=True)
            replace_text(file, yaml.safe_dump(new, sort_keys=False))
        except OSError as error:
            raise InputError(f"cannot write to {self.root}: {error.strerror}; choose another --out") from None

    def recipe(self) -> GenerateRecipe:
        """The recipe of the folder; InputError where there is none."""
        if not (self.root / "recipe.yaml").is_file():
            raise InputError(f"{self.root} is not a data-set folder (no recipe.yaml); make one with 'tdddft generate'")
        return load_recipe(self.root / "recipe.yaml", GenerateRecipe)

    def intact(self, record: Record) -> bool:
        """Whether the file of a finished record exists and has its checksum."""
        path = self.root / record["file"]
        return path.is_file() and _checksum(path) == record["sha256"]

    def append(self, record: Record) -> None:
        """Add one line to the index in a single write and flush it to disk."""
        line = (json.dumps(record, sort_keys=True) + "\n").encode()
        descriptor = os.open(self.root / "index.jsonl", os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            size = os.fstat(descriptor).st_size
            torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
            os.write(descriptor, b"\n" + line if torn else line)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def log(self, line: str) -> None:
        """Add one line to the log."""
        with (self.root / "log").open("a") as file:
            file.write(line + "\n")

    def records(self) -> dict[str, Record]:
        """The newest record of every id; a torn last line is ignored."""
        records: dict[str, Record] = {}
        for record in self._lines():
            records[record["id"]] = record
        return records

    def _lines(self) -> Iterator[Record]:
        index = self.root / "index.jsonl"
        if not index.exists():
            return
        for line in index.read_text().splitlines():
            try:
                yield json.loads(line)
            except json.JSONDecodeError:
                continue

    def finished(self) -> dict[str, Path]:
        """Files of all finished trajectories by id, in the order of the index.

        Raises:
            InputError: if the folder holds no data set or no finished trajectory.
        """
        self.recipe()
        found = {i: self.root / r["file"] for i, r in self.records().items() if r["status"] == "done"}
        if not found:
            raise InputError(f"{self.root} holds no finished trajectory; run 'tdddft generate' again to continue it")
        return found

    def adopt(self, identifiers: list[str], recipe: GenerateRecipe) -> set[str]:
        """Ids that need no work: finished in the index, or complete on disk although the index lost them."""
        records = self.records()
        done = set()
        for identifier in identifiers:
            path = self.path(identifier)
            record = records.get(identifier, {})
            if not path.exists():
                continue
            if record.get("status") == "done":
                if self.intact(record):
                    done.add(identifier)
                continue
            try:
                trajectory = read_trajectory(path)
            except ContractError:
                continue
            if trajectory.info["provenance"].get("recipe_hash") == recipe_hash(recipe) and not failures(trajectory):
                seconds = trajectory.info["provenance"]["wall_seconds"]
                self.append(done_record(self.root, identifier, seconds, {"adopted": True}))
                done.add(identifier)
        return done


def done_record(root: Path, identifier: str, seconds: float, diagnostics: dict[str, Any]) -> Record:
    """Index line of a finished trajectory, with the checksum of its file."""
    path = DatasetFolder(root).path(identifier)
    file = str(path.relative_to(root))
    return {
        "id": identifier,
        "status": "done",
        "file": file,
        "sha256": _checksum(path),
        "seconds": seconds,
        **diagnostics,
    }


def _checksum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
