"""The data-set folder: resolved recipe, index of trajectories, the trajectories themselves, a log."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from tdddft.errors import ContractError, InputError
from tdddft.files import replace_text
from tdddft.recipe import GenerateRecipe
from tdddft.recipe_files import differing_keys, load_recipe, recipe_hash
from tdddft.run_state import lock
from tdddft.trajectory import Trajectory, read_trajectory
from tdddft.validation import failures

Record = dict[str, Any]


@dataclass(frozen=True)
class DatasetFolder:
    """One data set on disk.

    ``recipe.yaml`` (resolved), ``selection.csv`` (the chosen molecules), ``index*.jsonl`` (one line an event, the last
    line of an id counts), ``trajectories/`` (one file each), ``unfinished/`` (checkpoints), ``log``. Several runs may
    work in one folder if each has its own shard: a run writes the index of its shard alone.

    Args:
        root: The folder.
        shard: Number of the shard and number of shards, from (1, 1); None for an undivided data set.
    """

    root: Path
    shard: tuple[int, int] | None = None

    @property
    def trajectories(self) -> Path:
        """Where the trajectory files lie."""
        return self.root / "trajectories"

    @property
    def selection(self) -> Path:
        """Table of the chosen molecules."""
        return self.root / "selection.csv"

    @property
    def index(self) -> Path:
        """Index that this run writes."""
        return self.root / f"index{self._part}.jsonl"

    @property
    def run_file(self) -> Path:
        """What this run is doing, see :mod:`tdddft.run_state`."""
        return self.root / f"run{self._part}.json"

    @property
    def _part(self) -> str:
        return "" if self.shard is None else "-{}of{}".format(*self.shard)

    def path(self, identifier: str) -> Path:
        """File of one trajectory."""
        return self.trajectories / f"{identifier}.h5"

    def checkpoint(self, identifier: str) -> Path:
        """File that keeps an unfinished trajectory."""
        return self.root / "unfinished" / f"{identifier}.h5"

    def open(self, recipe: GenerateRecipe, selection: str) -> None:
        """Create the folder for a recipe, or make sure that it already belongs to the same one.

        Raises:
            InputError: if the folder belongs to another recipe (the differing keys are named) or is not writable.
        """
        file = self.root / "recipe.yaml"
        new = recipe.model_dump(mode="json")
        if file.exists():
            old = load_recipe(file, GenerateRecipe).model_dump(mode="json")
            if old == new and self.selection.is_file():
                return
            if old != new and any(record["status"] == "done" for record in self.records().values()):
                raise InputError(
                    f"{self.root} was made with another recipe; these keys differ: "
                    f"{', '.join(differing_keys(old, new))}. Choose another --out, or the same settings"
                )
            if old != new:
                for stale in (*self.checkpoint("").parent.glob("*.h5"), *self.root.glob("index*.jsonl")):
                    stale.unlink()
        try:
            self.trajectories.mkdir(parents=True, exist_ok=True)
            self.checkpoint("").parent.mkdir(exist_ok=True)
            replace_text(self.selection, selection)
            replace_text(file, yaml.safe_dump(new, sort_keys=False))
        except OSError as error:
            raise InputError(f"cannot write to {self.root}: {error.strerror}; choose another --out") from None

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder, or the shard, for one run at a time; a run that dies lets go.

        Raises:
            InputError: if another run holds it.
        """
        with lock(self.root / f".lock{self._part}") as free:
            if not free:
                raise InputError(
                    f"another run is generating into {self.root}; wait for it, choose another --out, or divide the "
                    "work with --shard 1/2 and --shard 2/2"
                )
            yield

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
        descriptor = os.open(self.index, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
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
            file.write(f"{_now()} {line}\n")

    def records(self) -> dict[str, Record]:
        """The newest record of every id, whichever run wrote it; a torn last line is ignored."""
        records: dict[str, Record] = {}
        for record in self._lines():
            before = records.get(record["id"])
            if before is None or before.get("finished_at", "") <= record.get("finished_at", ""):
                records[record["id"]] = record
        return records

    def _lines(self) -> Iterator[Record]:
        for index in sorted(self.root.glob("index*.jsonl")):
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
                self.append(done_record(self.root, identifier, trajectory))
                done.add(identifier)
        return done


def done_record(root: Path, identifier: str, trajectory: Trajectory) -> Record:
    """Index line of a finished trajectory: the checksum of its file, times, and diagnostics."""
    path = DatasetFolder(root).path(identifier)
    facts, state = trajectory.info["provenance"], trajectory.info["ground_state"]
    return {
        "id": identifier,
        "status": "done",
        "file": str(path.relative_to(root)),
        "sha256": _checksum(path),
        "finished_at": _now(),
        "molecule": trajectory.info["molecule"]["name"],
        "atoms": len(trajectory.numbers),
        "orbitals": len(trajectory.overlap),
        "occupied": len(trajectory.occupations),
        "scf_solver": state.get("scf_solver"),
        "seconds": facts.get("wall_seconds"),
        "ground_state_seconds": facts.get("ground_state_seconds"),
        "fock_builds": facts.get("fock_builds"),
        "norm_error": float(trajectory.norm_error.max()),
    }


def failed_record(identifier: str, error: Exception) -> Record:
    """Index line of a trajectory that could not be made."""
    text = f"{type(error).__name__}: {error}"
    return {"id": identifier, "status": "failed", "error": text, "finished_at": _now()}


def _checksum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
